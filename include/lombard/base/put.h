/*
 * include/lombard/base/put.h - bytes behind bytes.
 *
 * Each function writes at P, where the caller has made sure that there is enough room, and
 * returns where the next byte goes.
 */
#pragma once

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

static inline char *
put_u64(char *p, uint64_t v)
{
    return p + num_format_u64(p, v);
}

static inline char *
put_i64(char *p, int64_t v)
{
    return p + num_format_i64(p, v);
}
