/* The results as one JSON object. */
#include "report/report.h"

#include <inttypes.h>
#include <math.h>

#include "report/json.h"
#include "report/verdict.h"

/* "low": count of all buckets that are not empty, in us: counts of several runs can be added. */
static void
put_buckets(FILE *f, const struct hist *h)
{
    const char *comma = "";

    (void)fprintf(f, ", \"buckets\": {");
    for (uint32_t i = 0; i < HIST_BUCKET_COUNT; i++) {
        if (h->buckets[i] == 0)
            continue;
        (void)fprintf(f, "%s\"%.3f\": %" PRIu64, comma, (double)hist_bucket_low(i) / 1e3,
                      h->buckets[i]);
        comma = ", ";
    }
    (void)fputc('}', f);
}

/* A quantile is null where fewer than one of the values lies above it. */
static void
put_hist(FILE *f, const char *name, const struct hist *h, bool buckets)
{
    bool any = h->count > 0;

    (void)fprintf(f, "\"%s\": {\"count\": %" PRIu64, name, h->count);
    json_field(f, ", ", "mean", any ? hist_mean(h) / 1e3 : NAN, 3);
    json_field(f, ", ", "min", any ? (double)h->min / 1e3 : NAN, 3);
    for (unsigned i = 0; i < report_quantile_count; i++)
        json_field(f, ", ", report_quantiles[i].name, report_quantile_us(h, i), 3);
    json_field(f, ", ", "max", any ? (double)h->max / 1e3 : NAN, 3);
    if (buckets)
        put_buckets(f, h);
    (void)fputc('}', f);
}

static void
put_latencies(FILE *f, const struct tally *t, bool buckets)
{
    struct hist all;

    tally_service(t, &all);
    (void)fprintf(f, "  \"latency_us\": {");
    put_hist(f, "all", &all, buckets);
    (void)fprintf(f, ",\n    ");
    put_hist(f, "response", &t->response, buckets);
    (void)fprintf(f, ",\n    ");
    put_hist(f, "lag", &t->lag, buckets);
    (void)fprintf(f, ",\n    ");
    put_hist(f, "unread", &t->unread, buckets);
    for (int i = 0; i < QUERY_KIND_COUNT; i++) {
        if (t->service[i].count == 0)
            continue;
        (void)fprintf(f, ",\n    ");
        put_hist(f, query_kind_name((enum query_kind)i), &t->service[i], buckets);
    }
    (void)fprintf(f, "}");
}

static void
put_load(FILE *f, const struct options *o)
{
    struct report_words words;

    report_describe(o, &words);
    (void)fprintf(f,
                  "  \"load\": {\"connections\": %" PRIu64 ", \"pipeline\": %" PRIu64
                  ", \"open_pipeline\": %" PRIu64 ", \"multiget\": %" PRIu64
                  ", \"keys\": %" PRIu64 ", \"seed\": %" PRIu64 ", \"rate\": %" PRIu64
                  ", \"protocol\": \"%s\",\n    \"key_size\": \"%s\", \"value_size\": \"%s\", "
                  "\"distribution\": \"%s\",\n    \"weights\": {",
                  o->connections, o->pipeline, options_open_pipeline(o), o->multiget, o->keys,
                  o->seed, o->rate, o->protocol, words.keys, words.values, words.dist);
    for (int i = 0; i < QUERY_KIND_COUNT; i++)
        (void)fprintf(f, "%s\"%s\": %g", i > 0 ? ", " : "", query_kind_name((enum query_kind)i),
                      o->weights[i]);
    (void)fputc('}', f);
    report_replay_json(f, o);
    (void)fprintf(f, "},\n");
}

static void
put_count(FILE *f, const char *name, uint64_t v)
{
    (void)fprintf(f, "  \"%s\": %" PRIu64 ",\n", name, v);
}

static void
put_errors(FILE *f, const struct tally *t)
{
    const char *comma = "";

    (void)fprintf(f, "  \"errors\": {");
    for (int i = 0; i < TALLY_ERROR_KINDS; i++) {
        if (t->error_kinds[i].count == 0)
            continue;
        (void)fputs(comma, f);
        json_string(f, t->error_kinds[i].text);
        (void)fprintf(f, ": %" PRIu64, t->error_kinds[i].count);
        comma = ", ";
    }
    (void)fprintf(f, "},\n");
}

