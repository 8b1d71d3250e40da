/* Pictures of latencies: by percentile, as a distribution, and over time. */
#include <math.h>

#include "report/charts.h"
#include "report/report.h"
#include "report/svg.h"

enum { HEAT_COLUMNS = 120, HEAT_ROWS = MOMENT_BUCKETS };

void
chart_latencies(const struct target *t, struct hist *out)
{
    const struct options *o = &t->options;

    if (options_is_open(o))
        *out = t->total.response;
    else
        tally_service(&t->total, out);
}

/* 2.5 ms. */
static const char *
us_label(double us, char *dst, size_t bytes)
{
    if (us >= 1e6)
        (void)snprintf(dst, bytes, "%g s", us / 1e6);
    else if (us >= 1e3)
        (void)snprintf(dst, bytes, "%g ms", us / 1e3);
    else
        (void)snprintf(dst, bytes, "%g us", us);
    return dst;
}

/* An axis from Q of the fastest to the slowest of all servers. */
static struct svg_axis
latency_axis(const struct bench *b, double q)
{
    struct svg_axis a = {"latency", 1e12, 1, true, 0, us_label};
    struct hist h;

    for (unsigned t = 0; t < b->target_count; t++) {
        chart_latencies(&b->targets[t], &h);
        if (h.count == 0)
            continue;
        a.low = fmin(a.low, (double)hist_quantile(&h, q) / 1e3);
        a.high = fmax(a.high, (double)h.max / 1e3);
    }
    a.low = fmin(a.low, a.high) / 1.2;
    a.high *= 1.2;
    return a;
}

/* 1 / (1 - q) as a percentile. */
static const char *
percentile_label(double v, char *dst, size_t bytes)
{
    (void)snprintf(dst, bytes, "%.6g %%", 100 * (1 - 1 / v));
    return dst;
}

void
chart_percentiles(FILE *f, const struct bench *b)
{
    struct svg_axis x = {"percentile", 1, 10, true, 0, percentile_label};
    struct svg s;
    struct hist h;

    for (unsigned t = 0; t < b->target_count; t++) {
        chart_latencies(&b->targets[t], &h);
        x.high = fmax(x.high, (double)h.count);
    }
    svg_begin(&s, f, "Latency by percentile, with 95 % intervals", x, latency_axis(b, 0));
    for (unsigned t = 0; t < b->target_count; t++) {
        const struct target *target = &b->targets[t];

        chart_latencies(target, &h);
        svg_line_begin(&s, t);
        for (double v = 1; h.count > 0 && v <= (double)h.count; v *= 1.02)
            svg_line_to(&s, v, (double)hist_quantile(&h, 1 - 1 / v) / 1e3);
        svg_line_end(&s);
        for (unsigned i = 0; i < report_quantile_count && h.count > 0; i++) {
            double q = report_quantiles[i].q;
            struct interval of = certain_quantile(&target->certain, &h, q);

            if (!isnan(report_quantile_us(&h, i)))
                svg_whisker(&s, t, 1 / (1 - q), of.low / 1e3, of.high / 1e3);
        }
        svg_key(&s, t, target->addr.text);
    }
    svg_end(&s);
}

void
chart_cdf(FILE *f, const struct bench *b)
{
    struct svg_axis y = {"share of the requests", 0, 1, false, 0, NULL};
    struct svg_axis x = latency_axis(b, 0);
    struct svg s;
    struct hist h;

    svg_begin(&s, f, "Share of the requests that are faster", x, y);
    for (unsigned t = 0; t < b->target_count; t++) {
        uint64_t seen = 0;

        chart_latencies(&b->targets[t], &h);
        svg_line_begin(&s, t);
        for (uint32_t i = 0; i < HIST_BUCKET_COUNT; i++) {
            seen += h.buckets[i];
            if (h.buckets[i] > 0)
                svg_line_to(&s, (double)hist_bucket_high(i) / 1e3,
                            (double)seen / (double)h.count);
        }
        svg_line_end(&s);
        svg_key(&s, t, b->targets[t].addr.text);
    }
    svg_end(&s);
}

/* One column: its colour is strongest where most of its requests are. */
static void
draw_column(struct svg *s, const struct moment *m, double from, double to)
{
    uint32_t most = 1;

    for (uint32_t i = 0; i < HEAT_ROWS; i++)
        most = m->buckets[i] > most ? m->buckets[i] : most;
    for (uint32_t i = 0; i < HEAT_ROWS; i++) {
        double low = (double)hist_bucket_low(8 * i) / 1e3;
        double high = (double)hist_bucket_high(8 * i + 7) / 1e3;

        if (m->buckets[i] > 0 && high > s->y.low)
            svg_cell(s, from, low, to, high,
                     0.08 + 0.92 * sqrt((double)m->buckets[i] / (double)most));
    }
}

static void
draw_quantile(struct svg *s, unsigned colour, const struct moment *columns, uint32_t n,
              double q)
{
    double width = s->x.high / n;

    svg_line_begin(s, colour);
    for (uint32_t i = 0; i < n; i++) {
        double us = (double)moment_quantile(&columns[i], q) / 1e3;

        svg_line_to(s, (i + 0.5) * width, columns[i].timed > 0 ? us : NAN);
    }
    svg_line_end(s);
}

void
chart_heat(FILE *f, const struct bench *b)
{
    static struct moment columns[HEAT_COLUMNS];
    const struct target *t = &b->targets[0];
    const struct series *series = &t->driver->load.series;
    uint64_t end = t->driver->load.tally.end_ns;
    double seconds = (double)(end - series->start_ns) / 1e9;
    struct svg_axis x = {
        "seconds of the last round", 0, seconds > 0 ? seconds : 1, false, 0, NULL};
    uint32_t n = series_blocks(series, end, columns, HEAT_COLUMNS);
    char title[200];
    struct svg s;

    (void)snprintf(title, sizeof(title), "Latency over time: %.100s", t->addr.text);
    svg_begin(&s, f, title, x, latency_axis(b, 0));
    for (uint32_t i = 0; i < n; i++)
        draw_column(&s, &columns[i], seconds * i / n, seconds * (i + 1) / n);
    draw_quantile(&s, 7, columns, n, 0.5);
    draw_quantile(&s, 1, columns, n, 0.99);
    svg_key(&s, 7, "p50");
    svg_key(&s, 1, "p99");
    svg_end(&s);
}
