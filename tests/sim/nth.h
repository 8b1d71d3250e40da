/*
 * tests/sim/nth.h - the Nth call of a kind fails, for every N.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

/* Kinds of failure: a call and its errno. */
size_t nth_kinds(void);
/* "recv fails with EINTR". */
const char *nth_name(size_t kind);
/* Play small world SEED with that; false when it has no Nth call of this kind. */
bool nth_in_world(uint64_t seed, size_t kind, uint64_t nth) MUST_USE;

/* Kinds of calls that are made while the server starts. */
size_t nth_start_kinds(void);
const char *nth_start_name(size_t kind);
/* The same while the server starts: nothing may be left, whether it does or not. */
bool nth_at_start(size_t kind, uint64_t nth) MUST_USE;