static void
put_server(FILE *f, const struct options *o, const struct target *t)
{
    const struct process_sample *a = &t->before_open;
    const struct process_sample *z = &t->after_open;
    uint64_t answers = tally_answers(&t->total);
    double n = (double)o->connections;

    if (t->pid == 0)
        return;
    (void)fprintf(f, "  \"server\": {\"pid\": %d", (int)t->pid);
    json_field(f, ", ", "cpu_us_per_request",
               answers > 0 ? (double)t->server_cpu_ns / 1e3 / (double)answers : NAN, 4);
    json_count(f, ", ", "rss_bytes", t->end.rss_bytes);
    json_field(f, ",\n    ", "rss_bytes_per_connection",
               ((double)z->rss_bytes - (double)a->rss_bytes) / n, 1);
    json_field(f, ", ", "socket_bytes_per_connection",
               ((double)z->socket_bytes - (double)a->socket_bytes) / n, 1);
    json_field(f, ", ", "slab_bytes_per_connection",
               ((double)z->slab_bytes - (double)a->slab_bytes) / n, 1);
    (void)fprintf(f, "},\n");
}

static void
put_rounds(FILE *f, const struct target *t)
{
    (void)fprintf(f, "  \"rounds\": [");
    for (uint64_t i = 0; i < t->rounds_done; i++) {
        const struct round *r = &t->rounds[i];

        (void)fprintf(f, "%s\n    {\"sound\": %s", i > 0 ? "," : "",
                      r->sound ? "true" : "false");
        json_count(f, ", ", "requests", r->requests);
        json_field(f, ", ", "seconds", r->seconds, 6);
        json_count(f, ", ", "errors", r->errors);
        json_count(f, ", ", "lost_connections", r->lost_connections);
        json_count(f, ", ", "lost_requests", r->lost_requests);
        json_count(f, ", ", "wrong", r->wrong);
        for (int k = 0; k < FIGURE_COUNT; k++)
            json_field(f, ", ", figures[k].json_name, figure_of(r, &figures[k]), 4);
        report_phase_json(f, t, i);
        (void)fputc('}', f);
    }
    (void)fprintf(f, "],\n");
}

static void
put_windows(FILE *f, const struct windows *w)
{
    struct window all = windows_sum(w, 0);
    struct window half = windows_second_half(w);

    if (w->count == 0)
        return;
    (void)fprintf(f, "  \"hit_ratio\": {");
    json_field(f, "", "percent", window_hit_percent(&all), 4);
    json_field(f, ", ", "byte_percent", window_byte_percent(&all), 4);
    json_field(f, ", ", "second_half_percent", window_hit_percent(&half), 4);
    json_field(f, ", ", "second_half_byte_percent", window_byte_percent(&half), 4);
    json_count(f, ",\n    ", "hit_bytes", all.hit_bytes);
    json_count(f, ", ", "miss_bytes", all.miss_bytes);
    (void)fprintf(f, "},\n");
}

static void
put_fill(FILE *f, const struct options *o, const struct target *t)
{
    if (!o->fill)
        return;
    (void)fprintf(f, "  \"fill\": {");
    json_count(f, "", "keys", o->keys);
    json_count(f, ", ", "missing", t->fill_missing);
    json_count(f, ", ", "sent_again", t->fill_again);
    json_count(f, ", ", "error_replies", t->fill.errors);
    json_count(f, ", ", "lost_connections", t->fill.lost_connections);
    json_field(f, ", ", "missed_percent", verdict_missed_percent(t), 4);
    (void)fprintf(f, "},\n");
}

/* What the values' sizes should be on average, and what they were in what was read and stored. */
static void
put_sizes(FILE *f, const struct options *o, const struct tally *t)
{
    (void)fprintf(f, "  \"value_bytes\": {");
    json_field(f, "", "mean_of_keys", sizes_mean(&o->value_size), 1);
    json_field(f, ", ", "mean_read", tally_read_bytes(t), 1);
    json_field(f, ", ", "mean_stored", tally_stored_bytes(t), 1);
    (void)fprintf(f, "},\n");
}

