/* Adds up what a connection keeps of the store's memory. */
#include "held.h"

#include "server_state.h"
#include "task.h"

static void
visit_ref(void *ctx, const void *base)
{
    cmd_trial_unpin(ctx, base);
}

/* A TASK_JOIN holds more while it joins, but then it is never stalled. */
static bool
holds_upload(const struct task *task)
{
    return task->kind == TASK_UPLOAD || (task->kind == TASK_JOIN && task->handle != NULL);
}

void
conn_trial_add(struct conn *c)
{
    struct cmd *cmd = c->server->cmd;
    const struct buf_owner visitor = {visit_ref, cmd};

    if (c->wbuf != NULL)
        buf_visit_refs(c->wbuf, &visitor);
    if (c->task != NULL && holds_upload(c->task))
        cmd_trial_upload_abort(cmd, c->task->handle);
    else if (c->task != NULL && c->task->kind == TASK_VALUE)
        cmd_trial_unpin_item(cmd, c->task->item);
}

uint64_t
conn_held_bytes(const struct conn *c)
{
    struct cmd *cmd = c->server->cmd;
    const struct buf_owner visitor = {visit_ref, cmd};
    uint64_t bytes = 0;

    if (c->wbuf != NULL && c->wbuf->ref_done < c->wbuf->ref_count) {
        cmd_trial_begin(cmd);
        buf_visit_refs(c->wbuf, &visitor);
        bytes = cmd_trial_result(cmd).held_bytes;
    }
    if (c->task != NULL && holds_upload(c->task))
        bytes += c->task->off + 1;
    else if (c->task != NULL && c->task->kind == TASK_VALUE)
        bytes += c->task->total;
    return bytes;
}
