/*
 * include/lombard/base/put.h - bytes behind bytes.
 *
 * Each function writes at P, where the caller has made sure that there is enough room, and
 * returns where the next byte goes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lombard/base/num.h"
#include "lombard/base/slice.h"

static inline char *
put_byte(char *p, char c)
{
    *p = c;
    return p + 1;
}

static inline char *
put_slice(char *p, struct slice s)
{
    if (s.len > 0)
        memcpy(p, s.ptr, s.len);
    return p + s.len;
}

/* The same of bytes that are short, but of a length that is not known here: a key. */
static inline char *
put_short(char *p, struct slice s)
{
    bytes_copy(p, s.ptr, s.len);
    return p + s.len;
}

static inline char *
put_u64(char *p, uint64_t v)
{
    if (v < 10)
        return put_byte(p, (char)('0' + v));
    if (v < 100) {
        memcpy(p, num_digit_pairs + 2 * v, 2);
        return p + 2;
    }
    return p + num_format_u64(p, v);
}

static inline char *
put_i64(char *p, int64_t v)
{
    return p + num_format_i64(p, v);
}

static inline bool
put_is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

/* A key as in a URI (RFC 3986, 2.1): up to three bytes a byte. */
static inline char *
put_uri(char *p, struct slice key)
{
    static const char hex[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                 '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'};

    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char)key.ptr[i];

        if (put_is_unreserved(key.ptr[i])) {
            *p++ = key.ptr[i];
            continue;
        }
        *p++ = '%';
        *p++ = hex[c >> 4];
        *p++ = hex[c & 15];
    }
    return p;
}
