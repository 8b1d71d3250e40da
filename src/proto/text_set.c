/*
 * Takes apart the usual form of `set` in one pass. Whatever looks otherwise, right or wrong, is left to
 * text_line.c.
 */
#include "request_priv.h"
#include "text_priv.h"

/* Digits that any of the numbers may have, whatever they are. */
enum { DIGITS_MAX = 9 };

_Static_assert(VALUE_BYTES_MAX >= 999999999, "any such length is one of a value");

/* The number at *POS, which is behind it and its blank or '\r' then. False: there is no such. */
static inline bool
take_number(const char **pos, const char *end, char behind, uint32_t *out)
{
    const char *p = *pos;
    const char *stop = end - p > DIGITS_MAX ? p + DIGITS_MAX + 1 : end;
    uint32_t v = 0;

    if (p == end)
        return false;
    do { /* most have one digit */
        unsigned char digit = (unsigned char)(*p - '0');

        if (digit > 9 || ++p == stop)
            return false;
        v = v * 10 + digit;
    } while (*p != behind);
    *out = v;
    *pos = p + 1;
    return true;
}

bool
text_set_quick(const char **pos, const char *end, struct request *req)
{
    const char *key = *pos + 4;
    uint32_t client_flags, exptime, bytes;
    size_t key_bytes;
    const char *p;

    if (end - *pos < 4 || memcmp(*pos, "set ", 4) != 0)
        return false;
    p = words_end_of(key, end);
    if (p == end || *p != ' ' || p == key || p - key > KEY_BYTES_MAX)
        return false;
    key_bytes = (size_t)(p - key);
    p++;
    if (!take_number(&p, end, ' ', &client_flags) || !take_number(&p, end, ' ', &exptime) ||
        !take_number(&p, end, '\r', &bytes) || p == end || *p != '\n')
        return false;
    request_init(req, OP_SET);
    req->flags = REQ_OVERWRITE;
    req->key = slice_make(key, key_bytes);
    req->client_flags = client_flags;
    req->exptime = exptime;
    req->value_bytes = bytes;
    req->body_bytes = (uint64_t)bytes + REQUEST_TAIL_BYTES;
    *pos = p + 1;
    return true;
}
