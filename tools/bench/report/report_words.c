/* What several reports have in common: quantiles, and the load in words. */
#include <math.h>

#include "report/report.h"

enum { LISTED_MAX = 12 };

const struct report_quantile report_quantiles[] = {
    {"p50", 0.5},     {"p90", 0.9},       {"p99", 0.99},
    {"p99.9", 0.999}, {"p99.99", 0.9999}, {"p99.999", 0.99999},
};
const unsigned report_quantile_count = ARRAY_LEN(report_quantiles);

double
report_quantile_us(const struct hist *h, unsigned i)
{
    double q = report_quantiles[i].q;

    /* At least one value has to lie above it, or it is only another name of the largest. */
    return (double)h->count * (1 - q) < 0.999 ? NAN : (double)hist_quantile(h, q) / 1e3;
}

/* Of many classes there is no use in listing all. */
static void
describe_sizes(const struct sizes *s, char *dst, uint32_t bytes)
{
    if (s->count > LISTED_MAX)
        (void)snprintf(dst, bytes, "%u to %u (mean %.1f)", s->min, s->max, sizes_mean(s));
    else
        sizes_name(s, dst, bytes);
}

void
report_describe(const struct options *o, struct report_words *out)
{
    describe_sizes(&o->key_size, out->keys, sizeof(out->keys));
    describe_sizes(&o->value_size, out->values, sizeof(out->values));
    dist_name(&o->dist, out->dist, sizeof(out->dist));
    if (options_is_open(o) && options_open_pipeline(o) > o->pipeline)
        (void)snprintf(out->pipeline, sizeof(out->pipeline), "%llu to %llu",
                       (unsigned long long)o->pipeline,
                       (unsigned long long)options_open_pipeline(o));
    else
        (void)snprintf(out->pipeline, sizeof(out->pipeline), "%llu",
                       (unsigned long long)o->pipeline);
}
