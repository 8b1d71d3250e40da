/*
 * tests/unit/bench/truth/sim_servers.h - servers that know the truth, and a clock that stands still.
 *
 * Replaces the system calls of lombard-bench (base/sys.h, host/connect.c, host/wait.c): time moves
 * only when lombard-bench waits, or by the costs below. A server is one queue: a request that
 * arrives waits for those before it, on any connection, and is then served in the time that `service`
 * says. So each latency is known exactly, and how fast this machine is does not matter.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "builtin/stub_talk.h"
#include "host/net.h"
#include "lombard/base/hist.h"
#include "options/options.h"

enum { SIM_SERVERS = 2, SIM_KEYS = 1000 };

struct sim_server {
    enum stub_fault fault;
    uint32_t every;
    uint64_t wire_ns; /* each way */
    /* How long request number NTH takes, which is begun at NOW. NULL: no time. */
    uint64_t (*service)(void *context, uint64_t nth, uint64_t now);
    void *context;
    uint64_t stall_every_ns; /* 0: never; counted from sim_begin() */
    uint64_t stall_ns;
    uint64_t freezes_at_ns; /* 0: never; nothing is answered from then on */
    uint64_t drop_every;    /* 0: never; requests after which a connection is closed instead */
    /* Of the client: what a send takes, and how it is kept from running. */
    uint64_t send_ns;
    int ring_error;           /* that there is no ring, or 0 */
    uint64_t ring_ends_after; /* 0: never; calls after which it fails, in the middle of one */
    uint64_t pause_every_ns;
    uint64_t pause_ns;
};

/* What is known of a server. */
struct sim_truth {
    struct stub_counts counts;
    struct hist service; /* from the send of a request until its reply can be read */
    uint64_t sent;       /* bytes, by the client */
    uint64_t received;
    uint64_t connections; /* that were opened */
};

/* A world with COUNT servers. Time begins at 1000 s. */
void sim_begin(const struct sim_server *servers, unsigned count);
void sim_end(void);
uint64_t sim_now(void);
struct sim_truth *sim_truth(unsigned server);
/* Forget what was counted so far: the load itself begins now. */
void sim_forget(void);
struct net_addr sim_addr(unsigned server);

/* The options of a command line, its words separated by blanks; "-q -k 1000" is put before it. */
void sim_options(const char *line, struct options *out);