static void
put_roles(FILE *f, const struct target *t)
{
    const struct process_sample *a = &t->before_roles;
    const struct process_sample *z = &t->after_roles;
    uint64_t n = 0;

    for (int i = 0; i < ROLE_KIND_COUNT; i++)
        n += t->roles.opened[i].opened;
    if (n == 0)
        return;
    (void)fprintf(f, "  \"roles\": {");
    for (int i = 0; i < ROLE_KIND_COUNT; i++) {
        const struct role_report *r = &t->roles.final[i];

        (void)fprintf(f,
                      "\"%s\": {\"opened\": %" PRIu64 ", \"open_s\": %.3f, \"failed\": %" PRIu64
                      ", \"lost\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"bytes\": %" PRIu64
                      ", \"mismatches\": %" PRIu64 "},\n    ",
                      role_name((enum role_kind)i), r->opened,
                      (double)t->roles.opened[i].open_ns / 1e9, r->failed, r->lost, r->answered,
                      r->bytes, r->mismatches);
    }
    (void)fprintf(f,
                  "\"rss_bytes_before\": %" PRIu64 ", \"rss_bytes_with\": %" PRIu64
                  ", \"rss_bytes_after\": %" PRIu64 ",\n    \"slab_bytes_grown\": %" PRId64
                  ", \"socket_bytes_grown\": %" PRId64 "},\n",
                  a->rss_bytes, z->rss_bytes, t->without_roles.rss_bytes,
                  (int64_t)(z->slab_bytes - a->slab_bytes),
                  (int64_t)(z->socket_bytes - a->socket_bytes));
}

static void
put_counters(FILE *f, const struct counters *c)
{
    if (c->count == 0)
        return;
    (void)fprintf(f, "  \"stats_changes\": {");
    for (uint32_t i = 0; i < c->count; i++) {
        (void)fputs(i > 0 ? ", " : "", f);
        json_string(f, c->list[i].name);
        (void)fprintf(f, ": %" PRId64, c->list[i].value);
    }
    (void)fprintf(f, "},\n");
}

/* Errors, losses, and requests that were never answered. */
static void
put_troubles(FILE *f, const struct tally *t)
{
    put_count(f, "mismatches", t->mismatches);
    put_count(f, "unreadable_replies", t->garbled);
    put_count(f, "error_replies", t->errors);
    put_errors(f, t);
    put_count(f, "not_stored", t->not_stored);
    put_count(f, "not_found", t->not_found);
    put_count(f, "lost_connections", t->lost_connections);
    put_count(f, "lost_requests", t->lost_requests);
    put_count(f, "timed_out_requests", t->timed_out);
    put_count(f, "unsent_requests", t->unsent);
    put_count(f, "skipped_requests", t->skipped);
    json_field(f, "  ", "seconds_without_connection", (double)t->down_ns / 1e9, 6);
    json_field(f, ", ", "connection_seconds_lost", (double)t->conn_down_ns / 1e9, 6);
    (void)fprintf(f, ",\n");
    put_count(f, "waited_for_connection", t->crowded);
    put_count(f, "waited_for_key", t->held);
    put_count(f, "never_begun", t->unbegun);
}

static void
put_client(FILE *f, const struct tally *t)
{
    json_field(f, "  ", "client_cpu_us_per_request", tally_client_us(t), 4);
    json_field(f, ", ", "client_busy_share", tally_busy_share(t), 4);
    json_field(f, ", ", "client_wait_share", tally_wait_share(t), 4);
    json_field(f, ", ", "client_spin_share", tally_spun_share(t), 4);
    (void)fprintf(f, ", \"client_was_bottleneck\": %s,\n",
                  tally_was_bottleneck(t) ? "true" : "false");
}

