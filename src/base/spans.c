/* Durations by window: turns become the past, and are summed when they are asked for. */
#include "lombard/base/spans.h"

#include <string.h>

#include "lombard/base/attr.h"

const char *
span_window_name(enum span_window window)
{
    switch (window) {
    case SPAN_10S: return "10s";
    case SPAN_60S: return "60s";
    case SPAN_EVER: return "ever";
    }
    BUG("span_window out of range");
}

uint64_t
span_bucket_low_ns(uint32_t index)
{
    uint32_t shift = index >> SPAN_SUB_BITS;
    uint64_t sub = (index & ((1U << SPAN_SUB_BITS) - 1)) + (1U << SPAN_SUB_BITS);

    return ((sub << shift) - (UINT64_C(1) << SPAN_SUB_BITS)) << SPAN_UNIT_BITS;
}

uint64_t
span_bucket_high_ns(uint32_t index)
{
    return span_bucket_low_ns(index + 1);
}

static uint64_t
max_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t
count_of(const struct span_turn *turn)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < SPAN_BUCKETS; i++)
        count += turn->buckets[i];
    return count;
}

void
spans_turn(struct spans *spans)
{
    uint32_t next = (spans->last + 1) % SPAN_TURNS_60S;
    struct span_turn *turn = &spans->turns[next];
    uint64_t count = count_of(&spans->now);

    spans->last = next;
    if (count == 0) {
        if (count_of(turn) > 0) /* else its pages need not be touched */
            memset(turn, 0, sizeof(*turn));
        return;
    }
    *turn = spans->now;
    for (uint32_t i = 0; i < SPAN_BUCKETS; i++)
        spans->buckets[i] += turn->buckets[i];
    spans->count += count;
    spans->max_ns = max_of(spans->max_ns, turn->max_ns);
    memset(&spans->now, 0, sizeof(spans->now));
}

void
spans_reset(struct spans *spans)
{
    memset(spans, 0, sizeof(*spans));
}

/* --- Asking --- */

static uint32_t
turns_of(enum span_window window)
{
    switch (window) {
    case SPAN_10S: return SPAN_TURNS_10S;
    case SPAN_60S: return SPAN_TURNS_60S;
    case SPAN_EVER: return 0;
    }
    BUG("span_window out of range");
}

/* The BACK-th turn before the one that is under way. */
static const struct span_turn *
turn_before(const struct spans *spans, uint32_t back)
{
    return &spans->turns[(spans->last + SPAN_TURNS_60S - back) % SPAN_TURNS_60S];
}

static void
add_turn(struct span_sum *sum, const struct span_turn *turn)
{
    if (turn->max_ns == 0 && turn->buckets[0] == 0) /* nothing is in it */
        return;
    for (uint32_t i = 0; i < SPAN_BUCKETS; i++)
        sum->buckets[i] += turn->buckets[i];
    sum->max_ns = max_of(sum->max_ns, turn->max_ns);
}

void
spans_sum(const struct spans *spans, enum span_window window, struct span_sum *sum)
{
    memset(sum, 0, sizeof(*sum));
    add_turn(sum, &spans->now);
    for (uint32_t i = 0; i < turns_of(window); i++)
        add_turn(sum, turn_before(spans, i));
    if (window == SPAN_EVER) {
        for (uint32_t i = 0; i < SPAN_BUCKETS; i++)
            sum->buckets[i] += spans->buckets[i];
        sum->max_ns = max_of(sum->max_ns, spans->max_ns);
    }
    for (uint32_t i = 0; i < SPAN_BUCKETS; i++)
        sum->count += sum->buckets[i];
}

uint64_t
spans_count(const struct spans *spans, enum span_window window)
{
    uint64_t count = count_of(&spans->now) + (window == SPAN_EVER ? spans->count : 0);

    for (uint32_t i = 0; i < turns_of(window); i++)
        count += count_of(turn_before(spans, i));
    return count;
}

uint64_t
spans_max_ns(const struct spans *spans, enum span_window window)
{
    uint64_t max_ns = spans->now.max_ns;

    for (uint32_t i = 0; i < turns_of(window); i++)
        max_ns = max_of(max_ns, turn_before(spans, i)->max_ns);
    return window == SPAN_EVER ? max_of(max_ns, spans->max_ns) : max_ns;
}

uint64_t
span_quantile_ns(const struct span_sum *sum, double q)
{
    uint64_t want = (uint64_t)(q * (double)sum->count);
    uint64_t seen = 0;

    if (sum->count == 0)
        return 0;
    if (q >= 1)
        return sum->max_ns;
    if ((double)want < q * (double)sum->count || want == 0)
        want++;
    for (uint32_t i = 0; i < SPAN_BUCKETS; i++) {
        seen += sum->buckets[i];
        if (seen >= want) {
            uint64_t middle = (span_bucket_low_ns(i) + span_bucket_high_ns(i)) / 2;

            return middle < sum->max_ns ? middle : sum->max_ns;
        }
    }
    return sum->max_ns;
}

uint64_t
spans_count_le(const struct spans *spans, uint64_t ns)
{
    uint32_t end = ns == UINT64_MAX ? SPAN_BUCKETS : span_index(ns + 1);
    uint64_t count = 0;

    for (uint32_t i = 0; i < end; i++)
        count += spans->buckets[i] + spans->now.buckets[i];
    return count;
}

uint64_t
spans_sum_ns(const struct spans *spans)
{
    return spans->sum_ns;
}

/* --- Only the longest --- */

void
peak_turn(struct peak *peak)
{
    peak->last = (peak->last + 1) % SPAN_TURNS_60S;
    peak->turns_ns[peak->last] = peak->now_ns;
    peak->ever_ns = max_of(peak->ever_ns, peak->now_ns);
    peak->now_ns = 0;
}

uint64_t
peak_max_ns(const struct peak *peak, enum span_window window)
{
    uint64_t max_ns = peak->now_ns;

    for (uint32_t i = 0; i < turns_of(window); i++)
        max_ns =
            max_of(max_ns, peak->turns_ns[(peak->last + SPAN_TURNS_60S - i) % SPAN_TURNS_60S]);
    return window == SPAN_EVER ? max_of(max_ns, peak->ever_ns) : max_ns;
}
