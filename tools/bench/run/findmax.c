/* Searches a rate by trials that may go wrong. */
#include "run/findmax.h"

#include <stdio.h>
#include <string.h>

enum {
    TRIALS_TO_DECIDE = 2, /* with the same result: three trials at most */
    PRECISE_PERCENT = 2,  /* the search ends when the bounds are that close, */
    TRIALS_APART = 7,     /* and were judged at times that far apart */
    LOWEST_GUESS = 2 * FINDMAX_RATE_MIN,
    DISTURBED_TRIES = 3, /* until a trial in which this process was late counts all the same */
};

/* A rate, and what it was judged. */
struct bound {
    uint64_t rate;
    uint64_t latency_ns;
    uint32_t first_trial; /* when it was judged like this for the first time, */
    uint32_t last_trial;  /* and for the last */
};

/* Bounds of one side, the innermost last. */
struct bounds {
    uint32_t count;
    struct bound list[FINDMAX_RATES_MAX];
};

struct search {
    findmax_try try_rate;
    void *context;
    bool say;
    uint64_t guess; /* where no rate was too slow so far: somewhere above this */
    uint32_t rates;
    uint32_t trials;
    struct bounds kept;
    struct bounds missed;
};

static struct bound *
last(struct bounds *b)
{
    return b->count > 0 ? &b->list[b->count - 1] : NULL;
}

/* Judge RATE, and let it be a bound. BEFORE: what it was before, or NULL. */
static enum driver_result
judge(struct search *f, uint64_t rate, const struct bound *before, const struct bounds *was)
{
    struct bound b = {.rate = rate, .first_trial = f->trials};
    uint32_t kept = 0;
    uint32_t missed = 0;
    struct findmax_trial trial = {0};
    struct bounds *side;

    while (kept < TRIALS_TO_DECIDE && missed < TRIALS_TO_DECIDE) {
        enum driver_result result = f->try_rate(f->context, rate, &trial);

        if (result != DRIVER_OK)
            return result;
        f->trials++;
        kept += trial.kept;
        missed += !trial.kept;
    }
    f->rates++;
    side = trial.kept ? &f->kept : &f->missed;
    if (was == side)
        b.first_trial = before->first_trial;
    b.latency_ns = trial.latency_ns;
    b.last_trial = f->trials;
    side->list[side->count++] = b;
    if (f->say)
        (void)printf("find-max      %9llu/s: %9.3f ms%s%s\n", (unsigned long long)rate,
                     (double)trial.latency_ns / 1e6, trial.kept ? "" : "  too slow",
                     was != NULL ? " (once more)" : "");
    return DRIVER_OK;
}

static bool
is_confirmed(const struct bound *b)
{
    return b == NULL || b->last_trial - b->first_trial >= TRIALS_APART;
}

/* Judge the one of the innermost bounds once more that was not for longest. */
static enum driver_result
confirm(struct search *f)
{
    const struct bound *kept = last(&f->kept);
    const struct bound *missed = last(&f->missed);
    bool take_kept = missed == NULL || (kept != NULL && kept->last_trial < missed->last_trial);
    struct bounds *side = take_kept ? &f->kept : &f->missed;
    const struct bound *oldest = take_kept ? kept : missed;
    struct bound before;

    BUG_ON(oldest == NULL);
    before = *oldest;
    side->count--;
    return judge(f, before.rate, &before, side);
}

/* The next judgement; *DONE when none is left. */
static enum driver_result
judge_next(struct search *f, bool *done)
{
    const struct bound *kept = last(&f->kept);
    const struct bound *missed = last(&f->missed);
    uint64_t low = kept != NULL ? kept->rate : FINDMAX_RATE_MIN;
    uint64_t high = missed != NULL ? missed->rate : f->guess;

    *done = false;
    if (high > low + low * PRECISE_PERCENT / 100)
        return judge(f, low + (high - low) / 2, NULL, NULL);
    if (missed == NULL) { /* nothing is known above it */
        f->guess = 2 * high;
        return judge(f, high, NULL, NULL);
    }
    *done = is_confirmed(kept) && is_confirmed(missed);
    return *done ? DRIVER_OK : confirm(f);
}

enum driver_result
findmax_bisect(findmax_try try_rate, void *context, bool say, struct findmax *out)
{
    struct search f = {.try_rate = try_rate, .context = context, .say = say};
    enum driver_result result = DRIVER_OK;
    const struct bound *best;
    bool done = false;

    f.guess = out->closed_rate * 3 / 2;
    if (f.guess < LOWEST_GUESS)
        f.guess = LOWEST_GUESS;
    while (result == DRIVER_OK && !done && f.rates < FINDMAX_RATES_MAX)
        result = judge_next(&f, &done);
    best = last(&f.kept);
    out->rate = best != NULL ? best->rate : 0;
    out->latency_ns = best != NULL ? best->latency_ns : 0;
    out->rates = f.rates;
    return result;
}

/* What a trial needs. */
struct trials {
    struct driver *driver;
    struct jobs *jobs;
};

/* Run at RATE for the time of a trial; the driver's tally is then that of all jobs. */
static enum driver_result
run_trial(const struct trials *t, uint64_t rate)
{
    const struct options *o = t->driver->options;
    const struct job_order order = {.rate = rate, .trial_ns = o->duration_ns};
    enum driver_result result;
    enum driver_result others = DRIVER_OK;

    t->driver->load.rate = jobs_part(rate, 0, o->jobs);
    jobs_go(t->jobs, &order);
    result = driver_run(t->driver, o->duration_ns, 0);
    if (t->jobs->count > 0)
        others = jobs_collect(t->jobs, t->driver);
    return result != DRIVER_OK ? result : others;
}

/* Whether this process itself was so late that the trial says little of the server. */
static bool
was_disturbed(const struct tally *t, const struct options *o)
{
    return hist_quantile(&t->lag, o->find_max_quantile) > o->find_max_ns / 2;
}

/* A trial in which little was asked, or something was lost or refused, keeps no limit. One that was
 * disturbed is made again, but if that goes on the rate is more than this process can do. */
static enum driver_result
try_rate(void *context, uint64_t rate, struct findmax_trial *out)
{
    const struct trials *t = context;
    const struct options *o = t->driver->options;
    const struct tally *tally = &t->driver->load.tally;
    enum driver_result result = DRIVER_OK;
    uint32_t tries = 0;

    do {
        result = run_trial(t, rate);
        out->latency_ns = hist_quantile(&tally->response, o->find_max_quantile);
        out->kept =
            tally->requests > 0 && out->latency_ns < o->find_max_ns &&
            tally->unbegun + tally->lost_requests + tally->unsent + tally->skipped == 0 &&
            tally->errors * 100 <= tally_answers(tally);
    } while (result == DRIVER_OK && !out->kept && was_disturbed(tally, o) &&
             ++tries < DISTURBED_TRIES);
    return result;
}

enum driver_result
findmax_search(struct driver *d, struct jobs *jobs, bool say, struct findmax *out)
{
    struct trials trials = {d, jobs};
    enum driver_result result;
    struct findmax f = {0};

    result = run_trial(&trials, 0);
    f.closed_rate = d->load.tally.requests > 0 ? (uint64_t)tally_rate(&d->load.tally) : 0;
    if (say)
        (void)printf("find-max      closed loop: %llu/s\n", (unsigned long long)f.closed_rate);
    if (result == DRIVER_OK)
        result = findmax_bisect(try_rate, &trials, say, &f);
    *out = f;
    return result;
}
