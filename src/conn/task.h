/*
 * src/conn/task.h - a request that is half done, when its connection has to wait.
 *
 * A connection has at most one. It holds the bytes of the request's head, since a struct
 * request dies with its read buffer: the request itself is had by parsing them again. A
 * TASK_REFUSAL holds the bytes of its answer instead; a TASK_JOIN that was not uploaded its
 * body, too.
 */
#pragma once

#include "conn_state.h"
#include "lombard/cmd/cmd.h"
#include "rendering.h"

enum task_kind {
    TASK_UPLOAD,  /* its value is being received: upload.c */
    TASK_VALUE,   /* its value did not fit into the write buffer, however queued: output.c */
    TASK_JOIN,    /* its value is being added to one that is long: join.c */
    TASK_STREAM,  /* its reply is made line by line: output.c */
    TASK_SCAN,    /* it goes through all connections: scan.c */
    TASK_WATCH,   /* lines are put into its write buffer as things happen: watch.c */
    TASK_REFUSAL, /* its body is being discarded; then comes the answer: discard.c */
};

/* What of a stream comes next. */
enum stream_part {
    STREAM_HEAD,
    STREAM_LINES,
    STREAM_TAIL,
};

struct scan;

struct task {
    enum task_kind kind;
    uint32_t head_bytes;
    struct proto_state state; /* before the head */
    union {
        void *handle;      /* UPLOAD, JOIN (or NULL): reserved item */
        const void *item;  /* VALUE: pinned item */
        struct scan *scan; /* SCAN: what it looks for */
    };
    uint64_t off;                    /* UPLOAD, VALUE: bytes done; JOIN: received */
    uint64_t total;                  /* UPLOAD, VALUE: of the value */
    uint32_t closed;                 /* UPLOAD, JOIN: connections that were closed for it */
    struct cmd_join join;            /* JOIN */
    char tail[PROTO_TAIL_BYTES_MAX]; /* VALUE: of these, tail_bytes come after it */
    uint8_t tail_bytes;
    struct cmd_stream stream;       /* STREAM */
    struct rendering_reader reader; /* STREAM, of all statistics */
    enum stream_kind lines;         /* STREAM */
    enum stream_part part;          /* STREAM, SCAN */
    uint32_t piece;                 /* STREAM, SCAN: of its head or tail */
    char head[];
};

/*
 * A task for C with a copy of HEAD; its bytes are counted in task_bytes. NULL when memory
 * is short, or, but for a refusal, all tasks together would exceed --buffer-memory.
 */
struct task *task_create(struct conn *c, enum task_kind kind, struct slice head,
                         const struct proto_state *state) MUST_USE;
/* What c->task is no longer, or not yet, too. */
void task_destroy(struct conn *c, struct task *task);
/* How many bytes it takes. */
size_t task_bytes(const struct task *task);
/* Parse the request of C's task again. It points into the task. False: its head is broken. */
bool task_request(const struct conn *c, struct request *req) MUST_USE;

/* C is going to wait: where it is the one that joins, it will begin again, and others may. */
void conn_suspend_task(struct conn *c);
/* Give up C's task, if it has one, with all that it holds of the store. */
void conn_drop_task(struct conn *c);

/* It keeps its write buffer even while that is empty. */
static inline bool
conn_is_watching(const struct conn *c)
{
    return UNLIKELY(c->task != NULL) && c->task->kind == TASK_WATCH;
}

/* It waits for its peer: a watcher that was sent all that happened does not. */
static inline bool
conn_is_stalled(const struct conn *c)
{
    return c->state == CONN_STALLED && (c->blocked || !conn_is_watching(c));
}

/* The item of the store that it keeps; NULL: none. */
static inline const void *
task_pinned_item(const struct task *task)
{
    if (task->kind == TASK_VALUE)
        return task->item;
    return task->kind == TASK_UPLOAD || task->kind == TASK_JOIN ? task->handle : NULL;
}
