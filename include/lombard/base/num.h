/*
 * include/lombard/base/num.h - decimal numbers to bytes and back, without printf.
 *
 * Parsers take the whole slice: no sign unless said, no spaces, no trailing
 * bytes. Leading zeros are fine in any number. *OUT is written only on success.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/slice.h"

enum { NUM_U64_DIGITS_MAX = 20, NUM_I64_CHARS_MAX = 21 };

/* False when S is empty, holds a non-digit, or exceeds 2^64 - 1. */
bool num_parse_u64(struct slice s, uint64_t *out) MUST_USE;
/* Likewise up to 2^32 - 1. */
bool num_parse_u32(struct slice s, uint32_t *out) MUST_USE;
/* With an optional '-' or '+'; false when outside [-2^63, 2^63 - 1]. */
bool num_parse_i64(struct slice s, int64_t *out) MUST_USE;

/*
 * As strtol(3) and strtoul(3) read: blanks, a sign, and digits up to the end, a blank or a NUL. False
 * when there is no such number, or it exceeds 2^64 - 1.
 */
bool num_scan(struct slice s, bool *negative, uint64_t *magnitude) MUST_USE;

/* "00", "01", ... "99", without a NUL. */
enum { NUM_DIGIT_PAIRS_BYTES = 200 };
extern const char num_digit_pairs[NUM_DIGIT_PAIRS_BYTES];

/* Write the digits of V at DST (space for NUM_U64_DIGITS_MAX); how many. No NUL. */
size_t num_format_u64(char *dst, uint64_t v);
/* Likewise with a '-' where needed (space for NUM_I64_CHARS_MAX). */
size_t num_format_i64(char *dst, int64_t v);
