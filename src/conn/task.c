/* Keeps a request that is half done, with a copy of its head, until it is finished or dropped. */
#include "task.h"

#include <string.h>

#include "lombard/base/sys.h"
#include "server_state.h"

struct task *
task_create(struct conn *c, enum task_kind kind, struct slice head,
            const struct proto_state *state)
{
    struct server *server = c->server;
    size_t bytes = sizeof(struct task) + head.len;
    struct task *task;

    if (kind != TASK_REFUSAL && server->stats.task_bytes + bytes > server->config.buffer_bytes)
        return NULL;
    task = sys_malloc(bytes);
    if (task == NULL)
        return NULL;
    memset(task, 0, sizeof(*task));
    task->kind = kind;
    task->head_bytes = (uint32_t)head.len;
    task->state = *state;
    if (head.len > 0)
        memcpy(task->head, head.ptr, head.len);
    server->stats.task_bytes += bytes;
    return task;
}

size_t
task_bytes(const struct task *task)
{
    return sizeof(*task) + task->head_bytes;
}

void
task_destroy(struct conn *c, struct task *task)
{
    rendering_leave(&task->reader);
    c->server->stats.task_bytes -= task_bytes(task);
    sys_free(task);
}

bool
task_request(const struct conn *c, struct request *req)
{
    const struct task *task = c->task;
    struct slice head = slice_make(task->head, task->head_bytes);
    struct proto_state state = task->state;
    size_t used;

    return c->proto->parse(&state, &c->session, head, req, &used) == PARSE_COMPLETE;
}

void
conn_suspend_task(struct conn *c)
{
    if (c->server->joining != c)
        return;
    cmd_join_abort(c->server->cmd, &c->task->join);
    c->server->joining = NULL;
}

void
conn_drop_task(struct conn *c)
{
    struct task *task = c->task;

    if (task == NULL)
        return;
    switch (task->kind) {
    case TASK_UPLOAD: cmd_upload_abort(c->server->cmd, task->handle); break;
    case TASK_JOIN:
        conn_suspend_task(c);
        if (task->handle != NULL)
            cmd_upload_abort(c->server->cmd, task->handle);
        break;
    case TASK_VALUE: cmd_unpin_item(c->server->cmd, task->item); break;
    case TASK_SCAN: sys_free(task->scan); break;
    case TASK_WATCH: watchers_remove(&c->server->watchers, c); break;
    case TASK_STREAM:
    case TASK_REFUSAL: break;
    }
    c->task = NULL;
    task_destroy(c, task);
}
