/*
 * tools/bench/load/holds.h - accesses that have to wait for an earlier one to the same key.
 *
 * A cache that is asked one by one has stored a missed key before the key is asked for again. With
 * many requests in flight the second would be sent while the first one's store is on its way,
 * and count as a miss that the cache did not cause. So a key of which it is not known that it is
 * there is claimed by the access that is under way, until its store is acknowledged, too; further
 * accesses to it wait in their order:
 *
 *     claimed keys:  key 7 -> waiting, waiting      key 9 -> (none)
 *     ready:         those whose key is free again, oldest first
 *
 * A key that was there when it was last asked for or stored needs no claim: it may be asked for
 * any number of times in parallel. If it is missing after all, one of these requests takes the claim
 * and stores it, and the others ask again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/trace.h"
#include "lombard/base/attr.h"

enum { HOLDS_WAITING_MAX = 4096 }; /* then the workload pauses */

struct hold {
    struct access access;
    uint64_t due_ns;
    bool claims;   /* READY: it has the claim of its key */
    uint32_t next; /* in the list it is in; HOLD_NONE at its end */
};

struct hold_key {
    uint32_t key;
    uint32_t first, last; /* waiting */
    bool used;
};

struct holds {
    struct hold_key *keys; /* open hash table */
    uint32_t mask;
    uint32_t claimed;
    uint32_t waiting; /* ready ones included */
    uint32_t free;    /* list of unused places */
    uint32_t ready_first, ready_last;
    struct hold *places;
    uint64_t *present; /* a bit a key: it was there when last heard of */
    uint64_t present_keys;
};

enum holds_entry {
    HOLDS_FREE,    /* go on: it needs no claim */
    HOLDS_CLAIMED, /* go on: it has the claim, which holds_leave() ends */
    HOLDS_WAIT,    /* another one has it: holds_wait() */
};

/* For at most CLAIMS keys at a time. False when memory is short. */
bool holds_init(struct holds *h, uint64_t claims) MUST_USE;
void holds_fini(struct holds *h);
/* Forget all claims and all that waits. */
void holds_reset(struct holds *h);
/* An access to KEY; REMOVES: it is a delete. */
enum holds_entry holds_enter(struct holds *h, uint32_t key, bool removes) MUST_USE;
/* There is room for one more to wait. */
static inline bool
holds_has_room(const struct holds *h)
{
    return h->waiting < HOLDS_WAITING_MAX;
}
/* The access's key is claimed: wait. There has to be room. */
void holds_wait(struct holds *h, const struct access *access, uint64_t due_ns);
/* What is known of KEY now. */
void holds_know(struct holds *h, uint32_t key, bool present);
/* The access that had the claim of KEY is over. Those that wait become ready: all if the key is
 * there, else one, which has the claim then. */
void holds_leave(struct holds *h, uint32_t key);
static inline bool
holds_has_ready(const struct holds *h)
{
    return h->ready_first != UINT32_MAX;
}
/* Take the oldest that is ready: there is one. */
enum holds_entry holds_take(struct holds *h, struct access *access, uint64_t *due_ns) MUST_USE;
