#include "lombard/base/num.h"

#include <string.h>

bool
num_parse_u64(struct slice s, uint64_t *out)
{
    enum { DIGITS_THAT_FIT = 19 };
    uint64_t v = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';

        if (digit > 9)
            return false;
        if (LIKELY(i < DIGITS_THAT_FIT)) {
            v = v * 10 + digit;
            continue;
        }
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
            return false;
    }
    *out = v;
    return true;
}

bool
num_parse_u32(struct slice s, uint32_t *out)
{
    uint64_t v;

    if (!num_parse_u64(s, &v) || v > UINT32_MAX)
        return false;
    *out = (uint32_t)v;
    return true;
}

bool
num_parse_i64(struct slice s, int64_t *out)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t v;

    if (s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+')) {
        s.ptr++;
        s.len--;
    }
    if (!num_parse_u64(s, &v) || v > limit)
        return false;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool
num_scan(struct slice s, bool *negative, uint64_t *magnitude)
{
    const char *p = s.ptr;
    const char *end = s.ptr + s.len;
    const char *digits;

    while (p < end && is_space(*p))
        p++;
    *negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    digits = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    if (p < end && *p != '\0' && !is_space(*p))
        return false;
    return num_parse_u64(slice_make(digits, (size_t)(p - digits)), magnitude);
}

/* "00" to "99": two digits a division. */
const char num_digit_pairs[NUM_DIGIT_PAIRS_BYTES] = "00010203040506070809"
                                                    "10111213141516171819"
                                                    "20212223242526272829"
                                                    "30313233343536373839"
                                                    "40414243444546474849"
                                                    "50515253545556575859"
                                                    "60616263646566676869"
                                                    "70717273747576777879"
                                                    "80818283848586878889"
                                                    "90919293949596979899";

static size_t
count_digits(uint64_t v)
{
    size_t digits = 1;

    for (; v >= 10000; v /= 10000)
        digits += 4;
    return digits + (v >= 10) + (v >= 100) + (v >= 1000);
}

NOINLINE size_t
num_format_u64(char *dst, uint64_t v)
{
    size_t len = count_digits(v);
    char *p = dst + len;

    while (v >= 100) {
        p -= 2;
        memcpy(p, num_digit_pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v >= 10)
        memcpy(dst, num_digit_pairs + 2 * v, 2);
    else
        *dst = (char)('0' + v);
    return len;
}

size_t
num_format_i64(char *dst, int64_t v)
{
    if (v >= 0)
        return num_format_u64(dst, (uint64_t)v);
    dst[0] = '-';
    return 1 + num_format_u64(dst + 1, 0 - (uint64_t)v);
}
