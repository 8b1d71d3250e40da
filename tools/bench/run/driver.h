/*
 * tools/bench/run/driver.h - one server under load: connections, loop, phases.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/net.h"
#include "load/load.h"
#include "options/options.h"
#include "run/channel.h"
#include "run/exchange.h"

/* Requests in flight on a connection while filling, at least. */
enum { DRIVER_FILL_DEPTH = 16 };

/* What the first of several processes says to the others, in memory that they share. */
struct driver_signals {
    uint32_t restarts; /* how often the measurement has begun anew */
    uint32_t ended;    /* it is precise enough */
};

struct driver {
    const struct options *options;
    struct net_addr addr;
    struct load load;
    struct channel_shared shared;
    struct exchange exchange;
    struct channel
        *channels; /* of several servers: for each client one to each of them, in a row */
    uint32_t channel_count;
    uint32_t server_count;
    uint64_t
        placed[PLACEMENT_SERVERS_MAX]; /* requests of the phase for each of several servers */
    struct caller
        spare; /* of several servers: asks for new work, of which no server is known */
    struct rng pick_rng; /* open loop: of the connection for the next request */
    struct rng think_rng;
    struct channel **pauses; /* those that wait (pauses.h), a heap by time */
    uint32_t pause_count;
    uint32_t pending;                   /* of them, those that have something to send then */
    const struct net_addr *unreachable; /* DRIVER_CANNOT_CONNECT: to this one; else NULL */
    uint32_t up_count;                  /* connected now */
    uint32_t scan_at;                   /* the connection that recover.h has looked at last */
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
    uint64_t round;    /* which one driver_measure() measures */
    bool measured;     /* what runs now is a measurement: warmup.h looks at it */
    uint64_t began_ns; /* of it, with what was cut */
    uint64_t cut_ns;   /* taken for warm-up, and not part of the tally */
    uint64_t cut_requests;
    uint64_t next_check_ns;         /* for a warm-up */
    uint64_t next_until_ns;         /* whether it is precise enough */
    uint64_t next_look_ns;          /* at the server's process */
    pid_t look_pid;                 /* 0: it is not looked at */
    struct driver_signals *signals; /* of the process that leads several; NULL: there is one */
    uint32_t restarts;              /* of them, heard of */
    void (*on_restart)(void *context); /* a warm-up was cut; or NULL */
    void *restart_context;
};

enum driver_result {
    DRIVER_OK,
    DRIVER_NO_MEMORY,
    DRIVER_CANNOT_CONNECT, /* errno is set */
    DRIVER_NO_TRACE,       /* errno is set */
    DRIVER_INTERRUPTED,    /* stop.h: what was measured so far is there */
    DRIVER_SERVER_GONE,    /* no connection for seconds: given up */
    DRIVER_STALLED,        /* answers are missing, long after the end */
    DRIVER_NOT_FILLED,     /* of a further process: keys are missing */
};

const char *driver_result_name(enum driver_result result);

/* Where C is, or is to be, connected to. */
static inline const struct net_addr *
driver_addr_of(const struct driver *d, const struct channel *c)
{
    return d->options->servers != NULL ? &d->options->servers->addrs[c->server] : &d->addr;
}

/* Connect everything. The driver is to be closed whatever the result is. */
enum driver_result driver_open(struct driver *d, const struct options *options,
                               const struct net_addr *addr) MUST_USE;
void driver_close(struct driver *d);
/* Close all connections while nothing is in flight, and open them again. */
void driver_disconnect(struct driver *d);
enum driver_result driver_connect(struct driver *d) MUST_USE;

/* Store every key once. */
enum driver_result driver_fill(struct driver *d) MUST_USE;
/* Load without measuring. */
enum driver_result driver_warm_up(struct driver *d, uint64_t duration_ns) MUST_USE;
/* Run the mix: for a time, or for a number of requests (0: no such limit). d->load.tally holds
 * what happened. */
enum driver_result driver_run(struct driver *d, uint64_t duration_ns,
                              uint64_t requests) MUST_USE;
/* The same as a measurement (warmup.h), of what the options say. */
enum driver_result driver_measure(struct driver *d) MUST_USE;
