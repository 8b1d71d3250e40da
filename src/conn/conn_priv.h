/*
 * src/conn/conn_priv.h - one connection, as its own room sees it.
 *
 *                     events, ready list
 *                            v
 *     conn.c     the states, and the ends
 *     turn.c     conn_dispatch_group: lend buffers, serve, settle
 *     conn_in.c      receive -> parse a batch -> execute
 *     conn_body.c        values longer than the buffer: received in place, or skipped
 *     conn_join.c        append to long values, part by part
 *     conn_out.c     format replies -> send
 *
 * A connection is in exactly one state, and thereby in at most one list.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/cmd/cmd.h"
#include "lombard/event/loop.h"
#include "lombard/loan/buf.h"
#include "lombard/loan/pool.h"
#include "lombard/proto/proto.h"

struct server;

enum conn_state {
    CONN_ASLEEP,  /* holds nothing, waits for its peer: in no list */
    CONN_RUNNING, /* being served right now */
    CONN_READY,   /* has something to do: in server->arrived or server->ready */
    CONN_WAITING, /* for a buffer: in a queue of the pool */
    CONN_STALLED, /* holds something, waits for its peer: in a line of server->stalled */
    CONN_DEAD,    /* in server->dead until the turn is over */
};

enum close_reason {
    CLOSE_NONE,
#define CLOSE_REASON(NAME, name, help) CLOSE_##NAME,
#include "lombard/conn/close_reason.def"
#undef CLOSE_REASON
};

/* Bits of conn.flags. */
enum {
    CONN_EOF = 1U << 0,         /* the peer will send no more */
    CONN_MORE_INPUT = 1U << 1,  /* the socket may hold more than was received */
    CONN_BLOCKED = 1U << 2,     /* the socket took no more */
    CONN_FINISHING = 1U << 3,   /* close_reason is set: close when the output is gone */
    CONN_OPERATOR = 1U << 4,    /* over -c: may only look */
    CONN_ADMITTED = 1U << 5,    /* such a one has shown by a command that it is one */
    CONN_WAS_STALLED = 1U << 6, /* before it became ready */
    CONN_HELD = 1U << 7,        /* replies were left in the buffer for the next slice to send */
};

struct stash;
struct task;
struct batch_entry;

struct conn {
    struct watch watch;
    struct borrower place; /* in the list that `state` says */
    struct server *server;
    struct buf *rbuf;       /* lent, or NULL */
    struct buf *wbuf;       /* lent, or NULL */
    struct stash *stash;    /* input of a sleeper without rbuf, or NULL */
    struct task *task;      /* a request that is half done, or NULL */
    uint64_t swallow_bytes; /* of input that nobody wants */
    uint64_t bytes_in;
    uint64_t bytes_out;
    struct proto_state proto;
    uint32_t active_s;    /* attended_s when the last bytes came or went */
    uint32_t accepted_s;  /* uptime_s */
    uint32_t stalled_ms;  /* low bits of attended_ms: holds something and waits since */
    uint32_t stall_mark;  /* low bits of bytes_in + bytes_out at that time */
    uint16_t slot;        /* in its chunk of the table */
    uint8_t state;        /* enum conn_state */
    uint8_t close_reason; /* enum close_reason */
    uint8_t flags;        /* CONN_* */
    bool in_use;          /* of the table: this place is taken */
};

enum slice_kind {
    SLICE_FIRST, /* something has just come for it: short, so that others wait little */
    SLICE_MORE,  /* it had more to do than that */
};

/* What one connection may do in one turn. */
struct budget {
    uint64_t bytes;    /* left, received and sent */
    uint64_t until_ns; /* the end of the slice; 0: the clock was not looked at yet */
    uint32_t requests; /* left */
    uint32_t checks;   /* how often it was asked whether it is spent */
};

/* Requests parsed, hashed and prefetched together, and not executed yet. */
struct batch {
    struct batch_entry *entries; /* only the first `count` are its own */
    struct proto_state before;   /* the protocol's state before the first of them */
    uint32_t count;
    uint32_t end_off; /* of the input: what was parsed, or may be dropped */
    bool parsed;      /* the rest is set */
    bool starved;     /* the input behind end_off is incomplete */
};

/* One connection's turn. */
struct turn {
    struct conn *conn;
    struct budget budget;
    struct batch batch;
    enum slice_kind slice;
    bool was_stalled; /* before it */
    bool asked;       /* for a read buffer, which each turn does once */
    bool paused;      /* the slice goes on when events have been looked for */
};

