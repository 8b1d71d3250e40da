/* How sure figures are, the table of latencies with their intervals, and a bar for each decade; 80 columns wide. */
#include <inttypes.h>
#include <math.h>

#include "report/report.h"

enum { TABLE_QUANTILES = 5, BAR_COLUMNS = 48, DECADE_FIRST_NS = 1000, DECADES = 8 };

/* Eight columns at least: large values need no fraction. */
static void
put_us(FILE *f, double us)
{
    if (isnan(us))
        (void)fprintf(f, " %8s", "-");
    else
        (void)fprintf(f, us < 99999 ? " %8.1f" : " %8.0f", us);
}

static void
print_head(FILE *f)
{
    (void)fprintf(f, "\nus      %9s %8s", "count", "mean");
    for (unsigned i = 0; i < TABLE_QUANTILES; i++)
        (void)fprintf(f, " %8s", report_quantiles[i].name);
    (void)fprintf(f, " %8s\n", "max");
}

static void
print_row(FILE *f, const char *name, const struct hist *h)
{
    if (h->count == 0)
        return;
    (void)fprintf(f, "%-8s %8" PRIu64, name, h->count);
    put_us(f, hist_mean(h) / 1e3);
    for (unsigned i = 0; i < TABLE_QUANTILES; i++)
        put_us(f, report_quantile_us(h, i));
    put_us(f, (double)h->max / 1e3);
    (void)fputc('\n', f);
}

/* The bounds of the 95 % intervals. */
static void
print_bounds(FILE *f, const struct certain *c, const struct hist *h)
{
    struct interval of[TABLE_QUANTILES];

    if (c->count < 2)
        return;
    for (unsigned i = 0; i < TABLE_QUANTILES; i++)
        of[i] = certain_quantile(c, h, report_quantiles[i].q);
    for (int high = 0; high < 2; high++) {
        (void)fprintf(f, "%s%-17s", high ? "   " : "95 ", high ? "% to" : "% from");
        (void)fprintf(f, "%6s", "");
        for (unsigned i = 0; i < TABLE_QUANTILES; i++)
            put_us(f, isnan(report_quantile_us(h, i)) ? NAN
                                                      : (high ? of[i].high : of[i].low) / 1e3);
        (void)fputc('\n', f);
    }
}

static void
print_bar(FILE *f, uint64_t low, const struct hist *h)
{
    uint64_t n = report_count_between(h, low, 10 * low);
    double share = (double)n / (double)h->count;
    int columns = (int)ceil(share * BAR_COLUMNS);

    if (n == 0)
        return;
    (void)fprintf(f, "%7.0f us to %7.0f us %8.4f %% ", (double)low / 1e3, (double)low / 1e2,
                  100 * share);
    for (int i = 0; i < columns; i++)
        (void)fputc('#', f);
    (void)fputc('\n', f);
}

/* How sure the figures are. */
static void
print_certain(FILE *f, const struct target *target)
{
    const struct certain *c = &target->certain;
    const struct arrivals_verdict *a = &c->arrivals;
    struct interval rate = certain_rate(c);

    if (target->options.sweep_steps > 0)
        return; /* each rate is on its own */

    if (isfinite(rate.low) && c->count >= INTERVAL_BLOCKS / 2)
        (void)fprintf(f, "95 %% interval %.0f/s to %.0f/s\n", rate.low, rate.high);
    if (c->cut_s > 0)
        (void)fprintf(f,
                      "warm-up       %.2f s and %" PRIu64
                      " requests were cut: latencies still changed\n",
                      c->cut_s, c->cut_requests);
    if (c->steady.known && !c->steady.changed)
        (void)fprintf(f, "steady        latencies did not change while it was measured\n");
    if (a->known && target->options.arrivals != ARRIVALS_CONSTANT)
        (void)fprintf(
            f,
            "arrivals      %s: Anderson-Darling %.2f, lag-1 %.3f, Spearman %.3f of %u "
            "gaps\n",
            a->good ? "as planned" : "not as planned", a->anderson, a->lag1, a->spearman,
            a->gaps);
    else if (a->known)
        (void)fprintf(f, "arrivals      %s: %.1f %% of %u gaps are uneven\n",
                      a->good ? "as planned" : "not as planned", 100 * a->uneven, a->gaps);
}

void
report_table(FILE *f, const struct target *target)
{
    const struct options *o = &target->options;
    const struct tally *t = &target->total;
    bool open = options_is_open(o);
    const struct hist *shown;
    struct hist all;
    int kinds = 0;

    print_certain(f, target);
    tally_service(t, &all);
    shown = open ? &t->response : &all;
    if (all.count == 0 || o->sweep_steps > 0)
        return;
    print_head(f);
    for (int i = 0; i < QUERY_KIND_COUNT; i++) {
        print_row(f, query_kind_name((enum query_kind)i), &t->service[i]);
        kinds += t->service[i].count > 0;
    }
    print_row(f, "unread", &t->unread); /* replies in this machine's sockets */
    print_row(f, "lag", &t->lag);       /* of this process, part of the response time */
    if (kinds > 1)
        print_row(f, "all", &all);
    /* The service time begins when the request is sent, the response time when it was due. */
    if (open)
        print_row(f, "response", &t->response);
    print_bounds(f, &target->certain, shown);
    (void)fputc('\n', f);
    for (uint64_t low = DECADE_FIRST_NS, i = 0; i < DECADES; i++, low *= 10)
        print_bar(f, low, shown);
    if (o->histogram)
        report_histogram(f, shown);
}
