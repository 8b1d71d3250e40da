/*
 * tools/bench/stat/arrivals.h - whether requests really left as an open loop has to send them.
 *
 * Keeps bursts of gaps between requests that follow each other, evenly chosen from the whole run, and
 * compares them with the intended process. Poisson arrivals have to have exponential gaps of the
 * right mean (Anderson and Darling's test, the distribution fully known), and gaps that follow each
 * other must have nothing to do with each other (correlation of the values and of their ranks).
 * Constant ones have to be even.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/rng.h"

enum { ARRIVALS_BURST = 16, ARRIVALS_BURSTS = 32 };

struct arrivals_log {
    struct rng rng;
    uint64_t last_ns; /* 0: none yet */
    uint64_t bursts;  /* completed so far */
    uint32_t fill;    /* gaps of the one that is coming in */
    double burst[ARRIVALS_BURST];
    double kept[ARRIVALS_BURSTS][ARRIVALS_BURST];
};

struct arrivals_verdict {
    bool known; /* there were enough requests */
    bool good;
    double anderson; /* Poisson: below 6 in 999 of 1000 good runs */
    double lag1;     /* correlation of gaps that follow each other */
    double spearman; /* of their ranks */
    double uneven;   /* constant: the share of the gaps that are off by more than half */
    double short_ns; /* one gap in 20 is shorter */
    uint32_t gaps;
};

/* Of the mean gap: what one gap in 20 may be longer than. Where a request takes that long to be sent, random gaps are
 * far enough from what was intended to be noticed. */
#define ARRIVALS_SHORT_MAX 0.12

void arrivals_begin(struct arrivals_log *a);
/* A request has left. */
void arrivals_note(struct arrivals_log *a, uint64_t now_ns);
/* Judge; MEAN_GAP_NS was intended. Of RANDOM gaps the distribution is exponential, or, of a SHAPE above 0, the
 * generalized Pareto distribution. */
struct arrivals_verdict arrivals_judge(const struct arrivals_log *a, double mean_gap_ns,
                                       bool random, double shape);
