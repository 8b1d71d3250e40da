/* Escapes bytes that clients chose, for JSON, for labels of Prometheus and for HTML. */
#include <stdint.h>

#include "http_priv.h"

/* U+FFFD: instead of bytes that are no UTF-8. */
#define REPLACEMENT SLICE("\xef\xbf\xbd")

char *
http_put(char *p, const char *end, struct slice s)
{
    return (size_t)(end - p) < s.len ? p : put_slice(p, s);
}

char *
http_put_text(char *p, const char *end, const char *text)
{
    return http_put(p, end, slice_make(text, strlen(text)));
}

/* Bytes of the sequence that C begins, and the lowest number that needs as many; 0: none begins. */
static size_t
sequence_bytes(unsigned char c, uint32_t *low)
{
    if (c >= 0xc2 && c < 0xe0) {
        *low = 0x80;
        return 2;
    }
    if (c >= 0xe0 && c < 0xf0) {
        *low = 0x800;
        return 3;
    }
    *low = 0x10000;
    return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

/*
 * Bytes of the character at TEXT, which is not ASCII (RFC 3629, section 3). 0: it is none: it was
 * cut, or is a surrogate, or has more bytes than it needs.
 */
static size_t
character_bytes(const char *text)
{
    uint32_t low;
    size_t bytes = sequence_bytes((unsigned char)*text, &low);
    uint32_t number = bytes == 0 ? 0 : (unsigned char)*text & (0x7fU >> bytes);

    for (size_t i = 1; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >> 6 != 2)
            return 0;
        number = number << 6 | (c & 0x3f);
    }
    if (number < low || number > 0x10ffff || (number >= 0xd800 && number < 0xe000))
        return 0;
    return bytes;
}

/* How many bytes at TEXT stand for themselves in JSON, in labels and in HTML alike. */
static size_t
plain_bytes(const char *text)
{
    static const bool is_special[128] = {
        ['"'] = true, ['&'] = true,  ['\''] = true, ['<'] = true,
        ['>'] = true, ['\\'] = true, [0x7f] = true,
    };
    size_t len = 0;

    while ((unsigned char)text[len] >= ' ' && (unsigned char)text[len] < 0x80 &&
           !is_special[(unsigned char)text[len]])
        len++;
    return len;
}

/* What stands for the ASCII character C; empty: itself. At SCRATCH, where it has to be made. */
typedef struct slice escape_fn(unsigned char c, char scratch[8]);

static char *
put_escaped(char *p, const char *end, const char *text, escape_fn *escape)
{
    while (*text != '\0') {
        char scratch[8];
        size_t space = (size_t)(end - p);
        size_t bytes = plain_bytes(text);
        struct slice shown;

        if (bytes > 0) {
            p = put_slice(p, slice_make(text, bytes < space ? bytes : space));
            if (bytes > space)
                return p;
            text += bytes;
            continue;
        }
        bytes = 1;
        if ((unsigned char)*text >= 0x80) {
            bytes = character_bytes(text);
            shown = bytes == 0 ? REPLACEMENT : slice_make(text, bytes);
            bytes += bytes == 0;
        } else {
            shown = escape((unsigned char)*text, scratch);
            if (shown.len == 0)
                shown = slice_make(text, 1);
        }
        if ((size_t)(end - p) < shown.len)
            return p;
        p = put_slice(p, shown);
        text += bytes;
    }
    return p;
}

static char
hex_digit(unsigned value)
{
    return (char)(value < 10 ? '0' + value : 'a' + value - 10);
}

/* RFC 8259, section 7; and nothing that ends an element of HTML, should a page contain it. */
static struct slice
escape_json(unsigned char c, char scratch[8])
{
    if (c == '"')
        return SLICE("\\\"");
    if (c == '\\')
        return SLICE("\\\\");
    if (c >= ' ' && c != 0x7f && c != '<' && c != '>' && c != '&')
        return slice_make(NULL, 0);
    memcpy(scratch, "\\u00", 4);
    scratch[4] = hex_digit(c >> 4);
    scratch[5] = hex_digit(c & 15);
    return slice_make(scratch, 6);
}

/* Backslash, quote and newline, as the format has them; other controls as \xNN, to be read. */
static struct slice
escape_label(unsigned char c, char scratch[8])
{
    if (c == '"')
        return SLICE("\\\"");
    if (c == '\\')
        return SLICE("\\\\");
    if (c == '\n')
        return SLICE("\\n");
    if (c >= ' ' && c != 0x7f)
        return slice_make(NULL, 0);
    memcpy(scratch, "\\\\x", 3);
    scratch[3] = hex_digit(c >> 4);
    scratch[4] = hex_digit(c & 15);
    return slice_make(scratch, 5);
}

/* The older form of the format has no quotes to escape there: its readers refuse \". */
static struct slice
escape_help(unsigned char c, char scratch[8])
{
    return c == '"' ? slice_make(NULL, 0) : escape_label(c, scratch);
}

static struct slice
escape_html(unsigned char c, char scratch[8])
{
    switch (c) {
    case '<': return SLICE("&lt;");
    case '>': return SLICE("&gt;");
    case '&': return SLICE("&amp;");
    case '"': return SLICE("&quot;");
    case '\'': return SLICE("&#39;");
    default: break;
    }
    if (c >= ' ' && c != 0x7f)
        return slice_make(NULL, 0);
    memcpy(scratch, "\\x", 2);
    scratch[2] = hex_digit(c >> 4);
    scratch[3] = hex_digit(c & 15);
    return slice_make(scratch, 4);
}

char *
http_put_json(char *p, const char *end, const char *text)
{
    return put_escaped(p, end, text, escape_json);
}

char *
http_put_label(char *p, const char *end, const char *text)
{
    return put_escaped(p, end, text, escape_label);
}

char *
http_put_help(char *p, const char *end, const char *text, bool openmetrics)
{
    return put_escaped(p, end, text, openmetrics ? escape_label : escape_help);
}

char *
http_put_html(char *p, const char *end, const char *text)
{
    return put_escaped(p, end, text, escape_html);
}

/* As JSON has it: "-1", "0", "0.25". */
static bool
is_number(const char *text)
{
    const char *p = text + (*text == '-');
    size_t digits = strspn(p, "0123456789");

    if (digits == 0 || (digits > 1 && *p == '0'))
        return false;
    p += digits;
    if (*p != '.')
        return *p == '\0';
    digits = strspn(++p, "0123456789");
    return digits > 0 && p[digits] == '\0';
}

char *
http_put_member(char *p, const char *end, const char *name, const char *value)
{
    bool number = is_number(value);
    const char *value_end = end - 1; /* so that a string that is cut ends, too */

    p = http_put_json(http_put(p, end, SLICE("\n\"")), end, name);
    p = http_put(p, end, number ? SLICE("\":") : SLICE("\":\""));
    if (number)
        return http_put_text(p, end, value);
    return put_byte(http_put_json(p, value_end, value), '"');
}
