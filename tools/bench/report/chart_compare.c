/* Pictures of comparisons: ratios with their intervals, and latency at many rates. */
#include <math.h>
#include <string.h>

#include "report/charts.h"
#include "report/report.h"
#include "report/svg.h"

/* Figures are 1, 2, ... on the x axis. */
static const char *
figure_label(double v, char *dst, size_t bytes)
{
    int i = (int)lround(v) - 1;

    /* Without its unit. */
    (void)snprintf(
        dst, bytes, "%.*s", i >= 0 && i < FIGURE_COUNT ? (int)strcspn(figures[i].name, ",") : 0,
        i >= 0 && i < FIGURE_COUNT && fabs(v - round(v)) < 0.01 ? figures[i].name : "");
    return dst;
}

void
chart_ratios(FILE *f, const struct bench *b)
{
    struct svg_axis x = {
        "above 1 the first server has more", 0.3, FIGURE_COUNT + 0.7, false, 1, figure_label};
    struct svg_axis y = {"first : other", 0.9, 1.1, false, 0, NULL};
    struct svg s;

    for (unsigned t = 1; t < b->target_count; t++) {
        for (int i = 0; i < FIGURE_COUNT; i++) {
            struct spread r = figure_ratio(b, t, &figures[i]);

            y.low = isfinite(r.mean) && r.mean > 0 ? fmin(y.low, fmax(r.low, r.mean / 2) / 1.02)
                                                   : y.low;
            y.high = isfinite(r.mean) ? fmax(y.high, fmin(r.high, r.mean * 2) * 1.02) : y.high;
        }
    }
    svg_begin(&s, f, "Ratios of the first server to the others, with 95 % intervals", x, y);
    svg_line_begin(&s, 7);
    svg_line_to(&s, x.low, 1);
    svg_line_to(&s, x.high, 1);
    svg_line_end(&s);
    for (unsigned t = 1; t < b->target_count; t++) {
        for (int i = 0; i < FIGURE_COUNT; i++) {
            struct spread r = figure_ratio(b, t, &figures[i]);
            double at = i + 1 + 0.12 * ((double)t - b->target_count / 2.0);

            if (!isfinite(r.mean))
                continue;
            svg_whisker(&s, t, at, r.low, r.high);
            svg_dot(&s, t, at, r.mean);
        }
        svg_key(&s, t, b->targets[t].addr.text);
    }
    svg_end(&s);
}

static void
draw_sweep(struct svg *s, const struct target *t, unsigned first, const char *server)
{
    static const char *const names[] = {"p50", "p99"};
    char key[100];

    for (unsigned q = 0; q < ARRAY_LEN(names); q++) {
        svg_line_begin(s, first + q);
        for (uint64_t i = 0; i < t->rounds_done; i++)
            svg_line_to(s, (double)t->rounds[i].rate,
                        q == 0 ? t->rounds[i].p50_us : t->rounds[i].p99_us);
        svg_line_end(s);
        for (uint64_t i = 0; q == 1 && i < t->rounds_done; i++)
            svg_whisker(s, first + q, (double)t->rounds[i].rate, t->rounds[i].p99_low_us,
                        t->rounds[i].p99_high_us);
        (void)snprintf(key, sizeof(key), "%s %.60s", names[q], server);
        svg_key(s, first + q, key);
    }
}

void
chart_sweep(FILE *f, const struct bench *b)
{
    const struct options *o = b->options;
    struct svg_axis x = {"requests a second, as planned",
                         o->sweep_low / 1.05,
                         o->sweep_high * 1.05,
                         true,
                         0,
                         NULL};
    struct svg_axis y = {"response time, us", 1e12, 1, true, 0, NULL};
    struct svg s;

    for (unsigned t = 0; t < b->target_count; t++) {
        for (uint64_t i = 0; i < b->targets[t].rounds_done; i++) {
            const struct round *r = &b->targets[t].rounds[i];

            y.low = isfinite(r->p50_us) ? fmin(y.low, r->p50_us / 1.2) : y.low;
            y.high = isfinite(r->p99_us) ? fmax(y.high, r->p99_us * 1.2) : y.high;
        }
    }
    y.low = fmin(y.low, y.high / 2);
    svg_begin(&s, f, "Response time at each rate, with 95 % intervals of p99", x, y);
    for (unsigned t = 0; t < b->target_count; t++)
        draw_sweep(&s, &b->targets[t], 2 * t, b->targets[t].addr.text);
    svg_end(&s);
}
