/*
 * tools/bench/run/certain.h - how sure the figures of a server are: intervals, steadiness, arrivals.
 *
 * Each round adds its blocks of time; intervals are taken over the blocks of all rounds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "run/driver.h"
#include "stat/arrivals.h"
#include "stat/interval.h"
#include "stat/steady.h"

struct certain {
    struct moment *blocks; /* NULL: none */
    double *seconds;       /* of each */
    uint32_t count;
    uint32_t size;
    struct steady steady;             /* of the first round that was not, or the last */
    double steady_s;                  /* when it changed, after the beginning */
    struct arrivals_verdict arrivals; /* of the worst round */
    double cut_s;                     /* of the last round: what was taken for warm-up */
    uint64_t cut_requests;
    double reach; /* of --until, at the end of the last round */
    bool reached;
};

/* A round of ROUNDS is over. */
void certain_note_round(struct certain *c, const struct driver *d, uint64_t rounds);
void certain_fini(struct certain *c);
/* Of the latencies ALL, which the blocks have, in ns; requests a second; percent of hits. */
struct interval certain_quantile(const struct certain *c, const struct hist *all, double q);
struct interval certain_rate(const struct certain *c);
struct interval certain_hits(const struct certain *c);
