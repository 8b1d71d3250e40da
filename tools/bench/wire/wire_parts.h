/*
 * tools/bench/wire/wire_parts.h - what several protocols are made of.
 */
#pragma once

#include <string.h>

#include "lombard/base/num.h"
#include "lombard/base/slice.h"
#include "wire/wire.h"

/* Append a literal at P. */
#define WIRE_PUT(p, literal)                                                                   \
    do {                                                                                       \
        memcpy((p), (literal), sizeof(literal) - 1);                                           \
        (p) += sizeof(literal) - 1;                                                            \
    } while (0)

#define WIRE_STARTS(p, len, literal)                                                           \
    ((len) >= sizeof(literal) - 1 && memcmp((p), (literal), sizeof(literal) - 1) == 0)

static inline char *
wire_put_number(char *p, uint64_t v)
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
wire_take_number(const char **p, const char *end, uint64_t *out)
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
wire_garbled(struct reader *r, const char *why)
{
    r->why = why;
    return READ_GARBLED;
}

/* The request is answered. */
static inline enum read_result
wire_done(struct reader *r, enum outcome outcome)
{
    r->outcome = outcome;
    r->next_key = 0;
    return READ_DONE;
}

enum wire_line { WIRE_LINE_TAKEN, WIRE_LINE_PARTIAL, WIRE_LINE_BAD };

/* The line at *P without its end; *P moves behind it. WIRE_LINE_BAD: r->why is set. */
enum wire_line wire_take_line(struct reader *r, const unsigned char **p,
                              const unsigned char *end, struct slice *line) MUST_USE;
/* BYTES of a value for the key at r->key_index follow. */
void wire_begin_value(struct reader *r, const struct query *query, uint32_t bytes);
/* More of the value; READ_VALUE when it and the end of its line are there. */
enum read_result wire_read_value(struct reader *r, const unsigned char **p,
                                 const unsigned char *end) MUST_USE;
/* A line that is none of the expected ones: an error reply, or garbled. */
enum read_result wire_read_error(struct reader *r, const char *line, size_t len) MUST_USE;
/* Whether key ID is named at P, LEN bytes. */
bool wire_names_key(const struct reader *r, uint32_t id, const char *p, size_t len) MUST_USE;
/* Whether the key of QUERY, a read of a value that grows, is named at the front of P, LEN bytes: how
 * many of them; 0: it is not. */
size_t wire_match_grown(const struct reader *r, const struct query *query, const char *p,
                        size_t len) MUST_USE;
/* Write the name of the key that QUERY is about (no multiget); how many bytes. */
size_t wire_key_name(const struct keys *keys, const struct query *query, char *dst);
/* Append the value of a store, copied or referenced. */
void wire_write_value(struct out *out, const struct keys *keys, const struct query *query);
/* The same, and the end of its line. */
void wire_write_block(struct out *out, const struct keys *keys, const struct query *query);
