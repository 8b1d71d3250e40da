/*
 * src/conn/server_priv.h - the server, as its own room sees it.
 */
#pragma once

#include "conn_priv.h"
#include "linger.h"
#include "lombard/base/hist.h"
#include "lombard/conn/server.h"
#include "lombard/event/listen.h"
#include "stall.h"
#include "table.h"

enum {
    BATCH_REQUESTS = 16, /* parsed, hashed and prefetched together */
    GROUP_CONNS = 16,    /* at most, whose first requests make one batch */
    /*
     * How the thread is shared. Whoever sent something is served before those that have more
     * to do, with a slice that is short; and between slices events are looked for, so that
     * it waits for one slice at most, however many have more to do.
     */
    FIRST_REQUESTS = 128,      /* of a first slice: a multiget of usual length */
    SLICE_BYTES = 256 * 1024,  /* of any slice, in and out: some 50 us; less costs more calls */
    SLICE_NS = 200 * 1000,     /* of any slice: longer spares no more cache misses */
    ARRIVED_NS = 200 * 1000,   /* of first slices in a row, while others have more to do */
    LOOK_NS = 10 * 1000,       /* of slices between two looks for events, */
    LOOK_RARE_NS = 100 * 1000, /* or this, when as many as this brought no light client: */
    LOOKS_IN_VAIN = 16,        /* a look costs as much as some commands */
    WORK_NS = 500 * 1000,      /* between pieces of background work, while clients wait */
    COPY_BYTES_MAX = 512,      /* longer values are sent from where they lie */
    STASH_BYTES_MAX = 4096,    /* what an idle connection may keep */
    SMALL_BODY_BYTES = 2048,   /* a shorter command is waited for as a whole */
    STALL_PROGRESS_BYTES = 1024, /* less in a row than this is no progress */
    OPERATOR_WAIT_MS = 300,      /* over -c: time to say a command that only looks */
    SHED_AFTER_MS = 100,         /* no connection that stalled for less is shed */
    SHED_A_REQUEST = 64,         /* connections closed for one request, at most */
    SHED_AT_ONCE = 16,           /* looked at for one piece of memory, at most */
    SHED_A_TICK = 64,            /* connections closed in one tick for one reason, at most */
    RELIEF_MS = 5,               /* how often buffers are freed for waiting connections */
    TICK_MS = 100,               /* sweeps and background work */
    LAPSE_MS = 2 * TICK_MS,      /* between iterations: what is more, the process stood still */
    VANISHED_LOOKS = 64,         /* a tick, at what the kernel knows of a silent peer */
    SWEEP_PARTS = 10,            /* all connections are looked at in so many ticks, */
    SWEEP_PLACES_MAX = 16384,    /* or more, so that one tick looks at no more than these */
};

/* What a stalled connection waits for, and with what. */
enum stall_kind {
    STALL_WITHOUT_BUFFER, /* for input: only a task, or nothing that is lent */
    STALL_WITH_BUFFER,    /* for input */
    STALL_BLOCKED,        /* for its peer to read */
};

enum { STALL_KINDS = STALL_BLOCKED + 1, STALL_CLASSES = 6 };

/*
 * Some of these the simulator draws anew for each world, up to what they are here. In the
 * program they are constants.
 */
#ifdef LOMBARD_DRAWN_LIMITS
#include "drawn_limits.h"
#else
#define DRAWN(limit) (limit)
#endif

/* One request of a batch, and what is needed to take it back. */
struct batch_entry {
    struct request req;
    struct proto_state before; /* the protocol's state before its head */
    uint32_t start_off;        /* in the input */
    uint32_t head_bytes;
    bool bad_end;   /* its value does not end where it should */
    bool body_here; /* all of its body is in the buffer */
};

struct server_stats {
#define STAT(name, kind, help) uint64_t name;
#include "lombard/conn/server_stats.def"
#undef STAT
};

enum {
    CLOSE_REASONS = 0
#define CLOSE_REASON(NAME, name, help) +1
#include "lombard/conn/close_reason.def"
#undef CLOSE_REASON
};

/* What `stats latency` tells apart. */
enum latency_class {
    LATENCY_GET,    /* one key of the get family, found or not, with its reply formatted */
    LATENCY_STORE,  /* one store command whose value came with it */
    LATENCY_OTHER,  /* any other command */
    LATENCY_UPLOAD, /* one step of a value that is received in place, or of an append to one */
    LATENCY_WORK,   /* one piece of background work */
};

