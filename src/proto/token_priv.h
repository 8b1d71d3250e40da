/*
 * src/proto/token_priv.h - numbers of the text protocol, each with the limits that memcached sets.
 *
 * False where a word is none, or out of range.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/slice.h"

/*
 * Digits only (and a minus sign), at most 11 characters for 32 bits and 22 for 64; a minus sign
 * alone is 0.
 */
bool token_u64(struct slice s, uint64_t *out) MUST_USE;
bool token_u32(struct slice s, uint32_t *out) MUST_USE;
bool token_i32(struct slice s, int32_t *out) MUST_USE;
/*
 * The client flags and the expiry of the classic store commands, which memcached reads with
 * strtoul(3) and strtol(3): any number that fits 64 bits counts, and its low 32 bits are what it
 * means.
 */
bool token_low_u32(struct slice s, uint32_t *out) MUST_USE;
bool token_low_i32(struct slice s, int32_t *out) MUST_USE;
