#include "lombard/base/hist.h"

#include <string.h>

void
hist_reset(struct hist *h)
{
    memset(h, 0, sizeof(*h));
    h->min = UINT64_MAX;
}

void
hist_merge(struct hist *into, const struct hist *from)
{
    into->count += from->count;
    into->sum += from->sum;
    if (from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
    for (uint32_t i = 0; i < HIST_BUCKET_COUNT; i++)
        into->buckets[i] += from->buckets[i];
}

uint64_t
hist_bucket_low(uint32_t index)
{
    uint32_t shift;

    if (index < 2 * HIST_SUB_COUNT)
        return index;
    shift = (index >> HIST_SUB_BITS) - 1;
    return (uint64_t)(index - (shift << HIST_SUB_BITS)) << shift;
}

uint64_t
hist_bucket_high(uint32_t index)
{
    uint32_t shift = index < 2 * HIST_SUB_COUNT ? 0 : (index >> HIST_SUB_BITS) - 1;

    return hist_bucket_low(index) + (UINT64_C(1) << shift);
}

/* The middle of a bucket, but never outside of what was seen. */
static uint64_t
bucket_value(const struct hist *h, uint32_t index)
{
    uint64_t low = hist_bucket_low(index);
    uint64_t middle = low + (hist_bucket_high(index) - low) / 2;

    if (middle < h->min)
        return h->min;
    return middle > h->max ? h->max : middle;
}

uint64_t
hist_quantile(const struct hist *h, double q)
{
    uint64_t want;
    uint64_t seen = 0;

    if (h->count == 0)
        return 0;
    if (q >= 1)
        return h->max;
    want = (uint64_t)(q * (double)h->count);
    if ((double)want < q * (double)h->count)
        want++;
    if (want <= 1)
        return h->min;
    for (uint32_t i = 0; i < HIST_BUCKET_COUNT; i++) {
        seen += h->buckets[i];
        if (seen >= want)
            return bucket_value(h, i);
    }
    return h->max;
}

double
hist_mean(const struct hist *h)
{
    return h->count == 0 ? 0 : (double)h->sum / (double)h->count;
}
