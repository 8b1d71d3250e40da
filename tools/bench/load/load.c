/* The phases of a load: what is planned when, and when it is over. */
#include "load/load.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "load/load_items.h"
#include "lombard/base/sys.h"

/* Open loop: how long after the end the last requests that were due may still be begun. */
#define GRACE_NS UINT64_C(1000000000)

void
load_set_mix(struct load *l, const double *weights)
{
    double total = 0;
    double sum = 0;

    for (int i = 0; i < QUERY_KIND_COUNT; i++)
        total += weights[i];
    l->only_gets_and_sets = weights[QUERY_GET] + weights[QUERY_SET] >= total;
    for (int i = 0; i < QUERY_KIND_COUNT; i++) {
        sum += weights[i];
        l->mix_cut[i] = (uint64_t)(sum / total * 0x1p32);
    }
}

static enum load_result
init_workload(struct load *l)
{
    const struct options *o = l->options;

    if (!o->hitratio)
        return LOAD_OK;
    if (!holds_init(&l->holds,
                    o->connections * (options_open_pipeline(o) + o->pipeline + 1) * 2))
        return LOAD_NO_MEMORY;
    errno = ENOMEM;
    return workload_init(&l->workload, o) ? LOAD_OK : LOAD_NO_TRACE;
}

enum load_result
load_init(struct load *l, const struct options *options, const char *server_name)
{
    uint64_t draws = options->seed;
    uint64_t noise;

    memset(l, 0, sizeof(*l));
    l->options = options;
    l->rate = options->rate;
    l->server_name = server_name;
    l->size_salt = rng_mix(options->seed);
    tally_reset(&l->tally);
    if (!keys_init(&l->keys, options->keys, &options->key_size, options->seed))
        return LOAD_NO_MEMORY;
    l->keys.shared = options->shared;
    l->keys.flagged = options->item_flags;
    if (options->replay_plan != NULL)
        l->keys.lengths = options->replay_plan->key_bytes;
    if (options->jobs > 1 && options->job == 0 && !keys_share(&l->keys))
        return LOAD_NO_MEMORY;
    /* Runs with the same seed must not take each other's values for their own. */
    sys_random(&noise, sizeof(noise));
    l->keys.writer = (uint32_t)noise | 1;
    dist_init(&l->dist, &options->dist, options->keys);
    dist_seed(&l->dist, options->seed);
    /* Jobs agree on which keys are popular and how large, and draw others of them. */
    if (options->job > 0)
        draws += rng_mix(options->job);
    rng_init(&l->rng, draws);
    rng_init(&l->arrival_rng, ~draws);
    if (options->job > 0)
        dist_skip(&l->dist, (double)options->job / (double)options->jobs);
    for (int i = 0; i < LOAD_AHEAD; i++)
        l->ahead[i] = (uint32_t)dist_next(&l->dist, &l->rng);
    load_set_mix(l, options->weights);
    if (times_given(&options->database) &&
        !database_init(&l->database, &options->database, (uint32_t)options->database_slots,
                       options->keys, draws))
        return LOAD_NO_MEMORY;
    return items_init(l) ? init_workload(l) : LOAD_NO_MEMORY;
}

void
load_join(struct load *l, const struct load *parent)
{
    keys_join(&l->keys, &parent->keys);
    items_join(l, parent);
}

void
load_fini(struct load *l)
{
    keys_fini(&l->keys);
    fill_fini(&l->fill);
    workload_fini(&l->workload);
    holds_fini(&l->holds);
    items_fini(l);
    database_fini(&l->database);
    windows_fini(&l->windows);
    series_fini(&l->series);
}

void
load_tick(struct load *l)
{
    l->now_ns = sys_monotonic_ns();
}

/* Whether the times of a trace say when requests are due. */
static bool
is_timed(const struct load *l)
{
    return l->phase == LOAD_REPLAY && l->rate == 0;
}

/* Whether a step of the trace is this job's: each job has keys of its own. */
static bool
is_mine(const struct load *l, uint64_t step)
{
    const struct options *o = l->options;

    return o->jobs == 1 || rng_mix(o->replay_plan->steps[step].key) % o->jobs == o->job;
}

/* The first step from AT on that is this job's. */
static uint64_t
own_step(const struct load *l, uint64_t at)
{
    while (at < l->options->replay_plan->count && !is_mine(l, at))
        at++;
    return at;
}

/* When the next step is due; behind the last one the replay ends. */
static void
plan_step(struct load *l)
{
    const struct replay *r = l->options->replay_plan;

    l->next_due_ns =
        l->replay_ns + (l->step < r->count ? r->steps[l->step].due_ns : r->span_ns);
}

/* A replay begins with its first request. */
static void
begin_replay(struct load *l)
{
    const struct replay *r = l->options->replay_plan;
    uint64_t steps = 0;

    for (uint64_t i = 0; i < r->count; i++)
        steps += is_mine(l, i);
    l->step = own_step(l, 0);
    l->replay_ns = l->now_ns;
    if (l->budget > steps)
        l->budget = steps;
    if (l->rate > 0)
        return;
    l->gap_ns = fmax(1, (double)r->span_ns / (double)(steps > 0 ? steps : 1));
    plan_step(l);
}

