/*
 * Appends and prepends to long values, which takes many steps.
 *
 * One connection does so at a time, which is server->joining and always ready or running;
 * others that have something to join queue behind it by yielding to the ready list.
 */
#include "join.h"

#include "conn.h"
#include "output.h"
#include "server_state.h"
#include "shed.h"
#include "task.h"

void
conn_join_begin(struct conn *c, const struct request *req, struct slice all,
                const struct proto_state *state)
{
    struct task *task = task_create(c, TASK_JOIN, all, state);
    struct reply reply;

    c->task = task;
    if (task != NULL)
        return;
    cmd_give_up(c->server->cmd, req, &reply);
    conn_reply(c, req, &reply);
}

/* What is joined: its value is behind its head, or was uploaded. False: its head is broken. */
static bool
join_request(const struct conn *c, struct request *req)
{
    const struct task *task = c->task;

    if (!task_request(c, req))
        return false;
    if (task->handle == NULL)
        req->value = slice_make(task->head + task->head_bytes - req->body_bytes,
                                (size_t)req->value_bytes);
    return true;
}

/* The answer is known; others that have something to join are next. */
static void
finish(struct conn *c, const struct request *req, const struct reply *reply)
{
    struct task *task = c->task;

    if (task->handle != NULL)
        cmd_upload_abort(c->server->cmd, task->handle);
    c->server->joining = NULL;
    c->task = NULL;
    if (UNLIKELY(c->server->watchers.topics != 0))
        watch_line_request(c, req, reply);
    latency_note(&c->server->latency, req->op, 1);
    slow_keep_key(c, req->key);
    conn_reply(c, req, reply);
    task_destroy(c, task);
}

enum step
conn_join_step(struct conn *c, struct budget *budget)
{
    struct server *server = c->server;
    struct task *task = c->task;
    struct request req;
    struct reply reply;
    enum join_result result;

    if (server->joining != NULL && server->joining != c) {
        budget->bytes = 0;
        return STEP_ON;
    }
    server->joining = c;
    /* There is room for a reply: none was formatted since there was for its head. */
    if (CONN_BROKEN(c, !join_request(c, &req) || !conn_has_reply_room(c)))
        return STEP_STOP;
    cmd_prepare(server->cmd, &req); /* parsed again, it has no hash */
    task->join.upload = task->handle;
    task->join.budget_bytes = budget->bytes;
    do
        result = cmd_join_step(server->cmd, &c->session, &req, &task->join, &reply);
    while (result == JOIN_NO_MEMORY && server_make_room(server, &task->closed));
    budget->bytes = task->join.budget_bytes;
    if (result == JOIN_ON)
        return STEP_ON;
    if (result == JOIN_NO_MEMORY) {
        cmd_join_abort(server->cmd, &task->join);
        cmd_give_up(server->cmd, &req, &reply);
    }
    finish(c, &req, &reply);
    budget->bytes = 0;
    return STEP_ON;
}
