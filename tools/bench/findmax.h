/*
 * tools/bench/findmax.h - the highest rate at which the latency stays below a limit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "session.h"

struct findmax {
    uint64_t closed_rate; /* what the closed loop reaches: where the search begins */
    uint64_t rate;        /* the highest that kept the limit; 0: none did */
    uint64_t latency_ns;  /* the quantile at that rate */
    uint32_t rates;       /* that were tried */
};

/*
 * Bisect, each rate being tried two or three times in an open loop of DURATION_NS. The latency is the
 * response time: it counts from when a request was due. Leaves the session at
 * the rate that was found. SAY: a line for each trial on standard output.
 */
enum session_result findmax_search(struct session *s, const struct options *o, bool say,
                                   struct findmax *out) MUST_USE;
