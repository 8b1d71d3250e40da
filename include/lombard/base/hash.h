/*
 * include/lombard/base/hash.h - keyed 64-bit hash of a key.
 *
 * SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012,
 * with the round counts of section 6's fast variant). The key is drawn at
 * random once per process, so that no client can aim at a bucket.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k0;
    uint64_t k1;
};

uint64_t hash_bytes(const struct hash_key *key, const void *src, size_t bytes);