/* --- conn.c: life --- */

/* A connection for FD in TABLE's place C, watched. False when the loop refuses. */
bool conn_open(struct conn *c, struct server *server, int fd) MUST_USE;
/* Out of the list that goes with its state. */
void conn_leave_list(struct conn *c);
/* Into QUEUE, which is one of the server's. */
void conn_make_ready(struct conn *c, struct list_node *queue);
/* The pool brings a buffer. */
void conn_on_grant(struct borrower *borrower, enum loan_purpose purpose, struct buf *buf);
/* Close at the end of this turn, for this reason unless conn_finish() named one. */
void conn_mark_dead(struct conn *c, enum close_reason reason);
/* Close when what is in the output has left; read no further command. */
void conn_finish(struct conn *c, enum close_reason reason);
/* Likewise, after a system call on its socket failed with ERR. */
void conn_broke(struct conn *c, int err);
/* Give back all that it holds. Its output is lost. */
void conn_release(struct conn *c);
/* Whether it holds pins: queued references, a value being received or sent. */
bool conn_holds_pins(const struct conn *c);
/*
 * Whether its socket has something for it that was not delivered yet: whoever judges it by the
 * time that has passed asks this first. A system call: for the few that are to be closed.
 */
bool conn_has_event(const struct conn *c);
/* Milliseconds since it stalled. */
uint32_t conn_stalled_for_ms(const struct conn *c);
const char *conn_state_name(const struct conn *c);

static inline bool
conn_is_dead(const struct conn *c)
{
    return c->state == CONN_DEAD;
}

static inline struct conn *
conn_from_place(struct list_node *node)
{
    return CONTAINER_OF(CONTAINER_OF(node, struct borrower, node), struct conn, place);
}

/* --- turn.c: being served, and put to rest --- */

/*
 * Serve a group of those at the front of QUEUE, which holds connections that are
 * CONN_READY: one's cache misses are fetched while another is worked at. Each gets a SLICE.
 * That with more to do than a first slice makes up a group of its own.
 */
void conn_dispatch_group(struct server *server, struct list_node *queue, enum slice_kind slice);

/* --- what one piece of work came to --- */

enum step {
    STEP_ON,     /* something was done: go on */
    STEP_HUNGRY, /* all input was served as far as it goes: receive more */
    STEP_FULL,   /* no room for another reply: send first */
    STEP_STOP,   /* dead, finishing or out of budget */
};

/* --- conn_in.c: bytes to requests to replies --- */

/* What receiving came to. */
enum fill {
    FILL_SOME, /* there may be more in the socket */
    FILL_LAST, /* that was all for now, or nothing came */
    FILL_END,  /* the peer will send no more, or the connection is dead */
};

/* The next piece of work that input and tasks offer. */
enum step conn_step(struct conn *c, struct turn *turn) MUST_USE;
/*
 * The first half of a step, of input that is there, which leaves nothing behind but what it put into TURN:
 * parse the next batch and prefetch its buckets; then, its items.
 */
void conn_parse_ahead(struct conn *c, struct turn *turn);
/* Undo that: it cannot be executed now, and will be parsed again. Looks at no entry. */
void conn_parse_back(struct conn *c, struct turn *turn);
void conn_prefetch_ahead(struct conn *c, struct turn *turn);
/* Receive once into the read buffer, which must be lent. */
enum fill conn_fill(struct conn *c, struct budget *budget) MUST_USE;
/* Account for what a recv() or readv() said. */
enum fill conn_received(struct conn *c, ssize_t got, size_t wanted,
                        struct budget *budget) MUST_USE;

/* Move the rest of the input into a stash, if it is small, and let the read buffer go. */
void conn_stash_input(struct conn *c);
/* The reverse, once a read buffer is lent. */
void conn_unstash_input(struct conn *c);
void conn_drop_stash(struct conn *c);
uint32_t conn_stash_bytes(const struct conn *c);

static inline struct slice
conn_input(const struct conn *c)
{
    return buf_pending(c->rbuf);
}

/* --- conn_body.c: bodies that do not fit into the read buffer --- */

/*
 * REQ is refused, and BYTES of its body are still to come: discard them. Its reply, of
 * which room was made for one, goes out behind them, as at memcached: a proxy that
 * is sending the value would take an earlier answer for one to something else.
 */
void conn_refuse(struct conn *c, const struct request *req, const struct reply *reply,
                 uint64_t bytes);
