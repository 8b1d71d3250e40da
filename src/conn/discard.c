/* Discards the body of a request that is refused; its answer goes out behind it. */
#include "discard.h"

#include "conn.h"
#include "notice.h"
#include "output.h"
#include "server_state.h"
#include "task.h"

enum step
conn_discard_step(struct conn *c)
{
    uint32_t wanted = c->discard_bytes;
    size_t n = conn_input(c).len < wanted ? conn_input(c).len : wanted;

    buf_consumed(c->rbuf, n, NULL);
    c->discard_bytes -= (uint32_t)n;
    return c->discard_bytes == 0 ? STEP_ON : STEP_NEED_INPUT;
}

void
conn_refuse(struct conn *c, const struct request *req, const struct reply *reply,
            uint64_t bytes)
{
    char answer[PROTO_HEAD_BYTES_MAX];
    size_t len = conn_format_refusal(c, req, reply, answer);

    if (reply->status >= REPLY_SELDOM)
        conn_notice_error(c, req, reply->status);
    c->discard_bytes = (uint32_t)bytes; /* no protocol has longer bodies */
    latency_note(&c->server->latency, req->op, 1);
    if (bytes == 0) {
        buf_append(c->wbuf, slice_make(answer, len));
    } else if (len > 0) {
        c->task = task_create(c, TASK_REFUSAL, slice_make(answer, len), &c->proto_state);
        if (c->task == NULL)
            conn_mark_dead(c, CLOSE_NO_MEMORY);
    }
}

enum step
conn_refusal_step(struct conn *c)
{
    struct task *task = c->task;

    if (c->discard_bytes > 0)
        return conn_discard_step(c);
    if (!conn_has_reply_room(c))
        return STEP_NEED_OUTPUT;
    buf_append(c->wbuf, slice_make(task->head, task->head_bytes));
    c->task = NULL;
    task_destroy(c, task);
    return STEP_ON;
}
