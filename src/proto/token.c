/*
 * Numbers of the text protocol, each with the limits that memcached gives it.
 */
#include "token_priv.h"

#include "lombard/base/num.h"

/* More characters are refused, leading zeros among them. */
enum { CHARS_MAX_32 = 11, CHARS_MAX_64 = 22 };

static struct slice
without_first(struct slice s)
{
    return slice_make(s.ptr + 1, s.len - 1);
}

bool
token_u64(struct slice s, uint64_t *out)
{
    return s.len <= CHARS_MAX_64 && num_parse_u64(s, out);
}

bool
token_u32(struct slice s, uint32_t *out)
{
    return s.len <= CHARS_MAX_32 && num_parse_u32(s, out);
}

bool
token_i32(struct slice s, int32_t *out)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t v = 0;

    if (s.len == 0 || s.len > CHARS_MAX_32)
        return false;
    if (negative)
        s = without_first(s);
    if (s.len > 0 && !num_parse_u64(s, &v))
        return false;
    if (v > (uint64_t)INT32_MAX + negative)
        return false;
    *out = (int32_t)(negative ? -(int64_t)v : (int64_t)v);
    return true;
}

bool
token_low_i32(struct slice s, int32_t *out)
{
    uint64_t magnitude;
    bool negative;

    if (!num_scan(s, &negative, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int32_t)(uint32_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

bool
token_low_u32(struct slice s, uint32_t *out)
{
    uint64_t magnitude;
    bool negative;

    if (!num_scan(s, &negative, &magnitude))
        return false;
    /* A minus sign counts modulo 2^64; what is then in the upper half was meant negative. */
    if (negative && (int64_t)(0 - magnitude) < 0)
        return false;
    *out = (uint32_t)(negative ? 0 - magnitude : magnitude);
    return true;
}
