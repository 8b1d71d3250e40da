/*
 * tools/bench/load/load.h - which request comes next, and whether its answer is right.
 *
 * Knows neither sockets nor protocols. Connections ask load_next() for work and
 * report every answer; a store that an answer makes necessary is left with the
 * connection and comes before new work.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/dist.h"
#include "data/keys.h"
#include "data/rng.h"
#include "load/caller.h"
#include "load/database.h"
#include "load/expiry.h"
#include "load/fill.h"
#include "load/holds.h"
#include "load/numbers.h"
#include "load/tally.h"
#include "load/windows.h"
#include "load/workload.h"
#include "lombard/base/attr.h"
#include "options/options.h"
#include "stat/arrivals.h"
#include "stat/series.h"

/* Keys are drawn this many requests ahead, so that their state is in the cache by then. */
enum { LOAD_AHEAD = 16 };

enum load_phase {
    LOAD_FILL,     /* every key once, in order, and again what did not get through */
    LOAD_MIX,      /* requests by their weights */
    LOAD_WORKLOAD, /* what a workload says */
    LOAD_REPLAY,   /* what a trace says, when it says so */
};

struct load {
    const struct options *options;
    const char *server_name; /* for messages */
    struct keys keys;
    struct dist dist;
    struct rng rng;
    struct rng arrival_rng; /* its own, so that keys do not depend on the rate */
    struct tally tally;
    struct fill_plan fill;
    struct workload workload;  /* of `hitratio` */
    struct holds holds;        /* of `hitratio`: what has to wait for its key */
    struct access next_access; /* of `hitratio`: taken, but with no room to wait */
    uint64_t next_access_due_ns;
    struct numbers numbers; /* of the keys that incr and decr work on */
    struct numbers
        pieces; /* of those that append and prepend work on: low half A, high half P */
    struct expiry expiry;     /* of all others, where they expire */
    struct database database; /* behind the cache, where one is simulated */
    struct windows windows;   /* where misses are refilled */
    struct series series;     /* what happened when, unless it is a fill */
    struct arrivals_log sent; /* open loop: when requests left */
    enum load_phase phase;
    uint64_t now_ns;
    uint64_t until_ns;                  /* no new work from then on */
    uint64_t rate;                      /* open loop: requests a second; 0: closed loop */
    uint64_t budget;                    /* requests that may still be begun */
    uint64_t next_due_ns;               /* open loop: when the next request should begin */
    double due_fraction;                /* of a nanosecond, carried on */
    double gap_ns;                      /* open loop: mean time between two; 0: closed loop */
    uint64_t step;                      /* of the replay: the next */
    uint64_t last_step;                 /* the one that was taken last */
    uint64_t replay_ns;                 /* when it began */
    uint64_t size_salt;                 /* of the sizes of values: from the seed */
    uint64_t mix_cut[QUERY_KIND_COUNT]; /* of 2^32: kind i below mix_cut[i] */
    uint64_t reported;                  /* mismatches that were described */
    uint32_t ahead[LOAD_AHEAD];         /* keys drawn and not yet used, a ring */
    uint32_t ahead_at;
    bool only_gets_and_sets;
    bool has_next_access;
    bool paused; /* the workload: its next access has to wait, and there is no room to */
    bool
        has_idle; /* closed loop: a connection was given nothing although the phase is not over */
    bool stopped; /* by a signal: nothing more is begun */
    bool crowded; /* open loop: requests are due, but no connection is free */
};

enum load_result {
    LOAD_OK,
    LOAD_NO_MEMORY,
    LOAD_NO_TRACE, /* it cannot be opened: errno is set */
};

enum load_result load_init(struct load *l, const struct options *options,
                           const char *server_name) MUST_USE;
void load_fini(struct load *l);
/* In a child process whose options have a `job`: know of keys what its parent knows. */
void load_join(struct load *l, const struct load *parent);

/* Draw requests by these weights from now on, QUERY_KIND_COUNT of them. */
void load_set_mix(struct load *l, const double *weights);

/* Begin a phase of at most REQUESTS requests and DURATION_NS (UINT64_MAX: no such limit). */
void load_begin(struct load *l, enum load_phase phase, uint64_t requests, uint64_t duration_ns);
/* A phase is over, its last requests answered or GIVEN_UP: set its end, and count the requests
 * that were due and never begun. */
void load_end(struct load *l, bool given_up);
/* Begin nothing more in this phase. */
void load_stop(struct load *l);
/* Read the clock. */
void load_tick(struct load *l);
/* Whether no new request will be begun in this phase. */
bool load_is_over(const struct load *l);

/* Open loop: when the next request should begin; then the one after it is the next. */
uint64_t load_take_due(struct load *l);

/* After load_next() has found no work for a connection (`has_idle`): whether there is some now. */
bool load_has_work(const struct load *l);

/* How long the value of KEY is. */
static inline uint32_t
load_value_bytes(const struct load *l, uint32_t key)
{
    const struct replay *r = l->options->replay_plan;

    if (UNLIKELY(r != NULL) && r->bytes[key] != SIZE_OF_KEY)
        return r->bytes[key];
    return sizes_pick(&l->options->value_size, rng_mix(key ^ l->size_salt));
}

/* The time to live of what is stored under KEY. */
static inline uint32_t
load_ttl_s(const struct load *l, uint32_t key)
{
    const struct sizes *ttl = &l->options->ttl;

    if (LIKELY(ttl->min == ttl->max))
        return ttl->min;
    return sizes_pick(ttl, rng_mix(~(key ^ l->size_salt)));
}

/* Open loop: nanoseconds until the next request is due; 0 when one is. UINT64_MAX: closed loop,
 * or none is left. */
uint64_t load_wait_ns(const struct load *l);

/* Fill QUERY (whose keys have room for a multiget) with the next request. False: none is due now. */
bool load_next(struct load *l, struct caller *c, struct query *query) MUST_USE;

/* c->reader holds a value for QUERY that has come in full. */
void load_value(struct load *l, struct caller *c, struct query *query);
/* QUERY is answered: c->reader says how. */
void load_done(struct load *l, struct caller *c, const struct query *query);
/* A request that asked for no answer has failed: c->reader has the server's words. */
void load_stray_error(struct load *l, const struct caller *c);
/* QUERY asked for no answer, and a later request was answered. DOUBTFUL: it, or another one like it
 * before that answer, has failed. */
void load_done_quietly(struct load *l, const struct query *query, bool doubtful);
/* C went away before QUERY was answered; SENT if any byte of it had left. */
void load_lost(struct load *l, struct caller *c, const struct query *query, bool sent);
/* QUERY was begun and given up at once, because the server of its key is not there: it has no latency. */
void load_skipped(struct load *l, const struct query *query);
/* C went away before what an answer had made necessary was even begun. */
void load_follow_lost(struct load *l, const struct follow *f);
/* [P, END) cannot be an answer to QUERY (NULL: to anything). */
void load_garbled(struct load *l, const struct caller *c, const struct query *query,
                  const unsigned char *p, const unsigned char *end);
