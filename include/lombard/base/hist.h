/*
 * include/lombard/base/hist.h - a log-linear histogram of durations.
 *
 *     0 .. 511           one bucket a value
 *     2^k .. 2^(k+1)-1   256 equal buckets, for every k from 9 on
 *
 * A value is known to within 1/512 of itself (buckets answer with their middle),
 * the largest and the smallest exactly. Two histograms are merged by adding
 * their buckets. Values above HIST_VALUE_MAX count in the last bucket.
 */
#pragma once

#include <stdint.h>

enum {
    HIST_SUB_BITS = 8,
    HIST_SUB_COUNT = 1 << HIST_SUB_BITS,
    HIST_VALUE_BITS = 42, /* nanoseconds: 73 minutes */
    HIST_BUCKET_COUNT = (HIST_VALUE_BITS - HIST_SUB_BITS + 1) * HIST_SUB_COUNT,
};

#define HIST_VALUE_MAX ((UINT64_C(1) << HIST_VALUE_BITS) - 1)

struct hist {
    uint64_t count;
    uint64_t sum;
    uint64_t min; /* UINT64_MAX while empty */
    uint64_t max;
    uint64_t buckets[HIST_BUCKET_COUNT];
};

void hist_reset(struct hist *h);
/* Add all of FROM to INTO. */
void hist_merge(struct hist *into, const struct hist *from);
/* The smallest value that Q (0 to 1) of all values do not exceed; 0 when empty. */
uint64_t hist_quantile(const struct hist *h, double q);
/* 0 when empty. */
double hist_mean(const struct hist *h);

/* The bounds of a bucket: LOW is in it, HIGH is the first value above it. */
uint64_t hist_bucket_low(uint32_t index);
uint64_t hist_bucket_high(uint32_t index);

static inline uint32_t
hist_index(uint64_t v)
{
    uint32_t shift;

    if (v < 2 * HIST_SUB_COUNT)
        return (uint32_t)v;
    if (v > HIST_VALUE_MAX)
        v = HIST_VALUE_MAX;
    shift = 63 - (uint32_t)__builtin_clzll(v) - HIST_SUB_BITS;
    return (shift << HIST_SUB_BITS) + (uint32_t)(v >> shift);
}

static inline void
hist_add(struct hist *h, uint64_t v)
{
    h->count++;
    h->sum += v;
    if (v < h->min)
        h->min = v;
    if (v > h->max)
        h->max = v;
    h->buckets[hist_index(v)]++;
}
