/*
 * Numbers of the text protocol, each with the limits that memcached gives it.
 */
#include <stdint.h>

#include "text_priv.h"

/* More characters are refused, leading zeros among them. */
enum { CHARS_MAX_32 = 11, CHARS_MAX_64 = 22 };

/* Digits and nothing else; none at all are 0. */
static bool
digits(struct slice s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';

        if (digit > 9 || v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

static struct slice
without_first(struct slice s)
{
    return slice_make(s.ptr + 1, s.len - 1);
}

bool
token_u64(struct slice s, uint64_t *out)
{
    return s.len > 0 && s.len <= CHARS_MAX_64 && digits(s, UINT64_MAX, out);
}

bool
token_u32(struct slice s, uint32_t *out)
{
    uint64_t v;

    if (s.len == 0 || s.len > CHARS_MAX_32 || !digits(s, UINT32_MAX, &v))
        return false;
    *out = (uint32_t)v;
    return true;
}

bool
token_i32(struct slice s, int32_t *out)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t v;

    if (s.len == 0 || s.len > CHARS_MAX_32)
        return false;
    if (!digits(negative ? without_first(s) : s, (uint64_t)INT32_MAX + negative, &v))
        return false;
    *out = (int32_t)(negative ? -(int64_t)v : (int64_t)v);
    return true;
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* As strtol(3) and strtoul(3) read: blanks, a sign, and digits up to a blank or a NUL. */
static bool
scan(struct slice s, bool *negative, uint64_t *magnitude)
{
    size_t len = 0;

    while (s.len > 0 && is_space(s.ptr[0]))
        s = without_first(s);
    *negative = s.len > 0 && s.ptr[0] == '-';
    if (s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+'))
        s = without_first(s);
    while (len < s.len && s.ptr[len] >= '0' && s.ptr[len] <= '9')
        len++;
    if (len == 0 || (len < s.len && s.ptr[len] != '\0' && !is_space(s.ptr[len])))
        return false;
    return digits(slice_make(s.ptr, len), UINT64_MAX, magnitude);
}

bool
token_low_i32(struct slice s, int32_t *out)
{
    uint64_t magnitude;
    bool negative;

    if (!scan(s, &negative, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int32_t)(uint32_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

bool
token_low_u32(struct slice s, uint32_t *out)
{
    uint64_t magnitude;
    bool negative;

    if (!scan(s, &negative, &magnitude))
        return false;
    /* A minus sign counts modulo 2^64; what is then in the upper half was meant negative. */
    if (negative && (int64_t)(0 - magnitude) < 0)
        return false;
    *out = (uint32_t)(negative ? 0 - magnitude : magnitude);
    return true;
}
