/*
 * tools/bench/load/workload.h - the requests to a cache whose hit ratio is measured.
 *
 * A trace, or a mix of three streams by their shares:
 *
 *     popular   drawn from the distribution; which keys are popular may change
 *     loop      one key after the other out of a range, repeatedly: a scan
 *     one-hit   keys that are never asked for again
 *
 *     ids:  [ popular | loop | one-hit ... )
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/dist.h"
#include "data/rng.h"
#include "data/trace.h"
#include "lombard/base/attr.h"
#include "options/options.h"

struct workload {
    const struct options *options;
    struct dist dist;
    struct rng rng;
    struct trace trace;
    uint64_t count; /* accesses so far */
    uint64_t next_loop;
    uint64_t next_one_hit;
    uint64_t loop_cut;             /* of 2^64: below it the access is of the loop, */
    uint64_t one_hit_cut;          /* below it of the one-hit keys */
    uint64_t ids_needed;           /* highest id so far + 1 */
    const char *error;             /* why it ended early, or NULL */
    char words[TRACE_WORDS_BYTES]; /* of that error */
    bool ended;
};

/* False when the trace cannot be opened: errno is set. */
bool workload_init(struct workload *w, const struct options *options) MUST_USE;
void workload_fini(struct workload *w);
/* False at the end: w->error says whether it should have gone on. */
bool workload_next(struct workload *w, struct access *out) MUST_USE;
