/*
 * src/conn/server_latency.h - how long replies, iterations and steps took, for `stats latency`.
 *
 *     the kernel reports events   since: the iteration begins; or a connection is queued
 *        execute                  latency_note(): operations whose replies are not sent yet
 *        send                     latency_settle(): they are; one reading of the clock
 *     the iteration ends          latency_iteration(): until the last reading
 *
 * Reading the clock takes as long as a hundredth of a small request. So connections of a group whose
 * replies leave together share one, behind the last of them: the first of them seem to take as much
 * longer as the others' sends do. One that brings more than little sends by itself, and has its own.
 * What a reply waited within the server is part of it: for other connections, for a buffer, for a
 * further slice. What it waits for its own peer to read is not.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/spans.h"
#include "lombard/base/stats.h"
#include "lombard/proto/op.h"

/* What the thread does in one go: of each, the longest is known. */
enum latency_step {
    STEP_SERVE,  /* one connection, one slice; or those whose replies leave together */
    STEP_ACCEPT, /* one connection */
    STEP_WORK,   /* a piece of the store's background work */
    STEP_TICK,   /* timeouts, sweeps */
    STEP_CLOSE,  /* all connections that are closed at the end of an iteration */
};

enum { LATENCY_STEPS = STEP_CLOSE + 1 };

/* Distributions, one after the other in one mapping: what is never used is never touched. */
struct latency_spans {
    struct spans iteration;
    struct spans lag; /* by how much the tick came late */
    struct spans ops[OP_COUNT];
};

/* All of it; `spans` is NULL before latency_init(). */
struct latency {
    uint64_t last_ns; /* the last reading of the clock */
    /* Operations with replies that are not settled yet: mostly of one kind. */
    uint32_t noted;            /* of operation `op` */
    uint32_t noted_others;     /* all but these, */
    uint32_t others[OP_COUNT]; /* and of which operations */
    enum request_op op;
    uint32_t age_turns; /* turns of SPAN_TURN_MS so far */
    /* What took longer than limit_ns, and is not reported yet; 0: nothing. */
    uint64_t limit_ns;
    uint64_t stalled_ns; /* a whole iteration */
    uint64_t worst_ns;   /* the longest step of that */
    enum latency_step worst;
    struct latency_spans *spans;
    struct peak steps[LATENCY_STEPS];
};

/* False: no memory. */
bool latency_init(struct latency *latency) MUST_USE;
void latency_fini(struct latency *latency);

/* --stall-ms; 0: none. */
void latency_set_limit(struct latency *latency, uint32_t limit_ms);
/* "serve" */
const char *latency_step_name(enum latency_step step);

/* Once a tick, at NOW_MS; it came LATE_NS after it was due. */
void latency_tick(struct latency *latency, uint64_t now_ms, uint64_t late_ns);
/* What took until now since the last reading. */
void latency_step(struct latency *latency, enum latency_step step);
/*
 * All that is noted was handed to the kernel, or needs no more of this server; its bytes were reported
 * at SINCE_NS: how long it took.
 */
uint64_t latency_settle(struct latency *latency, uint64_t since_ns);
/* For latency_note(): COUNT of another operation than the last. */
void latency_note_other(struct latency *latency, enum request_op op, uint32_t count);

/* --- What stays in a buffer until its connection is served again --- */

/*
 * All that is noted is no longer: what to give to latency_resume(), when nothing is noted. They
 * count as one operation, the last.
 */
uint32_t latency_hold(struct latency *latency);
void latency_resume(struct latency *latency, uint32_t held);

/* A time in 32 bits, for what is at most an hour old: NS in units of 1,024 ns. */
static inline uint32_t
latency_pack(uint64_t ns)
{
    return (uint32_t)(ns >> 10);
}

static inline uint64_t
latency_unpack(uint32_t packed, uint64_t now_ns)
{
    return now_ns - ((uint64_t)(latency_pack(now_ns) - packed) << 10);
}

/* COUNT operations OP were executed, and have their replies. */
static inline void
latency_note(struct latency *latency, enum request_op op, uint32_t count)
{
    if (LIKELY(latency->op == op))
        latency->noted += count;
    else
        latency_note_other(latency, op, count);
}

/* How many operations are noted. */
static inline uint32_t
latency_noted(const struct latency *latency)
{
    return latency->noted + latency->noted_others;
}

/* An iteration that began at BEGAN_NS is over. */
static inline void
latency_iteration(struct latency *latency, uint64_t began_ns)
{
    uint64_t took_ns = latency->last_ns - began_ns;

    spans_add(&latency->spans->iteration, took_ns, 1);
    if (UNLIKELY(took_ns > latency->limit_ns))
        latency->stalled_ns = took_ns;
}

/* `stats latency`; the context is the struct latency. */
extern const struct stat_section latency_stats, latency_step_stats;
extern const struct stat_histogram latency_histogram;
