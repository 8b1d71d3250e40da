#include <string.h>

#include "conn_priv.h"
#include "lombard/base/sys.h"

struct task *
task_create(enum task_kind kind, struct slice head, const struct proto_state *state)
{
    struct task *task = sys_malloc(sizeof(*task) + head.len);

    if (task == NULL)
        return NULL;
    memset(task, 0, sizeof(*task));
    task->kind = kind;
    task->head_bytes = (uint32_t)head.len;
    task->state = *state;
    if (head.len > 0)
        memcpy(task->head, head.ptr, head.len);
    return task;
}

void
task_destroy(struct task *task)
{
    sys_free(task);
}

void
task_request(const struct task *task, struct request *req)
{
    struct proto_state state = task->state;
    size_t used;

    if (proto_parse(&state, slice_make(task->head, task->head_bytes), req, &used) !=
        PARSE_COMPLETE)
        BUG("a head that was complete no longer is");
}
