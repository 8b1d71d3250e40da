/*
 * tools/bench/data/dist.h - which key is asked for next.
 *
 * Popularity is drawn as a rank (0 is the most popular) and then spread over
 * the key ids by a fixed permutation, so that popular keys were not stored
 * side by side. Sequential keys come in the order of their ids.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/rng.h"
#include "lombard/base/attr.h"

enum dist_kind {
    DIST_UNIFORM,
    DIST_ZIPF,       /* P(rank) ~ 1 / (rank + 1)^alpha */
    DIST_HOTSPOT,    /* hot_share of all requests go to hot_keys of all keys */
    DIST_SEQUENTIAL, /* 0, 1, ... and again */
    DIST_TRACE,      /* those of a trace in its order, and again; not from text */
};

struct dist_config {
    enum dist_kind kind;
    double alpha;          /* ZIPF: above 0 */
    double hot_keys;       /* HOTSPOT: fraction of the keys, 0 to 1 */
    double hot_share;      /* HOTSPOT: fraction of the requests, 0 to 1 */
    const uint32_t *trace; /* TRACE: trace_count ids below N; must outlive the distribution */
    uint64_t trace_count;
};

struct dist {
    struct dist_config config;
    uint64_t n;       /* keys */
    uint64_t next;    /* SEQUENTIAL, TRACE */
    uint64_t shift;   /* below n; added to every rank before it is spread: changing it
                        * makes other keys popular */
    uint64_t factor;  /* of the permutation */
    uint64_t hot_n;   /* HOTSPOT: how many keys are hot */
    uint64_t hot_cut; /* HOTSPOT: random words below this go to the hot ones */
    double one_minus; /* ZIPF: 1 - alpha, and what the sampler needs of it */
    double h_low, h_high, easy;
};

/* "uniform", "zipf", "zipf:0.99", "hotspot:0.1:0.9", "sequential". */
bool dist_parse(const char *text, struct dist_config *out) MUST_USE;
/* The same, back to text, NUL-terminated. */
void dist_name(const struct dist_config *config, char *dst, uint32_t bytes);

#define DIST_KEYS_MAX UINT64_C(0xffffffff)

/* N is 1 to DIST_KEYS_MAX. */
void dist_init(struct dist *d, const struct dist_config *config, uint64_t n);
/* Let SEED decide which ids are the popular ones. */
void dist_seed(struct dist *d, uint64_t seed);
/* What has an order begins at SHARE of it, from 0 to below 1. */
void dist_skip(struct dist *d, double share);
/* A rank in [0, n). */
uint64_t dist_rank(struct dist *d, struct rng *rng);
/* The key id of a rank. A permutation of [0, n). */
uint64_t dist_spread(const struct dist *d, uint64_t rank);
/* dist_next() of what is not uniform. */
uint64_t dist_draw(struct dist *d, struct rng *rng);

/* A key id in [0, n). */
static inline uint64_t
dist_next(struct dist *d, struct rng *rng)
{
    return LIKELY(d->config.kind == DIST_UNIFORM) ? rng_below(rng, d->n) : dist_draw(d, rng);
}
