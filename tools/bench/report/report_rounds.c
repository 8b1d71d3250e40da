/* Medians and spreads over the rounds, and ratios of servers. */
#include "report/report.h"

#include <inttypes.h>
#include <math.h>

static void
print_spread(FILE *f, struct spread s, int digits)
{
    if (isnan(s.median))
        (void)fprintf(f, " %36s", "-");
    else
        (void)fprintf(f, "  %10.*f (%9.*f to %9.*f)", digits, s.median, digits, s.min, digits,
                      s.max);
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

/* Median and spread over the rounds; with more servers also the ratio of the first to each, over
 * pairs of rounds. */
void
report_rounds(FILE *f, const struct bench *b)
{
    (void)fputc('\n', f);
    for (unsigned t = 0; t < b->target_count; t++)
        print_unsound(f, &b->targets[t]);
    (void)fprintf(f, "%" PRIu64 " rounds of each: median (minimum to maximum)\n%-15s",
                  b->targets[0].rounds_done, "");
    for (unsigned t = 0; t < b->target_count; t++)
        (void)fprintf(f, " %36s", b->targets[t].addr.text);
    for (unsigned t = 1; t < b->target_count; t++)
        (void)fprintf(f, "  ratio of first to %-17.17s", b->targets[t].addr.text);
    (void)fputc('\n', f);
    for (int i = 0; i < FIGURE_COUNT; i++) {
        (void)fprintf(f, "%-15s", figures[i].name);
        for (unsigned t = 0; t < b->target_count; t++)
            print_spread(f, figure_spread(&b->targets[t], &figures[i]), 2);
        for (unsigned t = 1; t < b->target_count; t++)
            print_spread(f, figure_ratio(b, t, &figures[i]), 3);
        (void)fputc('\n', f);
    }
}
