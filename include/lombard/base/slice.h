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

/* As memcmp() == 0; without a call or a branch on the contents where it is for keys. */
static inline bool
bytes_equal(const char *a, const char *b, size_t len)
{
    uint64_t x, y, differ = 0;

    if (len < sizeof(x))
        return len == 0 || memcmp(a, b, len) == 0;
    for (size_t i = 0; i + sizeof(x) < len; i += sizeof(x)) {
        memcpy(&x, a + i, sizeof(x));
        memcpy(&y, b + i, sizeof(y));
        differ |= x ^ y;
    }
    /* The last eight, some of them for the second time. */
    memcpy(&x, a + len - sizeof(x), sizeof(x));
    memcpy(&y, b + len - sizeof(y), sizeof(y));
    return (differ | (x ^ y)) == 0;
}

/* As memcpy(); without a call where it is for keys and short values. */
static inline void
bytes_copy(char *restrict dst, const char *restrict src, size_t len)
{
    enum { CHUNK = 16, CALL_BYTES = 128 };

    if (len > CALL_BYTES || len < CHUNK / 2) {
        if (len > 0)
            memcpy(dst, src, len);
        return;
    }
    if (len < CHUNK) { /* the first eight and the last eight, which overlap */
        memcpy(dst, src, CHUNK / 2);
        memcpy(dst + len - CHUNK / 2, src + len - CHUNK / 2, CHUNK / 2);
        return;
    }
    for (size_t i = 0; i < len - CHUNK; i += CHUNK)
        memcpy(dst + i, src + i, CHUNK);
    memcpy(dst + len - CHUNK, src + len - CHUNK, CHUNK);
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
