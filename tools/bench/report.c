#include "report.h"

#include <inttypes.h>

const struct report_quantile report_quantiles[] = {
    {"p50", 0.5},     {"p90", 0.9},       {"p99", 0.99},
    {"p99.9", 0.999}, {"p99.99", 0.9999}, {"p99.999", 0.99999},
};
const unsigned report_quantile_count = ARRAY_LEN(report_quantiles);

static void
print_latency_head(FILE *f)
{
    (void)fprintf(f, "\nlatency, us %10s %10s", "count", "mean");
    for (unsigned i = 0; i < report_quantile_count; i++)
        (void)fprintf(f, " %9s", report_quantiles[i].name);
    (void)fprintf(f, " %9s\n", "max");
}

static void
print_latency(FILE *f, const char *name, const struct hist *h)
{
    if (h->count == 0)
        return;
    (void)fprintf(f, "%-11s %10" PRIu64 " %10.1f", name, h->count, hist_mean(h) / 1e3);
    for (unsigned i = 0; i < report_quantile_count; i++)
        (void)fprintf(f, " %9.1f", (double)hist_quantile(h, report_quantiles[i].q) / 1e3);
    (void)fprintf(f, " %9.1f\n", (double)h->max / 1e3);
}

static void
print_latencies(FILE *f, const struct tally *t)
{
    struct hist all;
    int kinds = 0;

    tally_service(t, &all);
    if (all.count == 0)
        return;
    print_latency_head(f);
    for (int i = 0; i < OP_KIND_COUNT; i++) {
        print_latency(f, op_kind_name((enum op_kind)i), &t->service[i]);
        kinds += t->service[i].count > 0;
    }
    if (kinds > 1)
        print_latency(f, "all", &all);
}

static void
print_troubles(FILE *f, const struct tally *t)
{
    (void)fprintf(f, "mismatches    %" PRIu64 ", unreadable replies %" PRIu64 "\n",
                  t->mismatches, t->garbled);
    (void)fprintf(f,
                  "errors        %" PRIu64 ", lost connections %" PRIu64
                  ", requests lost with them %" PRIu64 "\n",
                  t->errors, t->lost_connections, t->lost_requests);
    for (int i = 0; i < TALLY_ERROR_KINDS; i++) {
        if (t->error_kinds[i].count > 0)
            (void)fprintf(f, "  %10" PRIu64 " x %s\n", t->error_kinds[i].count,
                          t->error_kinds[i].text);
    }
}

static void
print_load(FILE *f, const struct options *o, const char *server)
{
    char keys[64];
    char values[160];
    char dist[64];

    sizes_name(&o->key_size, keys, sizeof(keys));
    sizes_name(&o->value_size, values, sizeof(values));
    dist_name(&o->dist, dist, sizeof(dist));
    (void)fprintf(f, "server        %s\n", server);
    (void)fprintf(f,
                  "load          %" PRIu64 " connections, pipeline %" PRIu64
                  ", multiget %" PRIu64 ", %s\n",
                  o->connections, o->pipeline, o->multiget, o->protocol);
    (void)fprintf(f, "data          %" PRIu64 " keys of %s bytes, values of %s bytes, %s\n",
                  o->keys, keys, values, dist);
}

void
report_text(FILE *f, const struct options *o, const struct result *r)
{
    const struct tally *t = r->tally;
    double seconds = tally_seconds(t);
    double per_s = seconds > 0 ? 1 / seconds : 0;

    print_load(f, o, r->server);
    (void)fprintf(f, "requests      %" PRIu64 " in %.3f s: %.0f/s\n", t->requests, seconds,
                  (double)t->requests * per_s);
    (void)fprintf(f, "network       %.1f MB/s sent, %.1f MB/s received\n",
                  (double)t->bytes_sent * per_s / 1e6, (double)t->bytes_received * per_s / 1e6);
    (void)fprintf(f,
                  "reads         %" PRIu64 " keys: %.2f %% hits; %.1f MB verified, %" PRIu64
                  " values of earlier runs\n",
                  t->hits + t->misses, tally_hit_percent(t), (double)t->verified_bytes / 1e6,
                  t->foreign);
    if (t->not_stored + t->not_found > 0)
        (void)fprintf(f, "refused       %" PRIu64 " not stored, %" PRIu64 " not found\n",
                      t->not_stored, t->not_found);
    print_troubles(f, t);
    if (t->requests > 0)
        (void)fprintf(f, "client        %.3f us of CPU a request, %.0f %% of a core%s\n",
                      (double)t->cpu_ns / 1e3 / (double)t->requests,
                      (double)t->cpu_ns / 1e7 * per_s,
                      (double)t->cpu_ns * per_s > 0.97e9 ? " (it was the bottleneck)" : "");
    print_latencies(f, t);
}
