#include "report.h"

#include <inttypes.h>

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

static void
put_hist(FILE *f, const char *name, const struct hist *h)
{
    (void)fprintf(f, "\"%s\": {\"count\": %" PRIu64 ", \"mean\": %.3f, \"min\": %.3f", name,
                  h->count, hist_mean(h) / 1e3, h->count > 0 ? (double)h->min / 1e3 : 0);
    for (unsigned i = 0; i < report_quantile_count; i++)
        (void)fprintf(f, ", \"%s\": %.3f", report_quantiles[i].name,
                      (double)hist_quantile(h, report_quantiles[i].q) / 1e3);
    (void)fprintf(f, ", \"max\": %.3f}", (double)h->max / 1e3);
}

static void
put_latencies(FILE *f, const struct tally *t)
{
    struct hist all;

    tally_service(t, &all);
    (void)fprintf(f, "  \"latency_us\": {");
    put_hist(f, "all", &all);
    for (int i = 0; i < OP_KIND_COUNT; i++) {
        if (t->service[i].count == 0)
            continue;
        (void)fprintf(f, ",\n    ");
        put_hist(f, op_kind_name((enum op_kind)i), &t->service[i]);
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
                  ", \"protocol\": \"%s\",\n    \"key_size\": \"%s\", \"value_size\": \"%s\", "
                  "\"distribution\": \"%s\"},\n",
                  o->connections, o->pipeline, o->multiget, o->keys, o->seed, o->protocol, keys,
                  values, dist);
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

void
report_json(FILE *f, const struct options *o, const struct result *r)
{
    const struct tally *t = r->tally;
    double seconds = tally_seconds(t);

    (void)fprintf(f, "{\n  \"server\": ");
    put_string(f, r->server);
    (void)fprintf(f, ",\n");
    put_load(f, o);
    put_count(f, "requests", t->requests);
    (void)fprintf(f, "  \"seconds\": %.6f,\n  \"requests_per_s\": %.1f,\n", seconds,
                  seconds > 0 ? (double)t->requests / seconds : 0);
    put_count(f, "hits", t->hits);
    put_count(f, "misses", t->misses);
    (void)fprintf(f, "  \"hit_percent\": %.4f,\n", tally_hit_percent(t));
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
    put_count(f, "bytes_sent", t->bytes_sent);
    put_count(f, "bytes_received", t->bytes_received);
    (void)fprintf(f, "  \"client_cpu_us_per_request\": %.4f,\n",
                  t->requests > 0 ? (double)t->cpu_ns / 1e3 / (double)t->requests : 0);
    put_latencies(f, t);
    (void)fprintf(f, "\n}\n");
}
