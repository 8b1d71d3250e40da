/* Takes texts of HTTP apart: words, lists and lines. */
#include "http_words.h"

#include <string.h>
#include <strings.h>

bool
http_is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return s.len > 0;
}

bool
http_is_visible(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || (unsigned char)s.ptr[i] >= 0x7f)
            return false;
    return s.len > 0;
}

bool
http_equals_nocase(struct slice s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.ptr, text, s.len) == 0;
}

bool
http_begins_nocase(struct slice s, const char *text)
{
    size_t len = strlen(text);

    return s.len >= len && strncasecmp(s.ptr, text, len) == 0;
}

struct slice
http_from(struct slice s, size_t off)
{
    return slice_make(s.ptr + off, s.len - off);
}

struct slice
http_trim(struct slice s)
{
    while (s.len > 0 && (*s.ptr == ' ' || *s.ptr == '\t'))
        s = http_from(s, 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

struct slice
http_take(struct slice *rest, char c)
{
    const char *found = rest->len == 0 ? NULL : memchr(rest->ptr, c, rest->len);
    struct slice taken = *rest;

    if (found == NULL) {
        *rest = http_from(*rest, rest->len);
        return taken;
    }
    taken.len = (size_t)(found - rest->ptr);
    *rest = http_from(*rest, taken.len + 1);
    return taken;
}

struct slice
http_take_line(struct slice *rest)
{
    struct slice line = http_take(rest, '\n');

    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}
