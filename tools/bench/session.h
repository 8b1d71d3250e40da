/*
 * tools/bench/session.h - one server under load: connections, loop, phases.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conn.h"
#include "load.h"
#include "net.h"
#include "options.h"

struct session {
    const struct options *options;
    struct net_addr addr;
    struct load load;
    struct conn_shared shared;
    struct conn *conns;
    uint32_t conn_count;
    struct rng pick_rng; /* open loop: of the connection for the next request */
    uint32_t up_count;   /* connected now */
    uint32_t scan_at;    /* the connection that recover.h has looked at last */
    uint64_t next_scan_ns;
    uint64_t next_retry_ns;    /* to connect again what was lost; 0: nothing was */
    uint64_t down_since_ns;    /* none has been connected since; 0 otherwise */
    uint64_t useless_since_ns; /* none has been of use since; 0 otherwise */
    uint64_t useless_answers;  /* how many there had been then */
    uint64_t over_ns;          /* since when all of the phase is begun; 0: not yet */
    uint64_t next_progress_ns;
    uint64_t progress_requests; /* at the last progress line */
    uint64_t progress_ns;
    bool show_progress;
};

enum session_result {
    SESSION_OK,
    SESSION_NO_MEMORY,
    SESSION_CANNOT_CONNECT, /* errno is set */
    SESSION_NO_TRACE,       /* errno is set */
    SESSION_INTERRUPTED,    /* stop.h: what was measured so far is there */
    SESSION_SERVER_GONE,    /* no connection for seconds: given up */
    SESSION_STALLED,        /* answers are missing, long after the end */
};

const char *session_result_name(enum session_result result);

/* Connect everything. The session is to be closed whatever the result is. */
enum session_result session_open(struct session *s, const struct options *options,
                                 const struct net_addr *addr) MUST_USE;
void session_close(struct session *s);
/* Close all connections while nothing is in flight, and open them again. */
void session_disconnect(struct session *s);
enum session_result session_connect(struct session *s) MUST_USE;

/* Store every key once. */
enum session_result session_fill(struct session *s) MUST_USE;
/* Load without measuring. */
enum session_result session_warm_up(struct session *s, uint64_t duration_ns) MUST_USE;
/* Run the mix: for a time, or for a number of requests (0: no such limit). s->load.tally holds
 * what happened. */
enum session_result session_run(struct session *s, uint64_t duration_ns,
                                uint64_t requests) MUST_USE;
