/* Receives a value that is longer than the buffer straight to where it will lie in the store. */
#include "upload.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "conn.h"
#include "discard.h"
#include "lombard/base/sys.h"
#include "notice.h"
#include "output.h"
#include "receive.h"
#include "server_state.h"
#include "shed.h"
#include "task.h"

enum { PARTS_MAX = 16 }; /* of one value, received with one call */

static size_t
smaller(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

/* Begin in the store; where stalled clients hold its memory, they are closed. */
static bool
begin_in_store(struct conn *c, const struct request *req, void **handle, struct reply *reply)
{
    struct cmd *cmd = c->server->cmd;
    bool begun = cmd_upload_begin(cmd, &c->session, req, handle, reply);
    uint32_t closed = 0;

    while (!begun && reply->status == REPLY_OUT_OF_MEMORY &&
           server_make_room(c->server, &closed))
        begun = cmd_upload_begin(cmd, &c->session, req, handle, reply);
    if (!begun && reply->status == REPLY_OUT_OF_MEMORY)
        cmd_give_up(cmd, req, reply);
    return begun;
}

/* Tell watchers what REQ came to. */
static void
tell(const struct conn *c, const struct request *req, const struct reply *reply)
{
    if (UNLIKELY(c->server->watchers.topics != 0))
        watch_line_request(c, req, reply);
}

void
conn_upload_begin(struct conn *c, const struct request *req, struct slice head,
                  const struct proto_state *state)
{
    struct task *task;
    struct reply reply;
    void *handle;

    if (!begin_in_store(c, req, &handle, &reply)) {
        if (c->server->watchers.topics != 0)
            watch_line_lookup(c, req);
        tell(c, req, &reply);
        conn_refuse(c, req, &reply, req->body_bytes);
        return;
    }
    task = task_create(c, TASK_UPLOAD, head, state);
    if (task == NULL) {
        cmd_upload_abort(c->server->cmd, handle);
        cmd_give_up(c->server->cmd, req, &reply);
        tell(c, req, &reply);
        conn_refuse(c, req, &reply, req->body_bytes);
        return;
    }
    task->handle = handle;
    task->total = req->value_bytes;
    c->task = task;
}

/* Where byte OFF of the value goes. What stalled clients hold of the store, they lose where it is needed. */
static enum upload_space
space_in_store(struct conn *c, uint64_t off, struct span *space)
{
    struct cmd *cmd = c->server->cmd;
    enum upload_space result = cmd_upload_at(cmd, c->task->handle, off, space);

    while (result == UPLOAD_NO_MEMORY && server_make_room(c->server, &c->task->closed))
        result = cmd_upload_at(cmd, c->task->handle, off, space);
    return result;
}

/* What is being uploaded. *REQ dies with the task. False: C is dead. */
static bool
upload_request(struct conn *c, struct request *req)
{
    if (CONN_BROKEN(c, !task_request(c, req)))
        return false;
    cmd_prepare(c->server->cmd, req); /* parsed again, it has no hash */
    return true;
}

/* The store has no memory for the rest of the value: say so, and skip it. */
static void
give_up(struct conn *c)
{
    struct task *task = c->task;
    struct request req;
    struct reply reply;

    if (!upload_request(c, &req))
        return;
    cmd_upload_abort(c->server->cmd, task->handle);
    cmd_give_up(c->server->cmd, &req, &reply);
    tell(c, &req, &reply);
    c->task = NULL;
    conn_refuse(c, &req, &reply, req.body_bytes - task->off);
    task_destroy(c, task);
}

/* All of the value is there. Where the store has no memory to commit it, it is refused. */
static void
commit(struct conn *c, const struct request *req, struct reply *reply)
{
    struct cmd *cmd = c->server->cmd;
    void *handle = c->task->handle;

    cmd_upload_finish(cmd, &c->session, req, handle, reply);
    while (reply->status == REPLY_OUT_OF_MEMORY &&
           server_make_room(c->server, &c->task->closed))
        cmd_upload_finish(cmd, &c->session, req, handle, reply);
    if (reply->status != REPLY_OUT_OF_MEMORY)
        return;
    cmd_upload_abort(cmd, handle);
    cmd_give_up(cmd, req, reply);
}

/* The value is complete: what follows it decides whether it counts. */
static enum step
finish(struct conn *c)
{
    struct task *task = c->task;
    struct slice in = conn_input(c);
    struct request req;
    struct reply reply;
    size_t tail_bytes;

    if (!upload_request(c, &req))
        return STEP_STOP;
    tail_bytes = (size_t)(req.body_bytes - req.value_bytes);
    if (in.len < tail_bytes)
        return STEP_NEED_INPUT;
    if (c->proto->value_ends(in.ptr)) {
        if (UNLIKELY(c->server->watchers.topics != 0))
            watch_line_lookup(c, &req);
        commit(c, &req, &reply);
    } else {
        cmd_upload_abort(c->server->cmd, task->handle);
        cmd_refuse_value(c->server->cmd, &req, &reply);
    }
    buf_consumed(c->rbuf, tail_bytes, NULL);
    if (reply.status == REPLY_JOIN) {
        task->kind = TASK_JOIN;
        return STEP_ON;
    }
    c->task = NULL;
    if (reply.status >= REPLY_SELDOM)
        conn_notice_error(c, &req, reply.status);
    tell(c, &req, &reply);
    latency_note(&c->server->latency, req.op, 1);
    slow_keep_key(c, req.key);
    conn_reply(c, &req, &reply);
    task_destroy(c, task);
    return STEP_ON;
}

/* What is in the read buffer goes to SPACE, as far as it fits. */
static void
take(struct conn *c, const struct span *space)
{
    struct task *task = c->task;
    struct slice in = conn_input(c);
    size_t n = smaller(smaller(in.len, space->len), task->total - task->off);

    memcpy(space->ptr, in.ptr, n);
    buf_consumed(c->rbuf, n, NULL);
    task->off += n;
}

enum step
conn_upload_step(struct conn *c, struct budget *budget)
{
    struct task *task = c->task;
    struct span space;

    /* No reply was formatted since there was room for one, when its head came. */
    if (CONN_BROKEN(c, !conn_has_reply_room(c)))
        return STEP_STOP;
    if (task->off == task->total)
        return finish(c);
    if (buf_is_empty(c->rbuf))
        return STEP_NEED_INPUT;
    switch (space_in_store(c, task->off, &space)) {
    case UPLOAD_SPACE: take(c, &space); break;
    case UPLOAD_SPACE_MADE:
        take(c, &space);
        budget->bytes = 0;
        break;
    case UPLOAD_LATER: budget->bytes = 0; break;
    case UPLOAD_NO_MEMORY: give_up(c); break;
    }
    return STEP_ON;
}

/* Where the rest of the value goes, part by part. */
struct parts {
    struct iovec iov[PARTS_MAX + 1];
    int count;
    size_t bytes;
    bool last;  /* making space for it took as long as this dispatch may */
    bool later; /* the next one waits for the store */
};

static void
add_part(struct parts *parts, const struct span *space, uint64_t left)
{
    size_t n = smaller(space->len, left);

    parts->iov[parts->count++] = (struct iovec){space->ptr, n};
    parts->bytes += n;
}

static void
find_parts(struct conn *c, uint64_t most, struct parts *parts)
{
    const struct task *task = c->task;
    uint64_t left = task->total - task->off;

    while (parts->count < PARTS_MAX && parts->bytes < left && parts->bytes < most) {
        struct span space;

        switch (space_in_store(c, task->off + parts->bytes, &space)) {
        case UPLOAD_SPACE: break;
        case UPLOAD_SPACE_MADE: parts->last = true; break;
        case UPLOAD_LATER: parts->later = true; return;
        case UPLOAD_NO_MEMORY: return;
        }
        add_part(parts, &space, left - parts->bytes);
        if (parts->last)
            return;
    }
}

/*
 * One readv() for the rest of the value, part by part, and behind it the read
 * buffer for whatever follows.
 */
enum receive_result
conn_upload_receive(struct conn *c, struct budget *budget)
{
    struct task *task = c->task;
    struct parts parts = {.count = 0};
    enum receive_result result;
    size_t behind = 0;
    ssize_t got;

    find_parts(c, budget->bytes, &parts);
    if (parts.later && parts.count == 0) {
        budget->bytes = 0;
        return RECEIVED_SOME;
    }
    /* Also where the store has no space: the next step will notice, given a byte. */
    if (task->off + parts.bytes == task->total || parts.count == 0) {
        behind = buf_room(c->rbuf);
        parts.iov[parts.count++] = (struct iovec){buf_tail(c->rbuf), behind};
    }
    got = sys_readv(c->watch.fd, parts.iov, parts.count);
    if (got > 0) {
        size_t filled = smaller((uint64_t)got, parts.bytes);

        task->off += filled;
        buf_produced(c->rbuf, (size_t)got - filled);
    }
    result = conn_received(c, got < 0 ? -errno : got, parts.bytes + behind, budget);
    if (parts.last || parts.later)
        budget->bytes = 0;
    return result;
}
