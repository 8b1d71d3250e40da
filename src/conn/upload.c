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

/* Where byte OFF of the value goes; empty when the store has no memory for them. */
static struct span
space_in_store(struct conn *c, uint64_t off)
{
    struct cmd *cmd = c->server->cmd;
    struct span space = cmd_upload_at(cmd, c->task->handle, off);

    while (space.len == 0 && server_make_room(c->server, &c->task->closed))
        space = cmd_upload_at(cmd, c->task->handle, off);
    return space;
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

enum step
conn_upload_step(struct conn *c)
{
    struct task *task = c->task;
    struct slice in = conn_input(c);
    struct span space;
    size_t n;

    /* No reply was formatted since there was room for one, when its head came. */
    if (CONN_BROKEN(c, !conn_has_reply_room(c)))
        return STEP_STOP;
    if (task->off == task->total)
        return finish(c);
    if (in.len == 0)
        return STEP_NEED_INPUT;
    space = space_in_store(c, task->off);
    if (space.len == 0) {
        give_up(c);
        return STEP_ON;
    }
    n = smaller(smaller(in.len, space.len), task->total - task->off);
    memcpy(space.ptr, in.ptr, n);
    buf_consumed(c->rbuf, n, NULL);
    task->off += n;
    return STEP_ON;
}

/*
 * One readv() for the rest of the value, part by part, and behind it the read
 * buffer for whatever follows.
 */
enum receive_result
conn_upload_receive(struct conn *c, struct budget *budget)
{
    struct task *task = c->task;
    struct iovec iov[PARTS_MAX + 1];
    uint64_t off = task->off;
    size_t of_value = 0;
    size_t behind = 0;
    int count = 0;
    ssize_t got;

    while (count < PARTS_MAX && off < task->total && of_value < budget->bytes) {
        struct span space = space_in_store(c, off);
        size_t n = smaller(space.len, task->total - off);

        if (n == 0)
            break;
        iov[count].iov_base = space.ptr;
        iov[count++].iov_len = n;
        of_value += n;
        off += n;
    }
    /* Also where the store has no space: the next step will notice, given a byte. */
    if (off == task->total || count == 0) {
        behind = buf_room(c->rbuf);
        iov[count].iov_base = buf_tail(c->rbuf);
        iov[count++].iov_len = behind;
    }
    got = sys_readv(c->watch.fd, iov, count);
    if (got > 0) {
        size_t filled = smaller((uint64_t)got, of_value);

        task->off += filled;
        buf_produced(c->rbuf, (size_t)got - filled);
    }
    return conn_received(c, got < 0 ? -errno : got, of_value + behind, budget);
}
