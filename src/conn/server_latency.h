/*
 * src/conn/server_latency.h - how long replies, iterations and steps took, for `stats latency`.
 *
 *     the kernel reports events   since: the iteration begins; or a connection is queued
 *        execute                  latency_note(): an operation whose reply is not sent yet
 *        send                     latency_sent(): one reading of the clock for all of these
 *     the iteration ends          latency_iteration(): until the last reading
 *
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
    STEP_SERVE,  /* one connection, one slice */
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
    uint64_t last_ns;  /* the last reading of the clock */
    uint64_t since_ns; /* of the connection that is served: its bytes were reported then */
    /* Operations with replies that are not sent yet: mostly of one kind. */
    uint32_t noted;            /* of operation `op` */
    uint32_t noted_others;     /* all but these, */
    uint32_t others[OP_COUNT]; /* and of which operations */
    enum request_op op;
    uint32_t age_turns; /* turns of SPAN_TURN_MS so far */
    struct latency_spans *spans;
    struct peak steps[LATENCY_STEPS];
};

/* False: no memory. */
bool latency_init(struct latency *latency) MUST_USE;
void latency_fini(struct latency *latency);

/* Once a tick, at NOW_MS; it came LATE_NS after it was due. */
void latency_tick(struct latency *latency, uint64_t now_ms, uint64_t late_ns);
/* What took until now since the last reading. */
void latency_step(struct latency *latency, enum latency_step step);
/* All that is noted was handed to the kernel, or needs no more of this server. */
void latency_sent(struct latency *latency);
/* For latency_note(): one of another operation than the last. */
void latency_note_other(struct latency *latency, enum request_op op);

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

static inline void
latency_note(struct latency *latency, enum request_op op)
{
    if (LIKELY(latency->op == op))
        latency->noted++;
    else
        latency_note_other(latency, op);
}

static inline bool
latency_is_noted(const struct latency *latency)
{
    return latency->noted + latency->noted_others != 0;
}

/* An iteration that began at BEGAN_NS is over. */
static inline void
latency_iteration(struct latency *latency, uint64_t began_ns)
{
    spans_add(&latency->spans->iteration, latency->last_ns - began_ns, 1);
}

/* `stats latency`; the context is the struct latency. */
extern const struct stat_section latency_stats, latency_step_stats;
extern const struct stat_histogram latency_histogram;
