/*
 * tools/bench/run/findmax.h - the highest rate at which the latency stays below a limit.
 *
 * Bisects, and does not trust a single trial: a rate is judged by the first result that two of at
 * most three trials agree on, and the bounds are judged once more in the end. A bound that does not
 * hold is dropped, and the search goes on from the one before it: a rate that looked too slow
 * because of a burst of other work is no permanent bound.
 *
 *     kept:      100  ...  20,000  24,000            low is the last of these
 *     too slow:                        25,000  31,000  ...    high is the first of these
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "run/driver.h"
#include "run/jobs.h"

enum {
    FINDMAX_RATES_MAX = 60, /* that are judged, some of them twice */
    FINDMAX_RATE_MIN = 100, /* no rate below it is tried */
};

struct findmax {
    uint64_t closed_rate; /* what the closed loop reaches: where the search begins */
    uint64_t rate;        /* of all jobs, the highest that kept the limit; 0: none did */
    uint64_t latency_ns;  /* the quantile at that rate */
    uint32_t rates;       /* that were judged */
};

struct findmax_trial {
    bool kept;
    uint64_t latency_ns;
};

/* One trial at a rate. OUT is set where the result is DRIVER_OK. */
typedef enum driver_result (*findmax_try)(void *context, uint64_t rate,
                                          struct findmax_trial *out);

/* The search itself: OUT->closed_rate is where it begins, the rest is written. SAY: a line for
 * each judgement on standard output. */
enum driver_result findmax_bisect(findmax_try try_rate, void *context, bool say,
                                  struct findmax *out) MUST_USE;

/*
 * The same with trials of DURATION_NS in an open loop. The latency is the response time: it counts
 * from when a request was due. All JOBS take part; D is the driver of the first.
 */
enum driver_result findmax_search(struct driver *d, struct jobs *jobs, bool say,
                                  struct findmax *out) MUST_USE;
