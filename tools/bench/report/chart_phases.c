/* The picture of a run with phases: throughput over all of them, with a line where each begins. */
#include <math.h>

#include "report/charts.h"
#include "report/report.h"
#include "report/svg.h"

/* Where a phase begins, and what it is. */
static void
mark_phase(struct svg *s, double at, uint64_t number, const char *name)
{
    double x = svg_x(s, at);

    (void)fprintf(s->f,
                  "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#999\" "
                  "stroke-dasharray=\"3 3\"/>\n<text x=\"%.1f\" y=\"%.1f\" font-size=\"10\" "
                  "fill=\"#555\" class=\"n\">",
                  x, svg_y(s, s->y.low), x, svg_y(s, s->y.high), x + 3,
                  svg_y(s, s->y.high) + 11 + 11 * (double)(number % 3));
    svg_text(s->f, name);
    (void)fputs("</text>\n", s->f);
}

static void
draw_course(struct svg *s, unsigned line, const struct target *t)
{
    double at = 0;

    svg_line_begin(s, line);
    for (uint64_t i = 0; i < t->rounds_done; i++) {
        const struct round *r = &t->rounds[i];

        for (uint32_t k = 0; k < r->parts; k++)
            svg_line_to(s, at + r->seconds * (k + 0.5) / r->parts, r->course[k]);
        svg_line_to(s, at, NAN); /* between phases nothing is measured */
        at += r->seconds;
    }
    svg_line_end(s);
    svg_key(s, line, t->addr.text);
}

void
chart_phases(FILE *f, const struct bench *b)
{
    struct svg_axis x = {"seconds", 0, 1e-9, false, 0, NULL};
    struct svg_axis y = {"requests a second", 0, 1e-9, false, 0, NULL};
    const struct target *first = &b->targets[0];
    struct svg s;
    double at = 0;

    for (unsigned t = 0; t < b->target_count; t++) {
        double seconds = 0;

        for (uint64_t i = 0; i < b->targets[t].rounds_done; i++) {
            const struct round *r = &b->targets[t].rounds[i];

            seconds += r->seconds;
            for (uint32_t k = 0; k < r->parts; k++)
                y.high = fmax(y.high, r->course[k] * 1.3);
        }
        x.high = fmax(x.high, seconds);
    }
    svg_begin(&s, f, "Throughput over the phases", x, y);
    for (uint64_t i = 0; i < first->rounds_done; i++) {
        mark_phase(&s, at, i, options_plan(b->options, i).name);
        at += first->rounds[i].seconds;
    }
    for (unsigned t = 0; t < b->target_count; t++)
        draw_course(&s, t, &b->targets[t]);
    svg_end(&s);
}