/* Plan the arrival after the one that is due. */
static void
plan_next(struct load *l, double gap)
{
    const double k = ARRIVALS_PARETO_SHAPE;

    switch (l->options->arrivals) {
    case ARRIVALS_CONSTANT: break;
    case ARRIVALS_POISSON: gap *= -log(rng_unit(&l->arrival_rng)); break;
    case ARRIVALS_PARETO: gap *= (1 - k) / k * (pow(rng_unit(&l->arrival_rng), -k) - 1); break;
    }
    l->due_fraction += gap;
    l->next_due_ns += (uint64_t)l->due_fraction;
    l->due_fraction -= floor(l->due_fraction);
}

void
load_begin(struct load *l, enum load_phase phase, uint64_t requests, uint64_t duration_ns)
{
    load_tick(l);
    tally_reset(&l->tally);
    l->tally.start_ns = l->now_ns;
    l->tally.end_ns = l->now_ns;
    l->phase = phase;
    l->budget = requests;
    l->until_ns = duration_ns == UINT64_MAX ? UINT64_MAX : l->now_ns + duration_ns;
    l->stopped = false;
    l->has_idle = false;
    l->crowded = false;
    l->gap_ns = phase != LOAD_FILL && l->rate > 0 ? 1e9 / (double)l->rate : 0;
    l->next_due_ns = l->now_ns;
    l->due_fraction = 0;
    /* N evenly spaced arrivals lie in the middle of N gaps. */
    if (l->gap_ns > 0)
        plan_next(l, l->options->arrivals == ARRIVALS_CONSTANT ? l->gap_ns / 2 : l->gap_ns);
    if (phase == LOAD_REPLAY)
        begin_replay(l);
    arrivals_begin(&l->sent);
    series_begin(&l->series, l->now_ns, duration_ns == UINT64_MAX ? 0 : duration_ns);
    if (phase == LOAD_FILL)
        series_pause(&l->series);
    l->paused = false;
    l->has_next_access = false;
    holds_reset(&l->holds);
    if (phase == LOAD_FILL)
        fill_begin(&l->fill, l->keys.count);
}

/* Whether everything has been begun, however much time is left. */
static bool
all_is_begun(const struct load *l)
{
    switch (l->phase) {
    case LOAD_FILL: return fill_is_over(&l->fill);
    case LOAD_MIX:
    case LOAD_REPLAY: return l->budget == 0;
    case LOAD_WORKLOAD:
        return (l->budget == 0 || l->workload.ended) && l->holds.waiting == 0 &&
               !l->has_next_access;
    }
    BUG("load_phase out of range");
}

void
load_stop(struct load *l)
{
    l->stopped = true;
}

bool
load_is_over(const struct load *l)
{
    if (l->stopped || all_is_begun(l))
        return true;
    if (l->gap_ns == 0)
        return l->now_ns >= l->until_ns;
    /* In the open loop what was due before the end is still sent, within reason. */
    if (l->now_ns >= l->until_ns && l->now_ns - l->until_ns >= GRACE_NS)
        return true;
    return l->next_due_ns >= l->until_ns && l->holds.waiting == 0;
}

uint64_t
load_wait_ns(const struct load *l)
{
    if (l->gap_ns == 0 || l->paused || load_is_over(l))
        return UINT64_MAX;
    if (l->phase == LOAD_WORKLOAD && holds_has_ready(&l->holds))
        return 0;
    if (l->budget == 0 || l->next_due_ns >= l->until_ns)
        return UINT64_MAX; /* only held ones are left */
    return l->next_due_ns > l->now_ns ? l->next_due_ns - l->now_ns : 0;
}

uint64_t
load_take_due(struct load *l)
{
    uint64_t due = l->next_due_ns;

    if (l->phase == LOAD_REPLAY) {
        l->last_step = l->step;
        l->step = own_step(l, l->step + 1);
    }
    if (is_timed(l))
        plan_step(l);
    else
        plan_next(l, l->gap_ns);
    return due;
}

bool
load_has_work(const struct load *l)
{
    if (load_is_over(l))
        return false;
    switch (l->phase) {
    case LOAD_FILL: return fill_has_next(&l->fill);
    case LOAD_MIX:
    case LOAD_REPLAY: return true;
    case LOAD_WORKLOAD: return !l->paused || holds_has_ready(&l->holds);
    }
    BUG("load_phase out of range");
}

/* Open loop: what has come due and was not begun; only that, if the end came early. */
static void
count_unbegun(struct load *l)
{
    uint64_t until = l->until_ns < l->now_ns ? l->until_ns : l->now_ns;

    for (; l->budget > 0 && !l->workload.ended && l->next_due_ns < until; l->budget--) {
        l->tally.unbegun++;
        hist_add(&l->tally.response, l->now_ns - load_take_due(l));
    }
}

void
load_end(struct load *l, bool given_up)
{
    struct tally *t = &l->tally;
    uint64_t end = t->end_ns;

    if (given_up)
        end = l->now_ns < l->until_ns ? l->now_ns : l->until_ns;
    else if (!all_is_begun(l))
        end = l->until_ns;
    else if (l->gap_ns > 0) /* the last one has its gap, too, as far as there is time */
        end = l->next_due_ns < l->until_ns ? l->next_due_ns : l->until_ns;
    if (end > t->end_ns)
        t->end_ns = end;
    if (l->gap_ns == 0)
        tally_service(t, &t->response);
    else
        count_unbegun(l);
}