static void
put_target(FILE *f, const struct options *o, const struct target *target)
{
    const struct tally *t = &target->total;

    (void)fprintf(f, "  {\"address\": ");
    json_string(f, target->addr.text);
    (void)fprintf(f, ",\n  \"ended\": ");
    json_string(f, driver_result_name(target->result));
    (void)fprintf(f, ",\n");
    put_count(f, "requests", t->requests);
    put_count(f, "follow_up_requests", t->follow_ups);
    json_field(f, "  ", "seconds", tally_seconds(t), 6);
    json_field(f, ",\n  ", "requests_per_s", t->requests == 0 ? 0 : tally_rate(t), 1);
    (void)fprintf(f, ",\n");
    put_count(f, "hits", t->hits);
    put_count(f, "misses", t->misses);
    json_field(f, "  ", "hit_percent", tally_hit_percent(t), 4);
    (void)fprintf(f, ",\n");
    if (target->driver != NULL)
        put_windows(f, &target->driver->load.windows);
    put_fill(f, o, target);
    put_sizes(f, o, t);
    for (uint32_t i = 0; o->servers != NULL && i < o->servers->count; i++)
        (void)fprintf(f, "%s{\"address\": \"%s\", \"requests\": %" PRIu64 "}%s",
                      i == 0 ? "  \"placed\": [" : ", ", o->servers->addrs[i].text,
                      t->placed[i], i + 1 == o->servers->count ? "],\n" : "");
    put_count(f, "verified_bytes", t->verified_bytes);
    put_count(f, "values_known_fresh", t->sharp);
    put_count(f, "foreign_values", t->foreign);
    put_count(f, "grown_values", t->grown);
    put_count(f, "missing_before_expiry", t->early);
    put_troubles(f, t);
    report_aside_json(f, t);
    put_count(f, "bytes_sent", t->bytes_sent);
    put_count(f, "bytes_received", t->bytes_received);
    put_server(f, o, target);
    put_roles(f, target);
    put_counters(f, &target->counters);
    if (o->find_max_ns > 0)
        put_count(f, "max_rate", target->findmax.rate);
    put_client(f, t);
    put_rounds(f, target);
    report_json_certain(f, target);
    put_latencies(f, t, o->histogram);
    (void)fprintf(f, "}");
}

/* The ratios of the first server to one of the others. */
static void
put_ratios(FILE *f, const struct bench *b, unsigned other)
{
    (void)fprintf(f, "%s\n  {\"to\": ", other > 1 ? "," : "");
    json_string(f, b->targets[other].addr.text);
    for (int i = 0; i < FIGURE_COUNT; i++) {
        struct spread s = figure_ratio(b, other, &figures[i]);

        (void)fprintf(f, ",\n   \"%s\": {", figures[i].json_name);
        json_field(f, "", "median", s.median, 4);
        json_field(f, ", ", "min", s.min, 4);
        json_field(f, ", ", "max", s.max, 4);
        json_field(f, ", ", "mean", s.mean, 4);
        json_field(f, ", ", "low_95", s.low, 4);
        json_field(f, ", ", "high_95", s.high, 4);
        (void)fputc('}', f);
    }
    (void)fputc('}', f);
}

static void
put_texts(FILE *f, char texts[][VERDICT_REASON_BYTES], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)fputs(i > 0 ? ", " : "", f);
        json_string(f, texts[i]);
    }
}

static void
put_verdict(FILE *f, const struct bench *b)
{
    struct verdict v;

    verdict_reach(b, &v);
    (void)fprintf(f, "\"time\": %lld,\n\"verdict\": {\"status\": %d, \"name\": ",
                  (long long)b->began_s, v.status);
    json_string(f, verdict_name(&v));
    (void)fprintf(f, ", \"reasons\": [");
    put_texts(f, v.reasons, v.count);
    (void)fprintf(f, "], \"warnings\": [");
    put_texts(f, v.warnings, v.warning_count);
    (void)fprintf(f, "]},\n");
}

void
report_json(FILE *f, const struct bench *b)
{
    (void)fprintf(f, "{\n");
    put_verdict(f, b);
    put_load(f, b->options);
    (void)fprintf(f, "\"servers\": [\n");
    for (unsigned t = 0; t < b->target_count; t++) {
        (void)fputs(t > 0 ? ",\n" : "", f);
        put_target(f, b->options, &b->targets[t]);
    }
    (void)fprintf(f, "]");
    (void)fprintf(f, ",\n\"ratios_of_first\": [");
    for (unsigned t = 1; t < b->target_count; t++)
        put_ratios(f, b, t);
    (void)fprintf(f, "]\n}\n");
}
