/*
 * tools/bench/simulate/simulate.h - `hitratio --simulate`: what caches would hit, without any server.
 *
 * The accesses are those that hitratio would send with the same options. All of them are kept
 * in memory, 12 bytes each. A TTL is ignored.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "lombard/base/attr.h"
#include "options/options.h"
#include "simulate/optimum.h"

struct sim_result {
    const char *name;
    uint64_t memory;
    uint64_t gets, hits;
    uint64_t bytes, hit_bytes;     /* of values, of what was asked for and what was found */
    uint64_t late_gets, late_hits; /* in the second half of the accesses; 0: not known */
    bool bound;                    /* nothing can exceed it, and nothing need reach it */
};

/* Read the accesses. NULL, or what is wrong; then there is nothing to free. */
const char *sim_trace_load(struct sim_trace *trace, const struct options *o) MUST_USE;
void sim_trace_free(struct sim_trace *trace);
/* Of POLICY; NULL: the optimum. False when memory is short. */
bool simulate_one(const struct sim_trace *trace, const struct sim_policy *policy,
                  uint64_t memory, struct sim_result *out) MUST_USE;
/*
 * Simulate each policy with each memory of o->simulate; rows to standard output, and to
 * o->json_path. False, with a message, when something is wrong.
 */
bool simulate_run(const struct options *o) MUST_USE;
