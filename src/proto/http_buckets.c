/* Writes histograms as Prometheus reads them: cumulative buckets, count and sum. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "http_sample.h"

/* The bounds of buckets: 1, 2 and 5 times each power of ten, from 1 us to 10 s. */
static const struct {
    uint64_t ns;
    const char *seconds;
} bounds[] = {
    {1000, "1e-06"},
    {2000, "2e-06"},
    {5000, "5e-06"},
    {10000, "1e-05"},
    {20000, "2e-05"},
    {50000, "5e-05"},
    {100000, "0.0001"},
    {200000, "0.0002"},
    {500000, "0.0005"},
    {1000000, "0.001"},
    {2000000, "0.002"},
    {5000000, "0.005"},
    {10000000, "0.01"},
    {20000000, "0.02"},
    {50000000, "0.05"},
    {100000000, "0.1"},
    {200000000, "0.2"},
    {500000000, "0.5"},
    {1000000000, "1"},
    {2000000000, "2"},
    {UINT64_C(5000000000), "5"},
    {UINT64_C(10000000000), "10"},
    {UINT64_MAX, "+Inf"},
};

enum { BOUND_ALL = ARRAY_LEN(bounds) - 1, BOUND_BYTES = 8 };

bool
http_is_last_bucket(unsigned i)
{
    return i == BOUND_ALL;
}

bool
http_is_bucket(unsigned i)
{
    return i <= BOUND_ALL;
}

/* OpenMetrics has no bound without a point or an exponent ("Canonical Numbers"); others compare the text. */
static const char *
bound_text(unsigned i, bool openmetrics, char scratch[BOUND_BYTES])
{
    const char *text = bounds[i].seconds;

    if (!openmetrics || strpbrk(text, ".eI") != NULL)
        return text;
    (void)snprintf(scratch, BOUND_BYTES, "%s.0", text);
    return scratch;
}

char *
http_put_bucket(char *p, const struct request *req, const struct stat_histogram *histogram,
                const struct stat_instance *instance, unsigned i)
{
    const char *end = http_sample_end(p);
    char bound[BOUND_BYTES];
    struct labels labels = {"", histogram->label, instance->label, "le",
                            bound_text(i, req->echo.http.openmetrics, bound)};
    struct slice own_name = slice_make(histogram->name, strlen(histogram->name));
    struct stat_value value;
    char name[STAT_NAME_BYTES * 2];
    uint64_t sum_ns;

    stat_put_u64(&value, histogram->count_until(instance->record, bounds[i].ns));
    http_name_metric(name, sizeof(name), "", own_name, "_bucket");
    p = http_put_sample(p, end, name, &labels, value.text);
    if (i < BOUND_ALL)
        return p;
    labels.text = NULL;
    http_name_metric(name, sizeof(name), "", own_name, "_count");
    p = http_put_sample(p, end, name, &labels, value.text);
    http_name_metric(name, sizeof(name), "", own_name, "_sum");
    sum_ns = histogram->sum_ns(instance->record);
    stat_printf(&value, "%" PRIu64 ".%09" PRIu64, sum_ns / 1000000000, sum_ns % 1000000000);
    return http_put_sample(p, end, name, &labels, value.text);
}
