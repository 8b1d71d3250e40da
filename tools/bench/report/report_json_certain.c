/* Part of the JSON report: how sure the figures are, and what happened in each second. */
#include <inttypes.h>
#include <math.h>

#include "report/json.h"
#include "report/report.h"

static void
put_interval(FILE *f, const char *before, const char *name, struct interval i, double scale)
{
    (void)fprintf(f, "%s\"%s\": [", before, name);
    json_number(f, i.low * scale, 4);
    (void)fputs(", ", f);
    json_number(f, i.high * scale, 4);
    (void)fputc(']', f);
}

static void
put_intervals(FILE *f, const struct target *target)
{
    const struct options *o = &target->options;
    const struct tally *t = &target->total;
    bool open = options_is_open(o);
    struct hist all;

    if (open)
        all = t->response;
    else
        tally_service(t, &all);
    put_interval(f, "  \"interval_95\": {", "requests_per_s", certain_rate(&target->certain),
                 1);
    put_interval(f, ", ", "hit_percent", certain_hits(&target->certain), 1);
    (void)fprintf(f, ",\n    \"latency\": \"%s\"", open ? "response" : "all");
    for (unsigned i = 0; i < report_quantile_count; i++) {
        struct interval nothing = {NAN, NAN};

        put_interval(f, ", ", report_quantiles[i].name,
                     isnan(report_quantile_us(&all, i))
                         ? nothing
                         : certain_quantile(&target->certain, &all, report_quantiles[i].q),
                     1e-3);
    }
    (void)fprintf(f, "},\n");
}

static const char *
truth(bool known, bool value)
{
    return !known ? "null" : value ? "true" : "false";
}

static void
put_course(FILE *f, const struct certain *c)
{
    const struct arrivals_verdict *a = &c->arrivals;

    json_field(f, "  \"warm_up\": {", "seconds", c->cut_s, 3);
    json_count(f, ", ", "requests", c->cut_requests);
    (void)fprintf(f, "},\n  \"steady\": {\"is\": %s",
                  truth(c->steady.known, !c->steady.changed));
    json_field(f, ", ", "changed_after_s", c->steady.changed ? c->steady_s : NAN, 3);
    json_field(f, ", ", "factor", c->steady.changed ? c->steady.factor : NAN, 3);
    (void)fprintf(f, "},\n  \"arrivals\": {\"as_planned\": %s", truth(a->known, a->good));
    json_field(f, ", ", "anderson_darling", a->known ? a->anderson : NAN, 3);
    json_field(f, ", ", "lag1", a->known ? a->lag1 : NAN, 4);
    json_field(f, ", ", "spearman", a->known ? a->spearman : NAN, 4);
    json_field(f, ", ", "uneven_share", a->known ? a->uneven : NAN, 4);
    json_count(f, ", ", "gaps", a->gaps);
    (void)fprintf(f, "},\n");
}

static void
put_seconds(FILE *f, const struct target *target)
{
    struct report_second s;

    (void)fprintf(f, "  \"seconds_of_last_round\": [");
    for (unsigned i = 0; report_second(target, i, &s); i++) {
        const struct moment *m = &s.sum;
        bool any = m->timed > 0;

        json_field(f, i > 0 ? ",\n    {" : "\n    {", "at", s.at_s, 3);
        json_field(f, ", ", "seconds", s.seconds, 3);
        json_count(f, ", ", "requests", m->requests);
        json_count(f, ", ", "errors", m->errors);
        json_count(f, ", ", "hits", m->hits);
        json_count(f, ", ", "misses", m->misses);
        json_field(f, ", ", "p50_us", any ? (double)moment_quantile(m, 0.5) / 1e3 : NAN, 1);
        json_field(f, ", ", "p99_us", any ? (double)moment_quantile(m, 0.99) / 1e3 : NAN, 1);
        json_field(f, ", ", "max_us", any ? (double)m->max_ns / 1e3 : NAN, 1);
        json_field(f, ", ", "server_cpu_share", s.cpu_share, 4);
        (void)fputc('}', f);
    }
    (void)fprintf(f, "],\n");
}

void
report_json_certain(FILE *f, const struct target *target)
{
    put_intervals(f, target);
    put_course(f, &target->certain);
    put_seconds(f, target);
}
