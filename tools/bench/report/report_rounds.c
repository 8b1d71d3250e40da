/* Medians and spreads over the rounds, and ratios of servers. */
#include "report/report.h"

#include <inttypes.h>
#include <math.h>

static void
print_spread(FILE *f, const char *figure, const char *of, double middle, double low,
             double high, int digits)
{
    (void)fprintf(f, "%-15s %-27.27s", figure, of);
    if (isnan(middle))
        (void)fprintf(f, " %10s\n", "-");
    else if (isnan(low))
        (void)fprintf(f, " %10.*f\n", digits, middle);
    else
        (void)fprintf(f, " %10.*f (%.*f to %.*f)\n", digits, middle, digits, low, digits, high);
}

static void
print_unsound(FILE *f, const struct target *t)
{
    uint64_t unsound = 0;

    for (uint64_t i = 0; i < t->rounds_done; i++)
        unsound += !t->rounds[i].sound;
    if (unsound > 0)
        (void)fprintf(f,
                      "%s: %" PRIu64 " of %" PRIu64
                      " rounds left out: the server was unreachable or answered nothing\n",
                      t->addr.text, unsound, t->rounds_done);
}

/* A figure of each server, and ratios of the first to each other one. */
static void
print_figure(FILE *f, const struct bench *b, const struct figure *figure)
{
    for (unsigned t = 0; t < b->target_count; t++) {
        struct spread s = figure_spread(&b->targets[t], figure);

        print_spread(f, t == 0 ? figure->name : "", b->targets[t].addr.text, s.median, s.min,
                     s.max, 2);
    }
    for (unsigned t = 1; t < b->target_count; t++) {
        struct spread s = figure_ratio(b, t, figure);
        char name[64];

        (void)snprintf(name, sizeof(name), "first : %s", b->targets[t].addr.text);
        print_spread(f, "", name, s.mean, s.low, s.high, 3);
    }
}

void
report_rounds(FILE *f, const struct bench *b)
{
    (void)fputc('\n', f);
    for (unsigned t = 0; t < b->target_count; t++)
        print_unsound(f, &b->targets[t]);
    (void)fprintf(f, "%" PRIu64 " rounds of each: median (minimum to maximum)\n",
                  b->targets[0].rounds_done);
    if (b->target_count > 1)
        (void)fprintf(f, "ratios: mean (95 %% interval) over pairs of rounds\n");
    for (int i = 0; i < FIGURE_COUNT; i++)
        print_figure(f, b, &figures[i]);
}
