#include "report.h"

#include <inttypes.h>
#include <math.h>

/* TEXT as a JSON string. */
static void
put_string(FILE *f, const char *text)
{
    (void)fputc('"', f);
    for (; *text != '\0'; text++) {
        unsigned char ch = (unsigned char)*text;

        if (ch == '"' || ch == '\\')
            (void)fprintf(f, "\\%c", ch);
        else if (ch < 0x20 || ch >= 0x7f)
            (void)fprintf(f, "\\u%04x", ch);
        else
            (void)fputc(ch, f);
    }
    (void)fputc('"', f);
}

/* "low": count of all that are not empty, in us: counts of several runs can be added. */
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

static void
put_hist(FILE *f, const char *name, const struct hist *h, bool buckets)
{
    (void)fprintf(f, "\"%s\": {\"count\": %" PRIu64 ", \"mean\": %.3f, \"min\": %.3f", name,
                  h->count, hist_mean(h) / 1e3, h->count > 0 ? (double)h->min / 1e3 : 0);
    for (unsigned i = 0; i < report_quantile_count; i++)
        (void)fprintf(f, ", \"%s\": %.3f", report_quantiles[i].name,
                      (double)hist_quantile(h, report_quantiles[i].q) / 1e3);
    (void)fprintf(f, ", \"max\": %.3f", (double)h->max / 1e3);
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
    for (int i = 0; i < OP_KIND_COUNT; i++) {
        if (t->service[i].count == 0)
            continue;
        (void)fprintf(f, ",\n    ");
        put_hist(f, op_kind_name((enum op_kind)i), &t->service[i], buckets);
    }
    (void)fprintf(f, "}");
}

static void
put_load(FILE *f, const struct options *o)
{
    char keys[64];
    char values[160];
    char dist[64];

    sizes_name(&o->key_size, keys, sizeof(keys));
    sizes_name(&o->value_size, values, sizeof(values));
    dist_name(&o->dist, dist, sizeof(dist));
    (void)fprintf(f,
                  "  \"load\": {\"connections\": %" PRIu64 ", \"pipeline\": %" PRIu64
                  ", \"multiget\": %" PRIu64 ", \"keys\": %" PRIu64 ", \"seed\": %" PRIu64
                  ", \"rate\": %" PRIu64
                  ", \"protocol\": \"%s\",\n    \"key_size\": \"%s\", \"value_size\": \"%s\", "
                  "\"distribution\": \"%s\",\n    \"weights\": {",
                  o->connections, o->pipeline, o->multiget, o->keys, o->seed, o->rate,
                  o->protocol, keys, values, dist);
    for (int i = 0; i < OP_KIND_COUNT; i++)
        (void)fprintf(f, "%s\"%s\": %g", i > 0 ? ", " : "", op_kind_name((enum op_kind)i),
                      o->weights[i]);
    (void)fprintf(f, "}},\n");
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
        put_string(f, t->error_kinds[i].text);
        (void)fprintf(f, ": %" PRIu64, t->error_kinds[i].count);
        comma = ", ";
    }
    (void)fprintf(f, "},\n");
}

static void
put_double(FILE *f, double v)
{
    if (isfinite(v))
        (void)fprintf(f, "%.4f", v);
    else
        (void)fputs("null", f);
}

static void
put_server(FILE *f, const struct options *o, const struct target *t)
{
    const struct server_sample *a = &t->before_open;
    const struct server_sample *z = &t->after_open;
    double n = (double)o->connections;

    if (t->pid == 0)
        return;
    (void)fprintf(f,
                  "  \"server\": {\"pid\": %d, \"cpu_us_per_request\": %.4f, "
                  "\"rss_bytes\": %" PRIu64 ",\n    \"rss_bytes_per_connection\": %.1f, "
                  "\"socket_bytes_per_connection\": %.1f, "
                  "\"slab_bytes_per_connection\": %.1f},\n",
                  (int)t->pid, (double)t->server_cpu_ns / 1e3 / (double)t->total.requests,
                  t->end.rss_bytes, ((double)z->rss_bytes - (double)a->rss_bytes) / n,
                  ((double)z->socket_bytes - (double)a->socket_bytes) / n,
                  ((double)z->slab_bytes - (double)a->slab_bytes) / n);
}

