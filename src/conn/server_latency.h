/*
 * src/conn/server_latency.h - how long commands took, for `stats latency`.
 *
 * Nothing happens in these when latency is not asked for (--latency).
 */
#pragma once

#include "lombard/base/stats.h"
#include "server_state.h"

/* What `stats latency` tells apart. */
enum latency_class {
    LATENCY_GET,    /* one key of the get family, found or not, with its reply formatted */
    LATENCY_STORE,  /* one store command whose value came with it */
    LATENCY_OTHER,  /* any other command */
    LATENCY_UPLOAD, /* one step of a value that is received in place, or of an append to one */
    LATENCY_WORK,   /* one piece of background work */
};

enum { LATENCY_CLASSES = LATENCY_WORK + 1 };

bool server_latency_init(struct server *server) MUST_USE;
void server_latency_fini(struct server *server);
/* Account for what took until now since *SINCE_NS, which becomes now. */
void server_latency_add(struct server *server, enum latency_class class, uint64_t *since_ns);
uint64_t server_latency_now(const struct server *server);
enum latency_class server_latency_class(enum request_op op);

/* `stats latency`; the context is the server. */
extern const struct stat_section server_latency_stats;
extern const struct stat_histogram server_latency_histogram;
