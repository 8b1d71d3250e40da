/*
 * tools/bench/stat/interval.h - 95 % intervals: between which values the truth lies, 95 times in 100.
 *
 * Latencies that follow each other are alike, so that they must not be counted as independent. What
 * varies between blocks of time does so with all that: a quantile's interval is that of the share of
 * the latencies below it, estimated over the blocks, and read off the distribution ("Confidence
 * Intervals for Medians and Other Position Measures", JASA 1952); at the ends the share's interval is
 * Wilson's ("Probable Inference, the Law of Succession, and Statistical Inference", JASA 1927). Each is
 * the widest of what blocks of four lengths say, and never narrower than for independent values.
 */
#pragma once

#include <stdint.h>

#include "lombard/base/hist.h"
#include "stat/series.h"

enum {
    INTERVAL_BLOCKS = 32,     /* of a run: more of them say no more */
    INTERVAL_PARTS_MAX = 512, /* in all: COUNT below is at most that */
};

/* Not a number where a bound cannot be known. */
struct interval {
    double low, high;
};

/* What a ratio of sums over blocks is made of: requests over time, hits over reads. */
struct interval_part {
    double over, under;
};

/* Student's t for 97.5 % with FREEDOM degrees of freedom, at least 1. */
double interval_t(uint32_t freedom);
/* The interval of (sum of `over`) / (sum of `under`). */
struct interval interval_ratio(const struct interval_part *parts, uint32_t count);
/* The interval of quantile Q of ALL, whose values the blocks have, in ns. */
struct interval interval_quantile(const struct hist *all, const struct moment *blocks,
                                  uint32_t count, double q);
/* The interval of the mean of VALUES, which are independent. */
struct interval interval_mean(const double *values, uint32_t count);
/* By how much of VALUE the interval reaches to the farther side: 0.02 for +-2 %. Not a number where
 * it is not known. */
double interval_reach(struct interval i, double value);
