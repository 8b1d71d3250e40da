/*
 * tools/bench/load/database.h - a simulated database behind the cache.
 *
 * Each query takes a time that is drawn; only so many are served at a time, the others wait in the order
 * in which they came. So when one will be done is known as soon as it is asked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/rng.h"
#include "data/times.h"
#include "load/aside.h"
#include "lombard/base/attr.h"

/* A key that was found missing, and not stored since. */
struct database_key {
    uint64_t since_ns;
    uint32_t loads; /* since then; 0: it is not missing */
};

struct database {
    const struct times *latency;
    struct rng rng;
    uint64_t *slots; /* when each is free; NULL: all queries are served at the same time */
    uint32_t slot_count;
    struct database_key *keys; /* NULL: there is no database */
};

/* SLOTS 0: no limit. False when memory is short. */
bool database_init(struct database *d, const struct times *latency, uint32_t slots,
                   uint64_t keys, uint64_t seed) MUST_USE;
void database_fini(struct database *d);
/* Ask for KEY: when the answer is there. */
uint64_t database_ask(struct database *d, uint32_t key, uint64_t now_ns, bool missing,
                      struct aside *a);
/* KEY was stored. */
void database_stored(struct database *d, uint32_t key, uint64_t now_ns, struct aside *a);
