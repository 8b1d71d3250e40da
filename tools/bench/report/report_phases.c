/* The phases of a run, each by itself: as lines of text, as JSON, and as a table of the page. */
#include <inttypes.h>
#include <math.h>

#include "report/json.h"
#include "report/page.h"
#include "report/report.h"
#include "report/svg.h"

static void
print_us(FILE *f, double us)
{
    if (isnan(us))
        (void)fprintf(f, " %9s", "-");
    else
        (void)fprintf(f, us < 1e5 ? " %9.1f" : " %9.0f", us);
}

static void
print_target(FILE *f, const struct target *t)
{
    (void)fprintf(f, "\n%-20s %7s %9s %6s %9s %9s %9s %4s\n", "phase", "seconds", "req/s",
                  "hits", "p50 us", "p99 us", "p99.9 us", "bad");
    for (uint64_t i = 0; i < t->rounds_done; i++) {
        const struct round *r = &t->rounds[i];

        (void)fprintf(f, "%-20.20s %7.2f %9.0f", options_plan(&t->options, i).name, r->seconds,
                      r->per_s);
        if (isnan(r->hit_percent))
            (void)fprintf(f, " %6s", "-");
        else
            (void)fprintf(f, " %5.1f%%", r->hit_percent);
        print_us(f, r->p50_us);
        print_us(f, r->p99_us);
        print_us(f, r->p999_us);
        (void)fprintf(f, " %4" PRIu64 "\n", r->errors + r->lost_requests + r->wrong);
    }
}

void
report_phases(FILE *f, const struct bench *b)
{
    for (unsigned t = 0; t < b->target_count; t++)
        print_target(f, &b->targets[t]);
    (void)fputs("bad: errors, requests never answered, wrong values. Above: all phases\n"
                "together.\n",
                f);
}

void
report_phase_json(FILE *f, const struct target *t, uint64_t round)
{
    struct options_plan plan = options_plan(&t->options, round);
    const struct round *r = &t->rounds[round];
    const char *comma = "";

    if (plan.name == NULL)
        return;
    (void)fputs(", \"phase\": ", f);
    json_string(f, plan.name);
    json_count(f, ", ", "rate", plan.rate);
    (void)fputs(", \"weights\": {", f);
    for (int i = 0; i < QUERY_KIND_COUNT; i++) {
        if (plan.weights[i] == 0)
            continue;
        (void)fprintf(f, "%s\"%s\": %g", comma, query_kind_name((enum query_kind)i),
                      plan.weights[i]);
        comma = ", ";
    }
    (void)fputc('}', f);
    json_field(f, ", ", "p99_low_us", r->p99_low_us, 3);
    json_field(f, ", ", "p99_high_us", r->p99_high_us, 3);
}

static void
put_row(FILE *f, const struct target *t, uint64_t i)
{
    static const struct interval none = {NAN, NAN};
    const struct round *r = &t->rounds[i];
    const struct interval p99 = {r->p99_low_us, r->p99_high_us};

    (void)fputs("<tr><td>", f);
    svg_text(f, t->addr.text);
    (void)fputs("</td><td>", f);
    svg_text(f, options_plan(&t->options, i).name);
    (void)fputs("</td>", f);
    page_cell(f, r->seconds, none, 1);
    page_cell(f, r->per_s, none, 1);
    page_cell(f, r->hit_percent, none, 1);
    page_cell(f, r->p50_us, none, 1);
    page_cell(f, r->p99_us, p99, 1);
    page_cell(f, r->p999_us, none, 1);
    (void)fprintf(f, "<td>%" PRIu64 "</td></tr>\n", r->errors + r->lost_requests + r->wrong);
}

void
report_phases_html(FILE *f, const struct bench *b)
{
    if (b->options->phase_count == 0)
        return;
    (void)fputs(
        "<h2>Phases</h2>\n<div class=\"scroll\"><table><tr><th>server</th><th>phase</th>"
        "<th>seconds</th><th>requests/s</th><th>hits, %</th><th>p50, us</th><th>p99, "
        "us</th><th>p99.9, us</th><th>bad</th></tr>\n",
        f);
    for (unsigned t = 0; t < b->target_count; t++) {
        for (uint64_t i = 0; i < b->targets[t].rounds_done; i++)
            put_row(f, &b->targets[t], i);
    }
    (void)fputs(
        "</table></div>\n<small>Bad: errors, requests never answered, wrong values. The "
        "other figures are of all phases together.</small>\n",
        f);
}
