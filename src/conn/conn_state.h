/*
 * src/conn/conn_state.h - one connection: what is known of it from one dispatch to the next.
 *
 *     IDLE --event--> READY --dispatch--> RUNNING --+--> IDLE      holds nothing
 *                       ^                           +--> READY     has more to do
 *                       |                           +--> WAITING   --a buffer is granted-->+
 *                       |                           +--> STALLED   --event-->              |
 *                       +<-----------------------------------------------------------------+
 *     any of them --conn_mark_dead()--> DEAD --end of the iteration--> closed
 *
 * A connection is in exactly one state, and thereby in at most one list.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/event/loop.h"
#include "lombard/loan/buf.h"
#include "lombard/loan/pool.h"
#include "lombard/proto/proto.h"

struct server;
struct stash;
struct task;

enum conn_state {
    CONN_IDLE,    /* holds nothing, waits for its peer: in no list */
    CONN_RUNNING, /* being served right now */
    CONN_READY,   /* has something to do: in server->arrived, pipelines or ready */
    CONN_WAITING, /* for a buffer: in a queue of the pool */
    CONN_STALLED, /* holds something, waits for its peer: in a line of server->stalled */
    CONN_DEAD,    /* in server->dead until the iteration is over */
} __attribute__((packed));

enum { CONN_STATES = CONN_DEAD + 1 };

enum close_reason {
    CLOSE_NONE,
#define CLOSE_REASON(NAME, name, help) CLOSE_##NAME,
#include "lombard/conn/close_reason.def"
#undef CLOSE_REASON
} __attribute__((packed));

enum {
    CLOSE_REASONS = 0 /* without CLOSE_NONE */
#define CLOSE_REASON(NAME, name, help) +1
#include "lombard/conn/close_reason.def"
#undef CLOSE_REASON
};

struct conn {
    struct watch watch;
    struct borrower link; /* in the list that `state` says */
    struct server *server;
    struct buf *rbuf;       /* lent, or NULL */
    struct buf *wbuf;       /* lent, or NULL */
    struct stash *stash;    /* input of an idle connection without rbuf, or NULL */
    struct task *task;      /* a request that is half done, or NULL */
    uint32_t discard_bytes; /* of input that is still to be dropped unread */
    uint32_t id;            /* counts from 1, since the start */
    uint64_t tally;         /* requests, errors and the last operation: conn_count() */
    uint64_t bytes_in;
    uint64_t bytes_out;
    const struct proto_ops *proto; /* NULL: no byte has come yet */
    struct proto_state proto_state;
    uint32_t active_s;   /* attended_s when the last bytes came or went */
    uint32_t accepted_s; /* attended_s at that time; by HTTP: when its present request began */
    union {
        uint32_t stalled_ms; /* low bits of attended_ms: holds something and waits since */
        uint32_t
            queued_at; /* in server->pipelines or ready, or for a buffer: by latency_pack() */
    };
    union {
        uint32_t stall_mark; /* low bits of bytes_in + bytes_out when it stalled */
        uint32_t held;       /* keeps_replies: of which operations, by latency_hold() */
    };
    uint16_t slot; /* in its chunk of the table */
    struct session session;
    enum conn_state state : 7;
    bool
        pipelines : 1; /* CONN_READY: in server->pipelines; else: its next event puts it there */
    enum close_reason close_reason;
    bool in_use : 1;        /* of the table: this slot is taken */
    bool eof : 1;           /* the peer will send no more */
    bool more_input : 1;    /* the socket may hold more than was received */
    bool blocked : 1;       /* the socket took no more */
    bool finishing : 1;     /* close_reason is set: close when the output is gone */
    bool has_looked : 1;    /* session.over_limit: a command has shown that it is an operator */
    bool was_stalled : 1;   /* before it became ready */
    bool keeps_replies : 1; /* replies were left in the buffer for the next slice to send */
};

_Static_assert(sizeof(enum conn_state) == 1 && sizeof(enum close_reason) == 1,
               "both fit into a byte");
_Static_assert(sizeof(struct conn) <= 152, "an idle connection stays small");

/* --- struct conn's tally: requests, 42 bits; errors, 16; the last operation, 6 --- */

enum {
    TALLY_OP_BITS = 6,
    TALLY_ERROR_BITS = 16,
    TALLY_SHIFT = TALLY_OP_BITS + TALLY_ERROR_BITS
};

_Static_assert(OP_COUNT <= 1 << TALLY_OP_BITS, "the tally holds any operation");

/* C executed COUNT requests, each key of a multiget is one; LAST_OP was the last. */
static inline void
conn_count(struct conn *c, uint32_t count, enum request_op last_op)
{
    uint64_t others = c->tally >> TALLY_OP_BITS << TALLY_OP_BITS;

    c->tally = others + ((uint64_t)count << TALLY_SHIFT) + last_op;
}

static inline uint64_t
conn_requests(const struct conn *c)
{
    return c->tally >> TALLY_SHIFT;
}

/* Of these, answered with an error: this many, or more. */
static inline uint32_t
conn_errors(const struct conn *c)
{
    return (uint32_t)(c->tally >> TALLY_OP_BITS) & ((1U << TALLY_ERROR_BITS) - 1);
}

static inline void
conn_count_error(struct conn *c)
{
    if (conn_errors(c) < (1U << TALLY_ERROR_BITS) - 1)
        c->tally += 1U << TALLY_OP_BITS;
}

static inline enum request_op
conn_last_op(const struct conn *c)
{
    return (enum request_op)(c->tally & ((1U << TALLY_OP_BITS) - 1));
}

static inline bool
conn_is_dead(const struct conn *c)
{
    return c->state == CONN_DEAD;
}

/* NODE is a connection's link in some list. */
static inline struct conn *
conn_from_link(struct list_node *node)
{
    return CONTAINER_OF(CONTAINER_OF(node, struct borrower, node), struct conn, link);
}

/* What was received and not consumed yet; a read buffer must be lent. */
static inline struct slice
conn_input(const struct conn *c)
{
    return buf_pending(c->rbuf);
}
