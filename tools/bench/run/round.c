/* Keeps the figures of a round. */
#include "run/round.h"

#include <math.h>

static double
us(uint64_t ns)
{
    return (double)ns / 1e3;
}

/* How sure the p99 of this rate is. */
static void
note_interval(const struct target *t, struct round *r, const struct hist *all)
{
    const struct load *l = &t->driver->load;
    struct moment blocks[INTERVAL_BLOCKS];
    struct interval i = {NAN, NAN};
    uint32_t n = series_blocks(&l->series, l->tally.end_ns, blocks, INTERVAL_BLOCKS);

    if (t->options.sweep_steps + t->options.phase_count > 0)
        i = interval_quantile(all, blocks, n, 0.99);
    r->p99_low_us = i.low / 1e3;
    r->p99_high_us = i.high / 1e3;
}

static void
note_course(const struct target *t, struct round *r)
{
    struct moment parts[ROUND_PARTS];
    const struct load *l = &t->driver->load;

    if (t->options.phase_count == 0)
        return;
    r->parts = series_blocks(&l->series, l->tally.end_ns, parts, ROUND_PARTS);
    for (uint32_t i = 0; i < r->parts; i++)
        r->course[i] = (double)parts[i].requests * r->parts / r->seconds;
}

void
round_note(struct target *t, enum driver_result result, uint64_t server_cpu_ns)
{
    const struct tally *tally = &t->driver->load.tally;
    struct round *r = &t->rounds[t->rounds_done++];
    uint64_t answers = tally_answers(tally);
    struct hist all;

    if (t->driver->load.gap_ns > 0)
        all = tally->response;
    else
        tally_service(tally, &all);
    r->sound = result == DRIVER_OK && tally->requests > 0 && tally->down_ns == 0;
    r->rate = t->rate;
    r->requests = tally->requests;
    r->errors = tally->errors;
    r->lost_connections = tally->lost_connections;
    r->lost_requests = tally->lost_requests;
    r->wrong = tally->mismatches + tally->garbled;
    r->seconds = tally_seconds(tally);
    r->per_s = tally_rate(tally);
    r->server_us = t->pid != 0 && answers > 0 ? us(server_cpu_ns) / (double)answers : NAN;
    r->client_us = tally_client_us(tally);
    r->mean_us = all.count > 0 ? hist_mean(&all) / 1e3 : NAN;
    r->p50_us = all.count > 0 ? us(hist_quantile(&all, 0.5)) : NAN;
    r->p99_us = all.count > 0 ? us(hist_quantile(&all, 0.99)) : NAN;
    r->p999_us = all.count > 0 ? us(hist_quantile(&all, 0.999)) : NAN;
    r->hit_percent = tally->hits + tally->misses > 0 ? tally_hit_percent(tally) : NAN;
    note_interval(t, r, &all);
    note_course(t, r);
    if (t->pid != 0)
        t->server_cpu_ns += server_cpu_ns;
    tally_merge(&t->total, tally);
}
