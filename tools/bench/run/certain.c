/* Collects the blocks of all rounds, and computes intervals from them. */
#include "run/certain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/warmup.h"

static bool
reserve(struct certain *c, uint64_t rounds)
{
    if (c->blocks != NULL)
        return true;
    c->size = INTERVAL_PARTS_MAX;
    if (rounds < INTERVAL_PARTS_MAX / INTERVAL_BLOCKS)
        c->size = (uint32_t)rounds * INTERVAL_BLOCKS;
    c->blocks = calloc(c->size, sizeof(*c->blocks));
    c->seconds = calloc(c->size, sizeof(*c->seconds));
    return c->blocks != NULL && c->seconds != NULL;
}

static void
add_blocks(struct certain *c, const struct load *l, uint64_t rounds)
{
    uint32_t want = c->size / (uint32_t)rounds;
    double seconds = (double)(l->tally.end_ns - l->series.start_ns) / 1e9;
    uint32_t n;

    if (want == 0)
        want = 1;
    if (want > INTERVAL_BLOCKS)
        want = INTERVAL_BLOCKS;
    if (want > c->size - c->count)
        want = c->size - c->count;
    n = series_blocks(&l->series, l->tally.end_ns, c->blocks + c->count, want);
    for (uint32_t i = 0; i < n; i++)
        c->seconds[c->count + i] = seconds / n;
    c->count += n;
}

/* Whether latencies changed in the course of this round. */
static void
look_at_change(struct certain *c, const struct load *l)
{
    struct moment blocks[INTERVAL_BLOCKS];
    uint32_t n = series_blocks(&l->series, l->tally.end_ns, blocks, INTERVAL_BLOCKS);
    double seconds = (double)(l->tally.end_ns - l->series.start_ns) / 1e9;

    if (c->steady.changed)
        return;
    c->steady = steady_look(blocks, n);
    c->steady_s = n > 0 ? seconds * c->steady.at / n : 0;
}

void
certain_note_round(struct certain *c, const struct driver *d, uint64_t rounds)
{
    const struct load *l = &d->load;

    c->cut_s = (double)d->cut_ns / 1e9;
    c->cut_requests = d->cut_requests;
    if (d->options->until_reach > 0)
        c->reached = warmup_is_enough(d, &c->reach);
    if (l->gap_ns > 0 && (l->phase != LOAD_REPLAY || l->rate > 0) &&
        (c->arrivals.good || !c->arrivals.known))
        c->arrivals =
            arrivals_judge(&l->sent, l->gap_ns, d->options->arrivals != ARRIVALS_CONSTANT,
                           d->options->arrivals == ARRIVALS_PARETO ? ARRIVALS_PARETO_SHAPE : 0);
    if (!reserve(c, rounds) || l->tally.end_ns <= l->series.start_ns)
        return;
    look_at_change(c, l);
    add_blocks(c, l, rounds);
}

void
certain_fini(struct certain *c)
{
    free(c->blocks);
    free(c->seconds);
    memset(c, 0, sizeof(*c));
}

struct interval
certain_quantile(const struct certain *c, const struct hist *all, double q)
{
    return interval_quantile(all, c->blocks, c->count, q);
}

struct interval
certain_rate(const struct certain *c)
{
    struct interval_part parts[INTERVAL_PARTS_MAX];

    for (uint32_t i = 0; i < c->count; i++)
        parts[i] = (struct interval_part){(double)c->blocks[i].requests, c->seconds[i]};
    return interval_ratio(parts, c->count);
}

struct interval
certain_hits(const struct certain *c)
{
    struct interval_part parts[INTERVAL_PARTS_MAX];

    for (uint32_t i = 0; i < c->count; i++) {
        double hits = (double)c->blocks[i].hits;

        parts[i] = (struct interval_part){100 * hits, hits + (double)c->blocks[i].misses};
    }
    return interval_ratio(parts, c->count);
}
