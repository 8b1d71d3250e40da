/* Begins a measurement anew while its latencies still change, and ends it when it is precise enough. */
#include "run/warmup.h"

#include <math.h>
#include <string.h>

#include "host/observed.h"
#include "run/own_cpu.h"
#include "run/progress.h"
#include "stat/interval.h"
#include "stat/steady.h"

#define SECOND_NS UINT64_C(1000000000)

enum {
    CHECKS = 32, /* of the whole duration; in its first half they may cut */
    WARMUP_BLOCKS = 16,
    LOOKS_A_SECOND = 4,
};

void
warmup_begin(struct driver *d)
{
    uint64_t now = d->load.now_ns;

    d->restarts = 0;
    d->cut_ns = 0;
    d->cut_requests = 0;
    d->began_ns = now;
    d->next_check_ns = now + d->options->duration_ns / CHECKS;
    d->next_until_ns = now + SECOND_NS;
    d->next_look_ns = now;
}

static bool
had_troubles(const struct tally *t)
{
    return t->mismatches + t->garbled + t->errors + t->lost_connections + t->lost_requests +
               t->unsent + t->skipped >
           0;
}

/* Forget what was measured, and measure for the whole time from now on. */
static void
begin_anew(struct driver *d)
{
    struct load *l = &d->load;

    d->cut_requests += l->tally.requests;
    d->cut_ns = l->now_ns - d->began_ns;
    tally_reset(&l->tally);
    l->tally.start_ns = l->now_ns;
    l->tally.end_ns = l->now_ns;
    l->until_ns = l->now_ns + d->options->duration_ns;
    series_begin(&l->series, l->now_ns, d->options->duration_ns);
    arrivals_begin(&l->sent);
    own_cpu_count(&l->tally, false);
    progress_start(d);
    if (d->signals != NULL && d->options->job == 0)
        (void)__atomic_fetch_add(&d->signals->restarts, 1, __ATOMIC_ACQ_REL);
    if (d->on_restart != NULL)
        d->on_restart(d->restart_context);
}

static void
look_for_warmup(struct driver *d)
{
    struct moment blocks[WARMUP_BLOCKS];
    const struct load *l = &d->load;
    uint64_t now = l->now_ns;
    uint32_t n;

    if (now - d->began_ns > d->options->duration_ns / 2) {
        d->next_check_ns = UINT64_MAX;
        return;
    }
    d->next_check_ns = now + d->options->duration_ns / CHECKS;
    n = series_blocks(&l->series, now, blocks, WARMUP_BLOCKS);
    if (!had_troubles(&l->tally) && steady_look(blocks, n).changed)
        begin_anew(d);
}

/* The widest interval of what --until asks for, relative to its value. */
static double
widest_reach(const struct driver *d)
{
    static const double qs[] = {0.5, 0.99};
    struct moment blocks[INTERVAL_BLOCKS];
    struct interval_part parts[INTERVAL_BLOCKS];
    const struct load *l = &d->load;
    uint32_t n = series_blocks(&l->series, l->now_ns, blocks, INTERVAL_BLOCKS);
    double only = d->options->until_quantile;
    double widest = 0;
    struct hist all;

    if (l->gap_ns > 0)
        all = l->tally.response;
    else
        tally_service(&l->tally, &all);
    for (uint32_t i = 0; i < n; i++)
        parts[i] = (struct interval_part){(double)blocks[i].requests, 1};
    if (n < 8)
        return INFINITY;
    if (only == 0)
        widest =
            interval_reach(interval_ratio(parts, n), (double)l->tally.requests / (double)n);
    for (unsigned i = 0; i < (only > 0 ? 1 : ARRAY_LEN(qs)); i++) {
        double q = only > 0 ? only : qs[i];
        double reach = interval_reach(interval_quantile(&all, blocks, n, q),
                                      (double)hist_quantile(&all, q));

        if (!(reach <= widest))
            widest = isnan(reach) ? INFINITY : reach;
    }
    return widest;
}

bool
warmup_is_enough(const struct driver *d, double *reach)
{
    double widest = widest_reach(d);

    if (reach != NULL)
        *reach = widest;
    return widest <= d->options->until_reach;
}

/* Do as the process does that leads. */
static void
follow_leader(struct driver *d)
{
    uint32_t restarts = __atomic_load_n(&d->signals->restarts, __ATOMIC_ACQUIRE);

    if (restarts != d->restarts) {
        d->restarts = restarts;
        begin_anew(d);
    }
    if (__atomic_load_n(&d->signals->ended, __ATOMIC_ACQUIRE) != 0)
        d->load.until_ns = d->load.now_ns;
}

static void
look_at_server(struct driver *d)
{
    struct process_sample sample;

    d->next_look_ns = d->load.now_ns + SECOND_NS / LOOKS_A_SECOND;
    if (process_look(d->look_pid, &sample))
        series_note_look(&d->load.series, &(struct series_look){d->load.now_ns, sample.cpu_ns,
                                                                sample.rss_bytes});
}

void
warmup_tick(struct driver *d)
{
    const struct options *o = d->options;
    uint64_t now = d->load.now_ns;

    if (!d->measured || load_is_over(&d->load))
        return;
    if (d->signals != NULL && o->job > 0) {
        follow_leader(d);
        return;
    }
    if (d->look_pid != 0 && now >= d->next_look_ns)
        look_at_server(d);
    if (o->find_warmup && now >= d->next_check_ns)
        look_for_warmup(d);
    if (o->until_reach > 0 && now >= d->next_until_ns) {
        d->next_until_ns = now + (now - d->began_ns) / 8;
        if (!warmup_is_enough(d, NULL))
            return;
        d->load.until_ns = now;
        if (d->signals != NULL)
            __atomic_store_n(&d->signals->ended, 1, __ATOMIC_RELEASE);
    }
}
