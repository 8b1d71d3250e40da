/*
 * tools/bench/line.h - what the protocols made of text lines have in common.
 */
#pragma once

#include <string.h>

#include "lombard/base/num.h"
#include "lombard/base/slice.h"
#include "proto.h"

/* Append a literal at P. */
#define LINE_PUT(p, literal)                                                                   \
    do {                                                                                       \
        memcpy((p), (literal), sizeof(literal) - 1);                                           \
        (p) += sizeof(literal) - 1;                                                            \
    } while (0)

#define LINE_STARTS(p, len, literal)                                                           \
    ((len) >= sizeof(literal) - 1 && memcmp((p), (literal), sizeof(literal) - 1) == 0)

static inline char *
line_put_number(char *p, uint64_t v)
{
    if (v < 10) {
        *p = (char)('0' + v);
        return p + 1;
    }
    return p + num_format_u64(p, v);
}

/* Digits up to END or something else; *P moves behind them. False when there are none, or too
 * many. */
static inline bool
line_take_number(const char **p, const char *end, uint64_t *out)
{
    const char *start = *p;
    uint64_t v = 0;

    while (*p < end && (unsigned char)(**p - '0') <= 9)
        v = v * 10 + (uint64_t)(*(*p)++ - '0');
    *out = v;
    return *p > start && *p - start <= NUM_U64_DIGITS_MAX;
}

/* The stream is lost: WHY is constant. */
static inline enum read_result
line_garbled(struct reader *r, const char *why)
{
    r->why = why;
    return READ_GARBLED;
}

/* The request is answered. */
static inline enum read_result
line_done(struct reader *r, enum outcome outcome)
{
    r->outcome = outcome;
    r->next_key = 0;
    return READ_DONE;
}

enum line_result { LINE_TAKEN, LINE_PARTIAL, LINE_BAD };

/* The line at *P without its end; *P moves behind it. LINE_BAD: r->why is set. */
enum line_result line_take(struct reader *r, const unsigned char **p, const unsigned char *end,
                           struct slice *line) MUST_USE;
/* BYTES of a value for the key at r->key_index follow. */
void line_begin_value(struct reader *r, const struct op *op, uint32_t bytes);
/* More of the value; READ_VALUE when it and the end of its line are there. */
enum read_result line_read_value(struct reader *r, const unsigned char **p,
                                 const unsigned char *end) MUST_USE;
/* A line that is none of the expected ones: an error reply, or garbled. */
enum read_result line_read_error(struct reader *r, const char *line, size_t len) MUST_USE;
/* Whether OP's key number I is named at P, LEN bytes. */
bool line_names_key(const struct reader *r, uint32_t id, const char *p, size_t len) MUST_USE;
