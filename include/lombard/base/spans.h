/*
 * include/lombard/base/spans.h - how long something took: in the last 10 s, the last minute, ever.
 *
 *     add -> now --spans_turn()--> ring of the last minute, and ever
 *
 * A span is known to within 1/16 of itself, from 128 ns to a minute; the longest exactly. Memory
 * is constant; what is never added to is never touched. All zero: empty.
 */
#pragma once

#include <stdint.h>

enum span_window { SPAN_10S, SPAN_60S, SPAN_EVER };

enum {
    SPAN_WINDOWS = SPAN_EVER + 1,
    SPAN_TURN_MS = 2000, /* how often spans_turn() is to be called */
    SPAN_TURNS_10S = 10000 / SPAN_TURN_MS,
    SPAN_TURNS_60S = 60000 / SPAN_TURN_MS,
    SPAN_SUB_BITS = 3,
    SPAN_UNIT_BITS = 7,   /* nanoseconds: the first buckets have 128 each */
    SPAN_VALUE_BITS = 36, /* nanoseconds: 68 s; what is longer counts in the last bucket */
    SPAN_BUCKETS = (SPAN_VALUE_BITS - SPAN_UNIT_BITS - SPAN_SUB_BITS + 1) << SPAN_SUB_BITS,
};

/* "10s", "60s", "ever". */
const char *span_window_name(enum span_window window);

/* Of one turn, which is SPAN_TURN_MS. */
struct span_turn {
    uint64_t max_ns;
    uint32_t buckets[SPAN_BUCKETS];
};

struct spans {
    struct span_turn now;
    uint64_t sum_ns; /* ever */
    uint64_t count;  /* ever, without the turn that is under way, as what follows */
    uint64_t max_ns;
    uint64_t buckets[SPAN_BUCKETS];
    uint32_t last; /* of turns: the one that was over last */
    struct span_turn turns[SPAN_TURNS_60S];
};

/* What a window has: the turn that is under way, and what is in the window before it. */
struct span_sum {
    uint64_t count;
    uint64_t max_ns;
    uint64_t buckets[SPAN_BUCKETS];
};

/* The bounds of a bucket: LOW is in it, HIGH is the first value above it. */
uint64_t span_bucket_low_ns(uint32_t index);
uint64_t span_bucket_high_ns(uint32_t index);

/* A turn is over. */
void spans_turn(struct spans *spans);
void spans_reset(struct spans *spans);

void spans_sum(const struct spans *spans, enum span_window window, struct span_sum *sum);
/* How many there were in it. */
uint64_t spans_count(const struct spans *spans, enum span_window window);
/* The longest of it. */
uint64_t spans_max_ns(const struct spans *spans, enum span_window window);
/* What Q (0 to 1) of all spans do not exceed: the middle of a bucket; 0 when there are none. */
uint64_t span_quantile_ns(const struct span_sum *sum, double q);

/* Ever, cumulative: how many took at most NS, as far as a bucket tells; and all together. */
uint64_t spans_count_le(const struct spans *spans, uint64_t ns);
uint64_t spans_sum_ns(const struct spans *spans);

static inline uint32_t
span_index(uint64_t ns)
{
    uint64_t v = (ns >> SPAN_UNIT_BITS) + (UINT64_C(1) << SPAN_SUB_BITS);
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(v) - SPAN_SUB_BITS;
    uint32_t index = (shift << SPAN_SUB_BITS) + (uint32_t)(v >> shift) - (1U << SPAN_SUB_BITS);

    return index < SPAN_BUCKETS ? index : SPAN_BUCKETS - 1;
}

/* COUNT spans of NS each. */
static inline void
spans_add(struct spans *spans, uint64_t ns, uint32_t count)
{
    spans->now.buckets[span_index(ns)] += count;
    spans->sum_ns += ns * count;
    if (ns > spans->now.max_ns)
        spans->now.max_ns = ns;
}

/* --- Only the longest, by the same windows --- */

struct peak {
    uint64_t now_ns;
    uint64_t ever_ns;
    uint32_t last;
    uint64_t turns_ns[SPAN_TURNS_60S];
};

void peak_turn(struct peak *peak);
uint64_t peak_max_ns(const struct peak *peak, enum span_window window);

static inline void
peak_add(struct peak *peak, uint64_t ns)
{
    if (ns > peak->now_ns)
        peak->now_ns = ns;
}
