#include "findmax.h"

#include <stdio.h>

enum {
    TRIALS_MAX = 12,
    PRECISE_PERCENT = 2, /* the search ends when the bounds are that close */
    LOWEST_RATE = 100,
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
    if (say)
        (void)printf("find-max      closed loop: %llu/s\n", (unsigned long long)f.closed_rate);
    while (result == SESSION_OK && f.trials < TRIALS_MAX &&
           high > low + low * PRECISE_PERCENT / 100) {
        uint64_t rate = low + (high - low) / 2;
        uint64_t latency;

        result = try_rate(s, o, rate, &latency);
        f.trials++;
        if (say)
            (void)printf("find-max      %9llu/s: %9.3f ms%s\n", (unsigned long long)rate,
                         (double)latency / 1e6, kept(s, o, latency) ? "" : "  too slow");
        if (kept(s, o, latency)) {
            low = rate;
            f.rate = rate;
            f.latency_ns = latency;
        } else {
            high = rate;
        }
    }
    s->load.rate = f.rate > 0 ? f.rate : low;
    *out = f;
    return result;
}