enum { LATENCY_CLASSES = LATENCY_WORK + 1 };

struct server {
    struct server_config config;
    struct clock *clock;
    struct cmd *cmd;
    struct loop *loop;
    struct pool *pool;
    struct buf_owner owner; /* unpins what was queued by reference */
    struct conn_table table;
    struct list_node arrived; /* slept, and something came: served in this turn, first */
    struct list_node ready;   /* have more to do */
    struct list_node dead;    /* to be freed at the end of the turn */
    /* Hold something and wait for their peer. */
    struct stall_line stalled[STALL_KINDS][STALL_CLASSES];
    struct listener listeners[LISTEN_SOCKETS_MAX];
    int listener_count;
    struct conn *operator; /* the one connection over max_conns, or NULL */
    struct timer tick;
    struct timer relief; /* runs while connections wait for buffers */
    uint64_t relief_ms;  /* not before then */
    struct timer drain_end;
    uint64_t idle_cursor;
    uint64_t vanished_cursor;
    uint64_t turn_ms; /* of the clock, at the beginning of this iteration */
    uint64_t
        attended_ms; /* since the start, without what it stood still: for judging clients */
    uint32_t attended_s;
    struct lingerers lingerers;
    uint64_t look_ns;         /* until then, slices are served; then events are looked for */
    uint32_t looks_in_vain;   /* in a row */
    struct conn *joining;     /* the one that appends to a long value now, or NULL */
    struct conn *paused;      /* the one whose slice was interrupted for that, or NULL */
    uint64_t paused_until_ns; /* the end of its slice */
    uint64_t work_ns;         /* while clients wait, no background work before then */
    bool background;          /* the store has work left */
    bool stopping;
    struct hist *latency; /* by class, in nanoseconds; NULL when not asked for */
    struct server_stats stats;
    uint64_t closes[CLOSE_REASONS + 1]; /* by enum close_reason */
    /* One more batch for a group: its last connection may bring a whole one. */
    struct batch_entry group_batch[2 * BATCH_REQUESTS];
    struct batch_entry batch[BATCH_REQUESTS]; /* any other batch */
};

/* --- server.c --- */

/* What a reason means, in words. */
const char *server_close_text(enum close_reason reason);

static inline uint32_t
server_now_ms(const struct server *server)
{
    return (uint32_t)server->attended_ms;
}

/* --- shed.c --- */

void server_init_stalled(struct server *server);
/* C holds something and waits for its peer, since c->stalled_ms. */
void server_add_stalled(struct server *server, struct conn *c);
/*
 * The last command lacked memory. Where closing stalled connections frees what it
 * lacked, close as many as that takes, the ones that hold most for longest, and say
 * true: try again. *CLOSED counts those closed for one request so far, from 0.
 */
bool server_make_room(struct server *server, uint32_t *closed) MUST_USE;
/* Once a tick: close those that have stalled for too long, or while others need what they hold. */
void server_shed(struct server *server);
/* Only that for connections that wait for buffers. */
void server_shed_for_waiters(struct server *server);

/* --- sweep.c --- */

/* Each tick: of a part of all connections, close those idle for --idle-timeout. */
void server_sweep_idle(struct server *server);
/* Likewise those whose peers acknowledge nothing for --peer-timeout. */
void server_sweep_vanished(struct server *server);

/* --- server_accept.c --- */

/* What too many connections are told. */
struct slice server_reject_text(void);
/* Make C, which is the operator's, one of the clients. False when there is no room for one more. */
bool server_make_client(struct server *server, struct conn *c);
/* Close the operator's connection if it turns out to be none, or idle. */
void server_check_operator(struct server *server);
void server_stop_listeners(struct server *server);

/* --- server_latency.c --- */

/* Nothing happens in these when latency is not asked for. */
bool server_latency_init(struct server *server) MUST_USE;
void server_latency_fini(struct server *server);
/* Account for what took until now since *SINCE_NS, which becomes now. */
void server_latency_add(struct server *server, enum latency_class class, uint64_t *since_ns);
uint64_t server_latency_now(const struct server *server);
enum latency_class server_latency_class(enum request_op op);
/* `stats latency`: a stat_source's functions. */
bool server_latency_next(void *ctx, uint64_t *cursor, struct stat_line *line);
void server_latency_reset(void *ctx);

/* --- server_stats.c --- */

void server_register_stats(struct server *server);
