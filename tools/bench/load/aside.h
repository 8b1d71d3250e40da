/*
 * tools/bench/load/aside.h - what happened between a cache, its clients, and the database behind it.
 *
 * A herd is what one missing key brings about: all loads that begin from when the first client finds it
 * missing until the first of them has stored it.
 */
#pragma once

#include <stdint.h>

#include "lombard/base/hist.h"

struct aside {
    uint64_t loads;      /* queries of the database */
    uint64_t duplicates; /* of them, while another one for the same key had not stored it yet */
    uint64_t refreshes;  /* of them, of a key that was still there (win flag) */
    uint64_t herds;
    uint64_t herd_max;    /* loads */
    uint64_t waits;       /* times that a client was told that another one fills the key */
    uint64_t stale;       /* values that the server said were stale, and were used */
    uint64_t busy_ns;     /* of the database, over all queries */
    uint64_t sessions;    /* that were ended as planned */
    struct hist value;    /* until a client had its value, from the cache or the database */
    struct hist database; /* of a query, its waiting included */
    struct hist fill;     /* from when a key was found missing until it was stored */
    struct hist connect;  /* of a new session */
    struct hist session;  /* how long it was */
};

void aside_reset(struct aside *a);
void aside_merge(struct aside *into, const struct aside *from);
