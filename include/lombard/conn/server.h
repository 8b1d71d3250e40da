/*
 * include/lombard/conn/server.h - the connections, served.
 *
 * Owns the loop, the freelist and every connection. An idle connection owns
 * nothing but its slot in the table: buffers are lent to it while it is served,
 * and go back when they are empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/clock.h"
#include "lombard/base/slice.h"
#include "lombard/cmd/cmd.h"
#include "lombard/event/loop.h"

struct proto_ops;
struct server;

/* What an operator may change while the server runs (`config`), which is for a layer above. */
struct server_settings {
    void *ctx;
    /*
     * Set NAME to VALUE. True, with the full name of the setting in WHY (room for SERVER_WHY_BYTES);
     * or false, with the reason there: nothing has changed then.
     */
    bool (*set)(void *ctx, struct slice name, struct slice value, char *why);
};

enum { SERVER_WHY_BYTES = 200 };

struct server_config {
    uint32_t max_conns;   /* -c: of ROLE_CLIENT */
    uint32_t admin_conns; /* --admin-conns: of ROLE_ADMIN, which do not count for -c */
    uint32_t http_conns;  /* --http-conns: of ROLE_HTTP, likewise */
    uint32_t
        http_timeout_s; /* of these, how long one request may take, waited for and answered;
                                0: for ever */
    uint32_t requests_per_dispatch; /* -R; 0: only its byte and time budget */
    uint64_t buffer_bytes;          /* --buffer-memory: all buffers, and as much in stashes */
    uint32_t idle_timeout_s; /* close a connection that moved no byte for N s; 0: never */
    uint32_t peer_timeout_s; /* close a peer that acknowledges nothing for N s; 0: never */
    uint32_t send_timeout_s; /* close a peer that did not read for N s; 0: never */
    uint32_t auth_timeout_s; /* close a client that did not authenticate within N s; 0: never */
    bool batch_io;           /* --batch-io=auto: io_uring for groups, where it may be used */
    uint32_t busy_poll_us;   /* --busy-poll: see loop_set_busy_poll() */
    bool watch_enabled;      /* not -W */
    bool keep_buffers;       /* --loan off: connections keep their buffers, for comparison */
    uint32_t operator_timeout_s; /* close the operator, likewise; 0: never */
    uint32_t client_names;       /* --client-names: how many may be kept */
    bool proxy_is_client;        /* --proxy-is-client: a peer on this host is no operator */
    uint32_t stall_ms;           /* --stall-ms: what takes longer is an event; 0: nothing */
    uint32_t drain_ms;           /* at shutdown: how long replies may take to leave */
    const struct proto_ops *only_proto; /* -B, of clients; NULL: the first byte says which */
    struct server_settings settings;    /* all zero: nothing can be changed */
    struct clock *clock;                /* outlives the server; the loop reads it */
    struct cmd *cmd;                    /* likewise */
};

enum {
    SERVER_BUFFER_BYTES_MIN = 1024 * 1024,
    SERVER_LINGERS_MAX = 64, /* descriptors of rejected peers, besides all connections */
};

/* NULL when memory or an epoll descriptor cannot be had. */
struct server *server_create(const struct server_config *config) MUST_USE;
/* Closes every connection and listener immediately. */
void server_destroy(struct server *server);

/*
 * Put in force what may differ in CONFIG from what it was created with: limits on connections,
 * names and buffers, requests_per_dispatch and timeouts. Connections over a lower limit stay.
 */
void server_reconfigure(struct server *server, const struct server_config *config);

struct loop *server_loop(struct server *server);

/* Bytes that are mapped for connections, and for the buffers that are lent to them. */
struct server_memory {
    uint64_t connections;
    uint64_t buffers;
};

void server_memory(const struct server *server, struct server_memory *memory);

/*
 * Add to plain `stats` what the process and its connections count; and the groups buffers,
 * conns and latency.
 */
void server_add_stats(struct server *server, struct stat_registry *registry);

/* Add to `stats settings` what options came to. */
void server_add_settings(struct server *server, struct stat_registry *registry);

/*
 * Accept from a listening socket, which the server owns from now on. ROLE: of its connections. Once
 * there is one for ROLE_ADMIN, what comes through others is refused commands with PROP_ADMIN.
 */
bool server_listen(struct server *server, int fd, enum session_role role) MUST_USE;

/* Serve until shut down. False when epoll broke (errno). */
bool server_run(struct server *server) MUST_USE;
/*
 * Stop accepting, close idle connections, let replies drain for drain_ms, then let
 * server_run() return. Clients can ask for it, too (command `shutdown`), and again:
 * what was begun is not shortened by it.
 */
void server_shutdown(struct server *server);
/* For the operator: server_run() returns after this iteration; pending replies are lost. */
void server_stop_now(struct server *server);
/* Whether the server is shutting down. */
bool server_is_stopping(const struct server *server);

/*
 * Check every invariant of connections, buffers and lists. Between iterations only.
 * False, with the first that is broken in WHY.
 */
bool server_check(struct server *server, char *why, size_t bytes) MUST_USE;
