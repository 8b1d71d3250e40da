#include "findmax.h"

#include <stdio.h>

enum {
    RATES_MAX = 12,
    TRIALS_TO_DECIDE = 2, /* with the same result: three trials at most */
    PRECISE_PERCENT = 2,  /* the search ends when the bounds are that close */
    LOWEST_RATE = 100,
};

struct judgement {
    bool kept;
    uint64_t latency_ns;
};

/* One trial at RATE; its quantile into *LATENCY_NS. */
static enum session_result
try_rate(struct session *s, const struct options *o, uint64_t rate, uint64_t *latency_ns)
{
    enum session_result result;

    s->load.rate = rate;
    result = session_run(s, o->duration_ns, 0);
    *latency_ns = hist_quantile(&s->load.tally.response, o->find_max_quantile);
    return result;
}

static bool
kept(const struct session *s, const struct options *o, uint64_t latency_ns)
{
    return latency_ns < o->find_max_ns && s->load.tally.unbegun == 0;
}

/* Whether RATE keeps the limit more often than not: one trial may have met somebody else's burst
 * of work. *OUT is what the last trial that decided brought. */
static enum session_result
judge_rate(struct session *s, const struct options *o, uint64_t rate, struct judgement *out)
{
    uint32_t kept_count = 0;
    uint32_t missed_count = 0;

    while (kept_count < TRIALS_TO_DECIDE && missed_count < TRIALS_TO_DECIDE) {
        uint64_t latency;
        enum session_result result = try_rate(s, o, rate, &latency);

        if (result != SESSION_OK)
            return result;
        out->kept = kept(s, o, latency);
        out->latency_ns = latency;
        kept_count += out->kept;
        missed_count += !out->kept;
    }
    return SESSION_OK;
}

enum session_result
findmax_search(struct session *s, const struct options *o, bool say, struct findmax *out)
{
    enum session_result result;
    struct findmax f = {0};
    uint64_t low = LOWEST_RATE;
    uint64_t high;

    s->load.rate = 0;
    result = session_run(s, o->duration_ns, 0);
    f.closed_rate = (uint64_t)((double)s->load.tally.requests / tally_seconds(&s->load.tally));
    high = f.closed_rate * 3 / 2;
    if (high < 2 * LOWEST_RATE)
        high = 2 * LOWEST_RATE;
    if (say)
        (void)printf("find-max      closed loop: %llu/s\n", (unsigned long long)f.closed_rate);
    while (result == SESSION_OK && f.rates < RATES_MAX &&
           high > low + low * PRECISE_PERCENT / 100) {
        uint64_t rate = low + (high - low) / 2;
        struct judgement j = {0};

        result = judge_rate(s, o, rate, &j);
        f.rates++;
        if (say)
            (void)printf("find-max      %9llu/s: %9.3f ms%s\n", (unsigned long long)rate,
                         (double)j.latency_ns / 1e6, j.kept ? "" : "  too slow");
        if (j.kept) {
            low = rate;
            f.rate = rate;
            f.latency_ns = j.latency_ns;
        } else {
            high = rate;
        }
    }
    s->load.rate = f.rate > 0 ? f.rate : low;
    *out = f;
    return result;
}
