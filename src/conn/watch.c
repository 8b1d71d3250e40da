/* Makes watchers of connections, and has what they watch sent to them. */
#include "watch.h"

#include "conn.h"
#include "server_state.h"

enum reply_status
conn_watch_begin(struct conn *c, uint32_t topics)
{
    struct task *task;

    if (c->server->watchers.count == WATCHERS_MAX)
        return REPLY_TOO_MANY_WATCHERS;
    task = task_create(c, TASK_WATCH, slice_make(NULL, 0), &c->proto_state);
    if (task == NULL)
        return REPLY_TOO_MANY_WATCHERS;
    c->task = task;
    (void)CONN_BROKEN(c, !watchers_add(&c->server->watchers, c, topics, 0));
    return REPLY_OK;
}

enum step
conn_watch_step(struct conn *c)
{
    if (c->server->stopping) {
        conn_finish(c, CLOSE_SHUTDOWN);
        return STEP_STOP;
    }
    buf_consumed(c->rbuf, conn_input(c).len, NULL);
    return STEP_NEED_INPUT;
}

void
server_wake_watchers(struct server *server)
{
    for (uint32_t i = 0; i < server->watchers.count; i++) {
        struct conn *c = server->watchers.at[i].conn;

        if (c->state != CONN_STALLED || c->blocked ||
            (buf_is_empty(c->wbuf) && !server->stopping))
            continue;
        conn_leave_list(c);
        c->was_stalled = true;
        conn_make_ready(c, &server->ready);
    }
}
