/* Reads requests of all three protocols, independently of wire/, which writes them. */
#include "builtin/stub_parse.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

struct word {
    const char *p;
    size_t len;
};

/* The next word of [*P, END). */
static struct word
take_word(const char **p, const char *end)
{
    struct word w;

    while (*p < end && **p == ' ')
        (*p)++;
    w.p = *p;
    while (*p < end && **p != ' ')
        (*p)++;
    w.len = (size_t)(*p - w.p);
    return w;
}

static bool
is_word(struct word w, const char *text)
{
    return w.len == strlen(text) && memcmp(w.p, text, w.len) == 0;
}

static uint64_t
number_of(struct word w)
{
    char digits[24] = "";

    memcpy(digits, w.p, w.len < sizeof(digits) ? w.len : sizeof(digits) - 1);
    return strtoull(digits, NULL, 10);
}

static void
set_name(struct stub_request *r, struct word w)
{
    r->names = w.p;
    r->names_end = w.p + w.len;
}

/* The kind that QUERY_KIND_COUNT stands for: none. */
static enum query_kind
kind_of(struct word w)
{
    for (int i = 0; i < QUERY_NOOP; i++) {
        if (is_word(w, query_kind_name((enum query_kind)i)))
            return (enum query_kind)i;
    }
    return QUERY_NOOP;
}

/* "set key flags ttl bytes [cas] [noreply]" behind its first word. */
static void
parse_text_store(struct stub_request *r, const char *p, const char *end)
{
    struct word last;

    set_name(r, take_word(&p, end));
    r->flags = (uint32_t)number_of(take_word(&p, end));
    r->ttl_s = (uint32_t)number_of(take_word(&p, end));
    r->value_bytes = (uint32_t)number_of(take_word(&p, end));
    if (r->kind == QUERY_CAS)
        r->cas = number_of(take_word(&p, end));
    last = take_word(&p, end);
    r->quiet = is_word(last, "noreply");
}

static void
parse_text(struct stub_request *r, const char *p, const char *end)
{
    struct word name = take_word(&p, end);

    r->kind = kind_of(name);
    r->wants_cas = is_word(name, "gets");
    if (r->wants_cas)
        r->kind = QUERY_GET;
    if (r->kind == QUERY_GAT)
        r->ttl_s = (uint32_t)number_of(take_word(&p, end));
    if (r->kind == QUERY_GET || r->kind == QUERY_GAT) {
        r->wants_value = true;
        r->names = p;
        r->names_end = end;
    } else if (query_has_value(r->kind)) {
        parse_text_store(r, p, end);
    } else if (r->kind != QUERY_NOOP) {
        set_name(r, take_word(&p, end));
        r->wants_value = query_is_counter(r->kind);
        if (r->kind == QUERY_TOUCH)
            r->ttl_s = (uint32_t)number_of(take_word(&p, end));
        while (p < end)
            r->quiet |= is_word(take_word(&p, end), "noreply");
    }
}

/* What a flag of a meta command asks for. */
static void
apply_flag(struct stub_request *r, struct word flag)
{
    struct word rest = {flag.p + 1, flag.len - 1};

    switch (*flag.p) {
    case 'q': r->quiet = true; return;
    case 'v': r->wants_value = true; return;
    case 'k': r->wants_key = true; return;
    case 'c': r->wants_cas = true; return;
    case 'f': r->wants_flags = true; return;
    case 'F': r->flags = (uint32_t)number_of(rest); return;
    case 'T':
        r->ttl_s = (uint32_t)number_of(rest);
        r->touches = true;
        return;
    case 'C':
        r->cas = number_of(rest);
        r->kind = QUERY_CAS;
        return;
    case 'M': break;
    default: return;
    }
    if (r->kind == QUERY_INCR)
        r->kind = *rest.p == 'D' ? QUERY_DECR : QUERY_INCR;
    else if (*rest.p == 'E')
        r->kind = QUERY_ADD;
    else if (*rest.p == 'R')
        r->kind = QUERY_REPLACE;
    else
        r->kind = *rest.p == 'A' ? QUERY_APPEND : QUERY_PREPEND;
}

static void
parse_meta(struct stub_request *r, const char *p, const char *end)
{
    char letter = p[1];

    p += 2;
    r->kind = letter == 'g'   ? QUERY_GET
              : letter == 's' ? QUERY_SET
              : letter == 'd' ? QUERY_DELETE
              : letter == 'a' ? QUERY_INCR
                              : QUERY_NOOP;
    if (r->kind == QUERY_NOOP)
        return;
    set_name(r, take_word(&p, end));
    if (r->kind == QUERY_SET)
        r->value_bytes = (uint32_t)number_of(take_word(&p, end));
    while (p < end) {
        struct word flag = take_word(&p, end);

        if (flag.len > 0)
            apply_flag(r, flag);
    }
    if (r->kind == QUERY_GET && r->touches)
        r->kind = r->wants_value ? QUERY_GAT : QUERY_TOUCH;
}

