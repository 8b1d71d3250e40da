/*
 * tools/bench/data/rng.h - seeded pseudo-random numbers.
 *
 * xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", 2021), seeded through splitmix64. The same seed gives the same
 * sequence on every machine.
 */
#pragma once

#include <stdint.h>

__extension__ typedef unsigned __int128 rng_wide; /* for the high word of a product */

struct rng {
    uint64_t s[4];
};

/* One step of splitmix64 on *STATE: also a good 64-bit mixer of a counter. */
static inline uint64_t
rng_splitmix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A hash of one number: what a key has of its own (size, dwell) derives from it. */
static inline uint64_t
rng_mix(uint64_t x)
{
    return rng_splitmix(&x);
}

static inline void
rng_init(struct rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        rng->s[i] = rng_splitmix(&seed);
}

static inline uint64_t
rng_rotl(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline uint64_t
rng_next(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rng_rotl(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotl(s[3], 45);
    return result;
}

/* The high word of a 128-bit product: maps a random X onto [0, N). */
static inline uint64_t
rng_scale(uint64_t x, uint64_t n)
{
    return (uint64_t)(((rng_wide)x * n) >> 64);
}

/* Uniform in [0, N). The bias is below N / 2^64. */
static inline uint64_t
rng_below(struct rng *rng, uint64_t n)
{
    return rng_scale(rng_next(rng), n);
}

/* Uniform in (0, 1]: never 0, so that its logarithm exists. */
static inline double
rng_unit(struct rng *rng)
{
    return (double)((rng_next(rng) >> 11) + 1) * 0x1p-53;
}