enum step conn_refusal_step(struct conn *c) MUST_USE;
/* Go on discarding where no answer is due. */
enum step conn_swallow_step(struct conn *c) MUST_USE;
/*
 * Receive the body of REQ, whose HEAD is at the front of the input, straight
 * into the store. STATE is the protocol's before that head.
 */
void conn_upload_begin(struct conn *c, const struct request *req, struct slice head,
                       const struct proto_state *state);
enum step conn_upload_step(struct conn *c) MUST_USE;
/* Receive once, into the value's place in the store; the read buffer is empty. */
enum fill conn_upload_fill(struct conn *c, struct budget *budget) MUST_USE;

/* --- conn_join.c: append and prepend to long values --- */

/* REQ was answered REPLY_JOIN. ALL of it, head and body, is copied; STATE as for an upload. */
void conn_join_begin(struct conn *c, const struct request *req, struct slice all,
                     const struct proto_state *state);
/* A part of it, of at most budget->bytes. */
enum step conn_join_step(struct conn *c, struct budget *budget) MUST_USE;
/* C is going to wait: where it is the one that joins, it will begin anew, and others may. */
void conn_join_suspend(struct conn *c);

/* --- conn_out.c: replies to bytes --- */

/* Whether there is room for any one reply. */
bool conn_has_reply_room(const struct conn *c);
/* Format one without a value at DST (room for REFUSAL_BYTES_MAX); how many bytes. */
enum { REFUSAL_BYTES_MAX = PROTO_HEAD_BYTES_MAX + 64 };
size_t conn_format_refusal(const struct conn *c, const struct request *req,
                           const struct reply *reply, char *dst);
/* Format a reply; there must be room. May leave a task behind. */
void conn_reply(struct conn *c, const struct request *req, const struct reply *reply);
/* Go on with a long value or a stream. */
enum step conn_value_step(struct conn *c) MUST_USE;
enum step conn_stream_step(struct conn *c) MUST_USE;

enum flush {
    FLUSH_DONE,    /* nothing is pending any more */
    FLUSH_BLOCKED, /* the socket took no more */
    FLUSH_PAUSED,  /* the budget is spent */
    FLUSH_DEAD,
};

enum flush conn_flush(struct conn *c, struct budget *budget) MUST_USE;

/* --- task.c: requests that are half done --- */

enum task_kind {
    TASK_UPLOAD,  /* its value is being received */
    TASK_VALUE,   /* its value did not fit into the write buffer, however queued */
    TASK_JOIN,    /* its value is being added to one that is long */
    TASK_STREAM,  /* its reply is made line by line */
    TASK_REFUSAL, /* its body is being discarded; then comes the answer, which is ready */
};

/*
 * Holds the bytes of the request's head: the request itself is had by parsing
 * them again, since a struct request dies with its read buffer. A TASK_REFUSAL
 * holds the bytes of its answer instead, a TASK_JOIN that was not uploaded its body, too.
 */
struct task {
    enum task_kind kind;
    uint32_t head_bytes;
    struct proto_state state; /* before the head */
    void *handle;             /* UPLOAD, JOIN (or NULL): reserved item; VALUE: pinned item */
    uint64_t off;             /* UPLOAD, VALUE: bytes done; JOIN: received */
    uint64_t total;           /* UPLOAD, VALUE: of the value */
    uint32_t closed;          /* UPLOAD, JOIN: connections that were closed for it */
    struct cmd_join join;     /* JOIN */
    struct slice tail;        /* VALUE: constant bytes after it */
    struct cmd_stream stream; /* STREAM */
    enum stream_kind lines;   /* STREAM */
    char head[];
};

/*
 * A task of C with a copy of HEAD; its bytes are counted in task_bytes. NULL when memory
 * is short, or, but for a refusal, all tasks together would exceed --buffer-memory.
 */
struct task *task_create(struct conn *c, enum task_kind kind, struct slice head,
                         const struct proto_state *state) MUST_USE;
/* What c->task is no longer, or not yet, too. */
void task_destroy(struct conn *c, struct task *task);
/* How many bytes it takes. */
size_t task_bytes(const struct task *task);
/* Whether its handle is set, and pinned. */
static inline bool
task_holds_pins(const struct task *task)
{
    return task->kind == TASK_UPLOAD || task->kind == TASK_VALUE ||
           (task->kind == TASK_JOIN && task->handle != NULL);
}

/* The request again. It points into the task. */
void task_request(const struct task *task, struct request *req);