/* Text and meta: a line, and what it announces. */
static size_t
parse_line(const char *p, size_t bytes, struct stub_request *r)
{
    const char *newline = memchr(p, '\n', bytes);
    size_t head;

    if (newline == NULL)
        return 0;
    head = (size_t)(newline - p) + 1;
    r->protocol = head >= 4 && p[0] == 'm' && strchr("gsdan", p[1]) != NULL &&
                          (p[2] == ' ' || p[2] == '\r')
                      ? STUB_META
                      : STUB_TEXT;
    if (r->protocol == STUB_META)
        parse_meta(r, p, newline - 1);
    else
        parse_text(r, p, newline - 1);
    if (!query_has_value(r->kind))
        return head;
    r->value = (const unsigned char *)p + head;
    return bytes < head + r->value_bytes + 2 ? 0 : head + r->value_bytes + 2;
}

static uint32_t
big32(const unsigned char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return be32toh(v);
}

/* In the order of the opcodes 0x00 to 0x06. */
static const enum query_kind first_kinds[] = {
    QUERY_GET, QUERY_SET, QUERY_ADD, QUERY_REPLACE, QUERY_DELETE, QUERY_INCR, QUERY_DECR};

static enum query_kind
kind_of_opcode(uint8_t opcode, bool *quiet)
{
    *quiet = opcode == 0x0d || (opcode >= 0x11 && opcode <= 0x16) || opcode == 0x19 ||
             opcode == 0x1a;
    if (opcode <= 0x06)
        return first_kinds[opcode];
    if (opcode >= 0x11 && opcode <= 0x16)
        return first_kinds[opcode - 0x10];
    switch (opcode) {
    case 0x0d: return QUERY_GET;
    case 0x0e:
    case 0x19: return QUERY_APPEND;
    case 0x0f:
    case 0x1a: return QUERY_PREPEND;
    case 0x1c: return QUERY_TOUCH;
    case 0x1d: return QUERY_GAT;
    default: return QUERY_NOOP;
    }
}

static size_t
parse_binary(const unsigned char *p, size_t bytes, struct stub_request *r)
{
    size_t key_bytes;
    size_t body_bytes;
    uint64_t cas;

    if (bytes < STUB_HEADER_BYTES)
        return 0;
    key_bytes = (size_t)p[2] << 8 | p[3];
    body_bytes = big32(p + 8);
    if (bytes < STUB_HEADER_BYTES + body_bytes)
        return 0;
    r->protocol = STUB_BINARY;
    r->opcode = p[1];
    r->opaque = big32(p + 12);
    memcpy(&cas, p + 16, sizeof(cas));
    r->cas = be64toh(cas);
    r->kind = kind_of_opcode(r->opcode, &r->quiet);
    if (r->kind == QUERY_SET && r->cas != 0)
        r->kind = QUERY_CAS;
    if (p[4] >= 8 && query_has_value(r->kind))
        r->flags = big32(p + STUB_HEADER_BYTES);
    if (p[4] == 8 || p[4] == 4)
        r->ttl_s = big32(p + STUB_HEADER_BYTES + p[4] - 4);
    r->wants_flags = true;
    r->wants_value = r->kind == QUERY_GET || r->kind == QUERY_GAT || query_is_counter(r->kind);
    r->wants_key = r->opcode == 0x0d;
    set_name(r, (struct word){(const char *)p + STUB_HEADER_BYTES + p[4], key_bytes});
    r->value = p + STUB_HEADER_BYTES + p[4] + key_bytes;
    r->value_bytes = (uint32_t)(body_bytes - p[4] - key_bytes);
    return STUB_HEADER_BYTES + body_bytes;
}

size_t
stub_parse(const unsigned char *p, size_t bytes, struct stub_request *out)
{
    memset(out, 0, sizeof(*out));
    if (bytes > 0 && *p == 0x80)
        return parse_binary(p, bytes, out);
    return parse_line((const char *)p, bytes, out);
}

bool
stub_next_name(struct stub_request *r, const char **name, size_t *len)
{
    struct word w = take_word(&r->names, r->names_end);

    *name = w.p;
    *len = w.len;
    return w.len > 0;
}