static void
put_rounds(FILE *f, const struct target *t)
{
    (void)fprintf(f, "  \"rounds\": [");
    for (uint64_t r = 0; r < t->rounds_done; r++) {
        (void)fprintf(f, "%s\n    {", r > 0 ? "," : "");
        for (int i = 0; i < FIGURE_COUNT; i++) {
            (void)fprintf(f, "%s\"%s\": ", i > 0 ? ", " : "", figures[i].json_name);
            put_double(f, figure_of(&t->rounds[r], &figures[i]));
        }
        (void)fputc('}', f);
    }
    (void)fprintf(f, "],\n");
}

static void
put_windows(FILE *f, const struct windows *w)
{
    struct window all = windows_sum(w, 0);
    struct window half = windows_sum(w, w->count / 2);

    if (w->count == 0)
        return;
    (void)fprintf(f,
                  "  \"hit_ratio\": {\"percent\": %.4f, \"byte_percent\": %.4f, "
                  "\"second_half_percent\": %.4f, \"second_half_byte_percent\": %.4f,\n"
                  "    \"hit_bytes\": %" PRIu64 ", \"miss_bytes\": %" PRIu64 "},\n",
                  window_hit_percent(&all), window_byte_percent(&all),
                  window_hit_percent(&half), window_byte_percent(&half), all.hit_bytes,
                  all.miss_bytes);
}

static void
put_roles(FILE *f, const struct target *t)
{
    const struct server_sample *a = &t->before_roles;
    const struct server_sample *z = &t->after_roles;
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
        put_string(f, c->list[i].name);
        (void)fprintf(f, ": %" PRId64, c->list[i].value);
    }
    (void)fprintf(f, "},\n");
}

static void
put_target(FILE *f, const struct options *o, const struct target *target)
{
    const struct tally *t = &target->total;
    double seconds = tally_seconds(t);

    (void)fprintf(f, "  {\"address\": ");
    put_string(f, target->addr.text);
    (void)fprintf(f, ",\n");
    put_count(f, "requests", t->requests);
    (void)fprintf(f, "  \"seconds\": %.6f,\n  \"requests_per_s\": %.1f,\n", seconds,
                  seconds > 0 ? (double)t->requests / seconds : 0);
    put_count(f, "hits", t->hits);
    put_count(f, "misses", t->misses);
    (void)fprintf(f, "  \"hit_percent\": %.4f,\n", tally_hit_percent(t));
    put_windows(f, &target->session->load.windows);
    put_count(f, "verified_bytes", t->verified_bytes);
    put_count(f, "foreign_values", t->foreign);
    put_count(f, "mismatches", t->mismatches);
    put_count(f, "unreadable_replies", t->garbled);
    put_count(f, "error_replies", t->errors);
    put_errors(f, t);
    put_count(f, "not_stored", t->not_stored);
    put_count(f, "not_found", t->not_found);
    put_count(f, "lost_connections", t->lost_connections);
    put_count(f, "lost_requests", t->lost_requests);
    put_count(f, "waited_for_connection", t->crowded);
    put_count(f, "never_begun", t->unbegun);
    put_count(f, "bytes_sent", t->bytes_sent);
    put_count(f, "bytes_received", t->bytes_received);
    put_server(f, o, target);
    put_roles(f, target);
    put_counters(f, &target->counters);
    if (o->find_max_ns > 0)
        put_count(f, "max_rate", target->findmax.rate);
    (void)fprintf(f, "  \"client_cpu_us_per_request\": ");
    put_double(f, (double)t->cpu_ns / 1e3 / (double)t->requests);
    (void)fprintf(f,
                  ", \"client_busy_share\": %.4f, \"client_wait_share\": %.4f, "
                  "\"client_was_bottleneck\": %s,\n",
                  tally_busy_share(t), tally_wait_share(t),
                  tally_was_bottleneck(t) ? "true" : "false");
    put_rounds(f, target);
    put_latencies(f, t, o->histogram);
    (void)fprintf(f, "}");
}

/* Of the first server to one of the others. */
static void
put_ratios(FILE *f, const struct bench *b, unsigned other)
{
    (void)fprintf(f, "%s\n  {\"to\": ", other > 1 ? "," : "");
    put_string(f, b->targets[other].addr.text);
    for (int i = 0; i < FIGURE_COUNT; i++) {
        struct spread s = figure_ratio(b, other, &figures[i]);

        (void)fprintf(f, ",\n   \"%s\": {\"median\": ", figures[i].json_name);
        put_double(f, s.median);
        (void)fprintf(f, ", \"min\": ");
        put_double(f, s.min);
        (void)fprintf(f, ", \"max\": ");
        put_double(f, s.max);
        (void)fputc('}', f);
    }
    (void)fputc('}', f);
}

void
report_json(FILE *f, const struct bench *b)
{
    (void)fprintf(f, "{\n");
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
