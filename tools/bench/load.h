/*
 * tools/bench/load.h - which request comes next, and whether its answer is right.
 *
 * Knows neither sockets nor protocols. Connections ask load_next() for work and
 * report every answer; a store that an answer makes necessary is left with the
 * connection and comes before new work.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "conn.h"
#include "dist.h"
#include "keys.h"
#include "options.h"
#include "rng.h"
#include "tally.h"
#include "windows.h"
#include "workload.h"

/* Keys are drawn so many requests ahead, for their state to be in the cache by then. */
enum { LOAD_AHEAD = 16 };

enum load_phase {
    LOAD_FILL,     /* every key once, in order */
    LOAD_MIX,      /* requests by their weights */
    LOAD_WORKLOAD, /* what a workload says */
};

struct load {
    const struct options *options;
    const char *server_name; /* for messages */
    struct keys keys;
    struct dist dist;
    struct rng rng;
    struct rng arrival_rng; /* its own, so that keys do not depend on the rate */
    struct tally tally;
    struct workload workload; /* of `hitratio` */
    struct windows windows;   /* where misses are refilled */
    enum load_phase phase;
    uint64_t now_ns;
    uint64_t until_ns;               /* no new work from then on */
    uint64_t rate;                   /* open loop: requests a second; 0: closed loop */
    uint64_t budget;                 /* requests that may still be begun */
    uint64_t next_due_ns;            /* open loop: when the next request should begin */
    double due_fraction;             /* of a nanosecond, carried on */
    double gap_ns;                   /* open loop: mean time between two; 0: closed loop */
    uint64_t next_key;               /* FILL */
    uint64_t mix_cut[OP_KIND_COUNT]; /* of 2^32: kind i below mix_cut[i] */
    uint64_t reported;               /* mismatches that were described */
    uint32_t ahead[LOAD_AHEAD];      /* keys drawn and not yet used, a ring */
    uint32_t ahead_at;
    bool only_gets_and_sets;
    bool crowded; /* open loop: requests are due, but no connection is free */
};

/* False with errno: memory is short, or the trace cannot be opened. */
bool load_init(struct load *l, const struct options *options, const char *server_name) MUST_USE;
void load_fini(struct load *l);

/* Begin a phase: of at most REQUESTS requests, or until a time (UINT64_MAX: no such limit). */
void load_begin(struct load *l, enum load_phase phase, uint64_t requests, uint64_t until_ns);
/* A phase is over: count what should have been sent and was not. */
void load_end(struct load *l);
/* Read the clock. */
void load_tick(struct load *l);
/* Whether no new request will be begun in this phase. */
bool load_is_over(const struct load *l);

/* Open loop: nanoseconds until the next request is due; 0 when one is. UINT64_MAX: closed loop,
 * or none is left. */
uint64_t load_wait_ns(const struct load *l);

/* Fill OP (a conn_slot() of C) with the next request. False: none is due now. */
bool load_next(struct load *l, struct conn *c, struct op *op) MUST_USE;

/* c->reader holds a value for OP that has come in full. */
void load_value(struct load *l, struct conn *c, struct op *op);
/* OP is answered: c->reader says how. */
void load_done(struct load *l, struct conn *c, const struct op *op);
/* A request that asked for no answer has failed: c->reader has the server's words. */
void load_stray_error(struct load *l, const struct conn *c);
/* OP asked for no answer, and a later request was answered. */
void load_done_quietly(struct load *l, const struct op *op);
/* C went away before OP was answered; SENT if any byte of it had left. */
void load_lost(struct load *l, struct conn *c, const struct op *op, bool sent);
/* [P, END) cannot be an answer to OP (NULL: to anything). */
void load_garbled(struct load *l, const struct conn *c, const struct op *op,
                  const unsigned char *p, const unsigned char *end);
