/*
 * include/lombard/base/slice.h - a view of bytes that somebody else owns.
 *
 * A slice never owns, never ends in NUL, and dies with what it points into.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *ptr; /* first byte; may be NULL only when len is 0 */
    size_t len;      /* bytes */
};

/* A slice of a string literal, without its NUL. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice
slice_make(const char *ptr, size_t len)
{
    return (struct slice){ptr, len};
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
