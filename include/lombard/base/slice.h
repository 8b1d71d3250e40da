/*
 * include/lombard/base/slice.h - bytes that belong to another object: to read, or to fill.
 *
 * Neither a slice nor a span owns anything or ends in NUL; both die with what they point into.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *ptr; /* first byte; may be NULL only when len is 0 */
    size_t len;      /* bytes */
};

/* Memory that is to be written. */
struct span {
    char *ptr;  /* first byte; may be NULL only when len is 0 */
    size_t len; /* bytes */
};

/* A slice of a string literal, without its NUL. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice
slice_make(const char *ptr, size_t len)
{
    return (struct slice){ptr, len};
}

static inline struct span
span_make(char *ptr, size_t len)
{
    return (struct span){ptr, len};
}

/* What eight bytes at A and at B differ in. */
static inline uint64_t
bytes_differ_8(const char *a, const char *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x ^ y;
}

/*
 * As memcmp() == 0; without a call or a loop where it is for keys: the first bytes and the last ones, some
 * of them twice.
 */
static inline bool
bytes_equal(const char *a, const char *b, size_t len)
{
    enum { WORD = 8 };
    const char *a_end = a + len, *b_end = b + len;

    if (len < WORD || len > 4 * WORD)
        return len == 0 || memcmp(a, b, len) == 0;
    if (len <= 2 * WORD)
        return (bytes_differ_8(a, b) | bytes_differ_8(a_end - WORD, b_end - WORD)) == 0;
    return (bytes_differ_8(a, b) | bytes_differ_8(a + WORD, b + WORD) |
            bytes_differ_8(a_end - 2 * WORD, b_end - 2 * WORD) |
            bytes_differ_8(a_end - WORD, b_end - WORD)) == 0;
}

/*
 * As memcpy(); without a call where it is for keys and short values. Nor a loop, of which gcc makes a call: the
 * first bytes and the last ones, which overlap.
 */
static inline void
bytes_copy(char *restrict dst, const char *restrict src, size_t len)
{
    enum { WORD = 8, CALL_BYTES = 16 * WORD };

    if (len > CALL_BYTES || len < WORD) {
        if (len > 0)
            memcpy(dst, src, len);
    } else if (len <= 2 * WORD) {
        memcpy(dst, src, WORD);
        memcpy(dst + len - WORD, src + len - WORD, WORD);
    } else if (len <= 4 * WORD) {
        memcpy(dst, src, 2 * WORD);
        memcpy(dst + len - 2 * WORD, src + len - 2 * WORD, 2 * WORD);
    } else if (len <= 8 * WORD) {
        memcpy(dst, src, 4 * WORD);
        memcpy(dst + len - 4 * WORD, src + len - 4 * WORD, 4 * WORD);
    } else {
        memcpy(dst, src, 8 * WORD);
        memcpy(dst + len - 8 * WORD, src + len - 8 * WORD, 8 * WORD);
    }
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
