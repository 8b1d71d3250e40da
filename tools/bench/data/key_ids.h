/*
 * tools/bench/data/key_ids.h - numbers for the keys of a trace, in order of appearance.
 *
 * An open hash table from a 64-bit hash of the key. Two keys in 2^64 may meet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

struct key_ids {
    uint64_t *hashes; /* 0: free */
    uint32_t *ids;
    size_t size; /* a power of two */
    uint32_t count;
};

void key_ids_fini(struct key_ids *ids);
/* The number of the key with this hash, a new one if need be. False when memory is short. */
bool key_ids_number(struct key_ids *ids, uint64_t hash, uint32_t *out) MUST_USE;
