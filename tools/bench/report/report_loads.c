/* What reports say of loads that are more than a mix: replays, sessions, a database behind the cache. */
#include <inttypes.h>
#include <math.h>

#include "report/json.h"
#include "report/report.h"
#include "report/svg.h"

void
report_replay(FILE *f, const struct options *o)
{
    const struct replay *r = o->replay_plan;

    if (r == NULL)
        return;
    (void)fprintf(f,
                  "replay        %s: %" PRIu64 " requests for %" PRIu64 " keys over %.3f s "
                  "(speed %g), at most %" PRIu64 " in a second\n",
                  o->trace_path, r->count, r->keys, (double)r->span_ns / 1e9, o->speed,
                  r->busiest);
    if (r->backwards > 0)
        (void)fprintf(f,
                      "              the times of %" PRIu64 " go back: they were sent with "
                      "the one before\n",
                      r->backwards);
}

void
report_replay_json(FILE *f, const struct options *o)
{
    const struct replay *r = o->replay_plan;

    if (r == NULL)
        return;
    (void)fputs(",\n    \"replay\": {\"trace\": ", f);
    json_string(f, o->trace_path);
    json_count(f, ", ", "requests", r->count);
    json_count(f, ", ", "keys", r->keys);
    json_field(f, ", ", "seconds", (double)r->span_ns / 1e9, 6);
    json_field(f, ", ", "speed", o->speed, 6);
    json_count(f, ", ", "most_in_a_second", r->busiest);
    json_count(f, ", ", "backwards", r->backwards);
    (void)fputc('}', f);
}

void
report_replay_html(FILE *f, const struct options *o)
{
    const struct replay *r = o->replay_plan;

    if (r == NULL)
        return;
    (void)fputs("<tr><td>replay</td><td>", f);
    svg_text(f, o->trace_path);
    (void)fprintf(f,
                  ": %" PRIu64 " requests for %" PRIu64
                  " keys over %.3f s (speed %g), at most %" PRIu64 " in a second</td></tr>\n",
                  r->count, r->keys, (double)r->span_ns / 1e9, o->speed, r->busiest);
}

static double
us_at(const struct hist *h, double q)
{
    return h->count > 0 ? (double)hist_quantile(h, q) / 1e3 : NAN;
}

static void
print_times(FILE *f, const char *what, const struct hist *h)
{
    (void)fprintf(f, "%-14sp50 %.1f us, p99 %.1f us, longest %.1f us\n", what, us_at(h, 0.5),
                  us_at(h, 0.99), (double)h->max / 1e3);
}

void
report_aside(FILE *f, const struct tally *t)
{
    const struct aside *a = &t->aside;
    double seconds = tally_seconds(t);

    if (a->sessions > 0) {
        (void)fprintf(f, "sessions      %" PRIu64 ", %.1f/s\n", a->sessions,
                      (double)a->sessions / seconds);
        print_times(f, "  lasted", &a->session);
        print_times(f, "  connecting", &a->connect);
    }
    if (a->value.count == 0)
        return;
    print_times(f, "value in hand", &a->value);
    (void)fprintf(
        f,
        "database      %" PRIu64 " queries, %.1f/s, %.2f at a time on average; %" PRIu64
        " for a key that another one was fetching (%.1f %%)\n",
        a->loads, (double)a->loads / seconds, (double)a->busy_ns / 1e9 / seconds, a->duplicates,
        a->loads > 0 ? 100 * (double)a->duplicates / (double)a->loads : 0);
    if (a->loads > 0)
        print_times(f, "  a query", &a->database);
    if (a->herds > 0) {
        (void)fprintf(f,
                      "herds         %" PRIu64 " keys filled by %.2f clients each, %" PRIu64
                      " at most\n",
                      a->herds, (double)(a->loads) / (double)a->herds, a->herd_max);
        print_times(f, "  filled in", &a->fill);
    }
    if (a->waits + a->refreshes + a->stale > 0)
        (void)fprintf(f,
                      "leases        %" PRIu64 " waits for another client, %" PRIu64
                      " refreshes before the end, %" PRIu64 " stale values used\n",
                      a->waits, a->refreshes, a->stale);
}

static void
put_times(FILE *f, const char *name, const struct hist *h)
{
    (void)fprintf(f, ", \"%s\": {", name);
    json_count(f, "", "count", h->count);
    json_field(f, ", ", "p50", us_at(h, 0.5), 3);
    json_field(f, ", ", "p99", us_at(h, 0.99), 3);
    json_field(f, ", ", "max", h->count > 0 ? (double)h->max / 1e3 : NAN, 3);
    (void)fputc('}', f);
}

void
report_aside_json(FILE *f, const struct tally *t)
{
    const struct aside *a = &t->aside;

    if (a->value.count + a->sessions == 0)
        return;
    (void)fputs("  \"aside\": {", f);
    json_count(f, "", "database_queries", a->loads);
    json_count(f, ", ", "duplicate_queries", a->duplicates);
    json_count(f, ", ", "refreshes", a->refreshes);
    json_count(f, ", ", "herds", a->herds);
    json_count(f, ", ", "largest_herd", a->herd_max);
    json_count(f, ", ", "lease_waits", a->waits);
    json_count(f, ", ", "stale_values", a->stale);
    json_count(f, ", ", "sessions", a->sessions);
    json_field(f, ", ", "database_busy", (double)a->busy_ns / 1e9 / tally_seconds(t), 4);
    put_times(f, "value_us", &a->value);
    put_times(f, "query_us", &a->database);
    put_times(f, "fill_us", &a->fill);
    put_times(f, "session_us", &a->session);
    put_times(f, "connect_us", &a->connect);
    (void)fputs("},\n", f);
}

static void
put_row(FILE *f, const char *server, const char *what, const struct hist *h)
{
    if (h->count == 0)
        return;
    (void)fputs("<tr><td>", f);
    svg_text(f, server);
    (void)fprintf(
        f, "</td><td>%s</td><td>%" PRIu64 "</td><td>%.1f</td><td>%.1f</td><td>%.1f</td></tr>\n",
        what, h->count, us_at(h, 0.5), us_at(h, 0.99), (double)h->max / 1e3);
}

void
report_aside_html(FILE *f, const struct bench *b)
{
    const struct aside *first = &b->targets[0].total.aside;

    if (first->value.count + first->sessions == 0)
        return;
    (void)fputs(
        "<h2>Clients and database</h2>\n<div class=\"scroll\"><table><tr><th>server</th>"
        "<th></th><th>count</th><th>p50, us</th><th>p99, us</th><th>max, us</th></tr>\n",
        f);
    for (unsigned t = 0; t < b->target_count; t++) {
        const struct aside *a = &b->targets[t].total.aside;
        const char *server = b->targets[t].addr.text;

        put_row(f, server, "value in hand", &a->value);
        put_row(f, server, "database query", &a->database);
        put_row(f, server, "key until filled", &a->fill);
        put_row(f, server, "session", &a->session);
        put_row(f, server, "connecting", &a->connect);
    }
    (void)fputs("</table></div>\n<small>", f);
    if (first->loads > 0)
        (void)fprintf(f,
                      "%" PRIu64 " database queries, %" PRIu64
                      " of them for a key that another client was fetching; %" PRIu64
                      " at most for one missing key; %" PRIu64 " waits for another client.",
                      first->loads, first->duplicates, first->herd_max, first->waits);
    (void)fputs("</small>\n", f);
}
