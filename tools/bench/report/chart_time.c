/* Pictures of what happened over time: throughput, the server's CPU and memory. */
#include <math.h>

#include "report/charts.h"
#include "report/report.h"
#include "report/svg.h"

enum { POINTS = 100 };

/* What is drawn of a server: the values of COUNT equal parts of SECONDS. */
struct course {
    uint32_t count;
    double seconds;
    double values[POINTS];
};

static void
note_throughput(const struct target *t, struct course *out)
{
    static struct moment blocks[POINTS];
    const struct load *l = &t->driver->load;

    out->seconds = (double)(l->tally.end_ns - l->series.start_ns) / 1e9;
    out->count = series_blocks(&l->series, l->tally.end_ns, blocks, POINTS);
    for (uint32_t i = 0; i < out->count; i++)
        out->values[i] = (double)blocks[i].requests * out->count / out->seconds;
}

/* CPU and memory are looked at some times a second. */
static void
note_looks(const struct target *t, enum chart chart, struct course *out)
{
    const struct series *s = &t->driver->load.series;
    uint32_t n = s->look_count < POINTS ? s->look_count : POINTS;

    out->count = 0;
    out->seconds = n > 0 ? (double)(s->looks[s->look_count - 1].at_ns - s->start_ns) / 1e9 : 0;
    for (uint32_t i = 0; i + 1 < n; i++) {
        const struct series_look *a = &s->looks[(uint64_t)i * (s->look_count - 1) / (n - 1)];
        const struct series_look *z =
            &s->looks[(uint64_t)(i + 1) * (s->look_count - 1) / (n - 1)];

        out->values[out->count++] =
            chart == CHART_MEMORY
                ? (double)z->rss_bytes / 1e6
                : 100 * (double)(z->cpu_ns - a->cpu_ns) / (double)(z->at_ns - a->at_ns);
    }
}

static void
note_course(const struct target *t, enum chart chart, struct course *out)
{
    if (chart == CHART_THROUGHPUT)
        note_throughput(t, out);
    else
        note_looks(t, chart, out);
}

static const char *
title_of(enum chart chart, const char **unit)
{
    if (chart == CHART_THROUGHPUT) {
        *unit = "requests a second";
        return "Throughput over time";
    }
    if (chart == CHART_CPU) {
        *unit = "% of a core";
        return "CPU of the server over time";
    }
    *unit = "MB resident";
    return "Memory of the server over time";
}

void
chart_over_time(FILE *f, const struct bench *b, enum chart chart)
{
    struct svg_axis x = {"seconds of the last round", 0, 1e-9, false, 0, NULL};
    struct svg_axis y = {"", 0, 1e-9, false, 0, NULL};
    const char *title = title_of(chart, &y.title);
    struct course c;
    struct svg s;

    for (unsigned t = 0; t < b->target_count; t++) {
        note_course(&b->targets[t], chart, &c);
        x.high = fmax(x.high, c.seconds);
        for (uint32_t i = 0; i < c.count; i++)
            y.high = fmax(y.high, c.values[i] * 1.1);
    }
    svg_begin(&s, f, title, x, y);
    for (unsigned t = 0; t < b->target_count; t++) {
        note_course(&b->targets[t], chart, &c);
        svg_line_begin(&s, t);
        for (uint32_t i = 0; i < c.count; i++)
            svg_line_to(&s, c.seconds * (i + 0.5) / c.count, c.values[i]);
        svg_line_end(&s);
        svg_key(&s, t, b->targets[t].addr.text);
    }
    svg_end(&s);
}
