#include <errno.h>
#include <string.h>

#include "lombard/base/log.h"
#include "lombard/base/sys.h"
#include "server_priv.h"

/* --- States --- */

const char *
conn_state_name(const struct conn *c)
{
    switch ((enum conn_state)c->state) {
    case CONN_ASLEEP: return "asleep";
    case CONN_RUNNING: return "running";
    case CONN_READY: return "ready";
    case CONN_WAITING: return "waiting_for_buffer";
    case CONN_STALLED: return c->flags & CONN_BLOCKED ? "blocked_sending" : "receiving_value";
    case CONN_DEAD: return "closing";
    }
    BUG("conn_state out of range");
}

void
conn_leave_list(struct conn *c)
{
    switch ((enum conn_state)c->state) {
    case CONN_STALLED: c->server->stats.conn_stalled--; break;
    case CONN_WAITING: pool_forget(c->server->pool, &c->place); return;
    case CONN_READY: c->server->stats.conn_ready--; break;
    case CONN_ASLEEP:
    case CONN_RUNNING:
    case CONN_DEAD: break;
    }
    list_remove(&c->place.node);
}

uint32_t
conn_stalled_for_ms(const struct conn *c)
{
    return server_now_ms(c->server) - c->stalled_ms;
}

bool
conn_holds_pins(const struct conn *c)
{
    return (c->task != NULL && task_holds_pins(c->task)) ||
           (c->wbuf != NULL && c->wbuf->ref_done < c->wbuf->ref_count);
}

void
conn_make_ready(struct conn *c, struct list_node *queue)
{
    c->state = CONN_READY;
    c->server->stats.conn_ready++;
    list_push_back(queue, &c->place.node);
}

/* --- Ends --- */

void
conn_mark_dead(struct conn *c, enum close_reason reason)
{
    struct server *server = c->server;

    if (c->state == CONN_DEAD)
        return;
    conn_leave_list(c);
    c->state = CONN_DEAD;
    if (!(c->flags & CONN_FINISHING))
        c->close_reason = (uint8_t)reason;
    server->closes[c->close_reason]++;
    list_push_back(&server->dead, &c->place.node);
}

void
conn_broke(struct conn *c, int err)
{
    conn_mark_dead(c, err == ETIMEDOUT ? CLOSE_VANISHED : CLOSE_RESET);
}

void
conn_finish(struct conn *c, enum close_reason reason)
{
    if (c->flags & CONN_FINISHING)
        return;
    c->flags |= CONN_FINISHING;
    c->close_reason = (uint8_t)reason;
}

static void
release_task(struct conn *c)
{
    struct task *task = c->task;

    if (task == NULL)
        return;
    switch (task->kind) {
    case TASK_UPLOAD: cmd_upload_abort(c->server->cmd, task->handle); break;
    case TASK_JOIN:
        conn_join_suspend(c);
        if (task->handle != NULL)
            cmd_upload_abort(c->server->cmd, task->handle);
        break;
    case TASK_VALUE: cmd_unpin_item(c->server->cmd, task->handle); break;
    case TASK_STREAM:
    case TASK_REFUSAL: break;
    }
    c->task = NULL;
    task_destroy(c, task);
}

void
conn_release(struct conn *c)
{
    struct server *server = c->server;

    release_task(c);
    conn_drop_stash(c);
    if (c->rbuf != NULL) {
        buf_clear(c->rbuf, NULL);
        pool_return(server->pool, LOAN_FOR_INPUT, &c->rbuf);
    }
    if (c->wbuf != NULL) {
        buf_clear(c->wbuf, &server->owner);
        pool_return(server->pool, LOAN_FOR_OUTPUT, &c->wbuf);
    }
}

/* --- Beginnings --- */

static void
on_event(struct watch *watch, uint32_t events)
{
    struct conn *c = CONTAINER_OF(watch, struct conn, watch);
    struct server *server = c->server;
    bool was_blocked = (c->flags & CONN_BLOCKED) != 0;

    if (events & WATCH_IN)
        c->flags |= CONN_MORE_INPUT;
    if (events & WATCH_OUT)
        c->flags &= (uint8_t)~CONN_BLOCKED;
    switch ((enum conn_state)c->state) {
    case CONN_ASLEEP: conn_make_ready(c, &server->arrived); return;
    case CONN_STALLED:
        conn_leave_list(c);
        c->flags |= CONN_WAS_STALLED;
        /* One that takes more of what it asked for earlier is not served before others. */
        conn_make_ready(c, was_blocked ? &server->ready : &server->arrived);
        return;
    case CONN_READY:
        /* It was reported before, and would be again: it is served without that. */
        (void)!loop_want(server->loop, &c->watch, WATCH_QUIET);
        return;
    case CONN_RUNNING:
    case CONN_WAITING:
    case CONN_DEAD: return;
    }
    BUG("conn_state out of range");
}

void
conn_on_grant(struct borrower *borrower, enum loan_purpose purpose, struct buf *buf)
{
    struct conn *c = CONTAINER_OF(borrower, struct conn, place);

    if (purpose == LOAN_FOR_INPUT)
        c->rbuf = buf;
    else
        c->wbuf = buf;
    conn_make_ready(c, &c->server->ready);
}

bool
conn_open(struct conn *c, struct server *server, int fd)
{
    watch_init(&c->watch, fd, on_event);
    list_init(&c->place.node);
    c->server = server;
    c->accepted_s = server->clock->uptime_s;
    c->active_s = server->attended_s;
    c->state = CONN_ASLEEP;
    return loop_want(server->loop, &c->watch, WATCH_IN);
}
