/*
 * src/conn/server_state.h - the server: what all files of this layer work at.
 *
 * Data only. Every connection points at it. Which file may call which is another matter: see the
 * order of the files in server.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client_names.h"
#include "conn_state.h"
#include "limits.h"
#include "linger.h"
#include "lombard/conn/server.h"
#include "lombard/event/listen.h"
#include "lombard/event/listener.h"
#include "server_latency.h"
#include "rendering.h"
#include "slow.h"
#include "stall.h"
#include "step.h"
#include "table.h"
#include "transfer.h"
#include "watch_line.h"

/* What a stalled connection waits for, and with what. */
enum stall_kind {
    STALL_WITHOUT_BUFFER, /* for input: only a task, or nothing that is lent */
    STALL_WITH_BUFFER,    /* for input */
    STALL_BLOCKED,        /* for its peer to read */
};

enum { STALL_KINDS = STALL_BLOCKED + 1, STALL_CLASSES = 6 };

/* Connections whose replies leave with those of others of their group: send.c. */
struct queued_send {
    struct conn *conn;
    struct budget *budget; /* of its dispatch */
};

struct send_queue {
    unsigned count;
    uint64_t bytes;
    struct queued_send of[GROUP_CONNS];
};

struct server_stats {
#define STAT(name, kind, unit, help) uint64_t name;
#define STATE(name, unit, help)      /* looked up when it is asked for */
#include "lombard/conn/server_stats.def"
#undef STATE
#undef STAT
};

/* How a connection is let in. */
struct entrance {
    struct server *server;
    enum session_role role; /* of the connections that come through it */
    bool is_unix;
    uint64_t paused_ms; /* since when none could be accepted; 0: they can */
};

/* It found no room, but others may leave in the same iteration. */
struct newcomer {
    const struct entrance *entrance;
    int fd;
};

struct server {
    struct server_config config;
    struct clock *clock;
    struct cmd *cmd;
    struct loop *loop;
    struct pool *pool;
    struct buf_owner owner; /* unpins what was queued by reference */
    struct timer tick;
    struct server_stats stats;
    uint64_t closes[CLOSE_REASONS + 1]; /* by enum close_reason */
    struct latency latency;
    struct slow slow;
    struct watchers watchers;
    struct renderings renderings;
    struct transfers transfers;
    struct send_queue sends; /* empty between two groups */

    /* --- Where connections are --- */

    struct conn_table table;
    struct list_node arrived; /* were idle, and had an event: served in this iteration, first */
    struct list_node pipelines; /* likewise, but bring many requests each time: behind these */
    struct list_node ready;     /* have more to do */
    struct list_node dead;      /* to be freed at the end of the iteration */
    struct stall_line stalled[STALL_KINDS]
                             [STALL_CLASSES]; /* hold something, wait for the peer */
    struct lingerers lingerers;
    struct client_names names;
    uint32_t last_id; /* of a connection */

    /* --- admission.c, shutdown.c --- */

    struct listener listeners[LISTEN_SOCKETS_MAX];
    struct entrance entrances[LISTEN_SOCKETS_MAX]; /* of each listener */
    struct newcomer newcomers[NEWCOMERS_MAX];
    uint32_t newcomer_count; /* 0 between two iterations */
    int listener_count;
    bool has_admin; /* one of them is for ROLE_ADMIN */
    uint32_t role_conns[SESSION_ROLES];
    struct conn *operator_conn; /* the one of ROLE_CLIENT over max_conns, or NULL */
    struct timer drain_end;
    bool stopping;
    bool http_ended; /* likewise, and HTTP is not served any more */

    /* --- schedule.c: time, and what is served when --- */

    uint64_t iteration_ms; /* of the clock, at the beginning of this iteration */
    uint64_t attended_ms;  /* since the start, without standing still: to judge clients by */
    uint32_t attended_s;
    uint32_t looks_in_vain;     /* in a row */
    uint64_t look_ns;           /* until then, slices are served; then events are looked for */
    uint64_t work_ns;           /* while clients wait, no background work before then */
    bool background;            /* the store has work left */
    uint64_t stall_reported_ns; /* of the clock: when the thread was held up last */
    struct timer relief;        /* runs while connections wait for buffers */
    uint64_t relief_ms;         /* not before then */

    /* --- sweep.c --- */

    uint64_t idle_cursor;
    uint64_t vanished_cursor;
    uint64_t probes_cursor;
    bool
        probes_change; /* --peer-timeout was changed: connections after probes_cursor do not know */

    /* --- dispatch.c, batch.c, join.c --- */

    struct conn *joining;     /* the one that appends to a long value now, or NULL */
    struct conn *paused;      /* the one whose slice was interrupted, or NULL */
    uint64_t paused_until_ns; /* the end of its slice */
    uint32_t long_batches;    /* so many more have their values prefetched */
    /* One more batch for a group: its last connection may bring a whole one. */
    struct batch_entry group_batch[2 * BATCH_REQUESTS];
    struct batch_entry batch[BATCH_REQUESTS]; /* any other batch */
};

enum { RESERVE_PART = 4 }; /* of the buffers one in so many is for output alone */

/* What the buffers may take in all. */
static inline uint64_t
server_pool_bytes(const struct server_config *config)
{
    return config->buffer_bytes < POOL_BYTES_MIN ? POOL_BYTES_MIN : config->buffer_bytes;
}

static inline uint32_t
server_now_ms(const struct server *server)
{
    return (uint32_t)server->attended_ms;
}
