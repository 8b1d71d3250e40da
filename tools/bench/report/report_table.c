/* The table of latencies with their intervals, and a bar for each decade; 80 columns wide. */
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

void
report_table(FILE *f, const struct target *target)
{
    const struct options *o = &target->options;
    const struct tally *t = &target->total;
    bool open = o->rate > 0 || o->find_max_ns > 0;
    const struct hist *shown;
    struct hist all;
    int kinds = 0;

    tally_service(t, &all);
    shown = open ? &t->response : &all;
    if (all.count == 0)
        return;
    print_head(f);
    for (int i = 0; i < QUERY_KIND_COUNT; i++) {
        print_row(f, query_kind_name((enum query_kind)i), &t->service[i]);
        kinds += t->service[i].count > 0;
    }
    print_row(f, "lag", &t->lag); /* of this process, part of the response time */
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
