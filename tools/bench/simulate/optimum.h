/*
 * tools/bench/simulate/optimum.h - what no cache can exceed that knows the future.
 *
 * Where all items take the same, this is Belady's MIN, which stores only what is asked for again
 * before something else that is there: exact. Where sizes differ the exact optimum is out of
 * reach; then it is the relaxed bound (PFOO) of hits ("Practical Bounds on Optimal Caching with
 * Variable Object Sizes", SIGMETRICS 2018): an item is kept from
 * one access to the next for its size times the accesses between; the cheapest of these are taken
 * until they sum to the cache's size times all accesses, as if what is free at one time could be
 * had at another one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "simulate/simcache.h"

/* All accesses of a trace. */
struct sim_trace {
    struct sim_access *accesses;
    size_t count;
    uint32_t keys;  /* are below this */
    uint32_t fixed; /* of the bytes of an item, what is not its value */
};

struct optimum {
    uint64_t hits;
    uint64_t hit_bytes; /* of values; a bound of its own: other items may be hit for it */
    bool exact;
};

/* False when memory is short. */
bool optimum_find(const struct sim_trace *trace, uint64_t limit, struct optimum *out) MUST_USE;
