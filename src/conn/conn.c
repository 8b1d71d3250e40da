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

/* Out of the list that goes with its state. */
static void
leave_list(struct conn *c)
{
    switch ((enum conn_state)c->state) {
    case CONN_STALLED: c->server->stats.conn_stalled--; break;
    case CONN_WAITING: pool_forget(c->server->pool, &c->place); return;
    case CONN_ASLEEP:
    case CONN_RUNNING:
    case CONN_READY:
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
    return (c->task != NULL && c->task->kind != TASK_STREAM) ||
           (c->wbuf != NULL && c->wbuf->ref_done < c->wbuf->ref_count);
}

static void
make_ready(struct conn *c)
{
    c->state = CONN_READY;
    list_push_back(&c->server->ready, &c->place.node);
}

/* --- Ends --- */

void
conn_mark_dead(struct conn *c, enum close_reason reason)
{
    struct server *server = c->server;

    if (c->state == CONN_DEAD)
        return;
    leave_list(c);
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
    case TASK_VALUE: cmd_unpin_item(c->server->cmd, task->handle); break;
    case TASK_STREAM: break;
    }
    c->task = NULL;
    task_destroy(task);
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

/* --- Being served --- */

/* Lend what it lacks: output first, so that whatever is read can be answered. */
static bool
lend(struct conn *c, enum loan_purpose purpose, struct buf **slot)
{
    switch (pool_loan(c->server->pool, &c->place, purpose, slot)) {
    case LOAN_EXISTING:
    case LOAN_LOANED:
    case LOAN_ALLOCATED: return true;
    case LOAN_WAITING: /* the whole server is short of buffers */
        c->state = CONN_WAITING;
        return false;
    case LOAN_FAILED: /* the host is short of memory: shed this one */
        conn_mark_dead(c, CLOSE_NO_MEMORY);
        return false;
    }
    BUG("loan_result out of range");
}

static bool
is_spent(const struct budget *budget)
{
    return budget->bytes == 0 || budget->requests == 0 || sys_monotonic_ns() > budget->until_ns;
}

/* Send what is pending. True when serving may go on; *MORE when the budget ended it. */
static bool
drain(struct conn *c, struct budget *budget, bool *more)
{
    switch (conn_flush(c, budget)) {
    case FLUSH_DONE: return true;
    case FLUSH_BLOCKED:
    case FLUSH_DEAD: return false;
    case FLUSH_PAUSED: *more = true; return false;
    }
    BUG("flush out of range");
}

/*
 * All complete input was served: receive, if there may be something. True when serving
 * may go on; *MORE when the budget ended it.
 */
static bool
feed(struct conn *c, struct budget *budget, bool *more)
{
    if (!(c->flags & CONN_MORE_INPUT)) {
        if (c->flags & CONN_EOF)
            conn_finish(c, CLOSE_EOF);
        return false;
    }
    if (budget->bytes == 0) {
        *more = true; /* a body that is skipped or received in place has no other end */
        return false;
    }
    switch (conn_fill(c, budget)) {
    case FILL_SOME:
    case FILL_LAST: return true;
    case FILL_END: return c->state == CONN_RUNNING;
    }
    BUG("fill out of range");
}

/* Serve until input, room, budget or life ends. True when it has more to do at once. */
static bool
serve(struct conn *c, struct budget *budget)
{
    bool more = false;
    bool on = true;

    if (c->wbuf != NULL && !buf_is_empty(c->wbuf) && !drain(c, budget, &more))
        return more;
    if (c->flags & CONN_FINISHING)
        return false;
    if (!lend(c, LOAN_FOR_OUTPUT, &c->wbuf) || !lend(c, LOAN_FOR_INPUT, &c->rbuf))
        return false;
    conn_unstash_input(c);
    while (on) {
        switch (conn_step(c, budget)) {
        case STEP_ON:
            more = is_spent(budget);
            on = !more;
            break;
        case STEP_HUNGRY: on = feed(c, budget, &more); break;
        case STEP_FULL: on = drain(c, budget, &more); break;
        case STEP_STOP: on = false; break;
        }
    }
    if (c->state == CONN_RUNNING && !(c->flags & CONN_BLOCKED))
        (void)drain(c, budget, &more);
    return more;
}

/* --- Putting it to rest --- */

/* Only an empty buffer goes back; little input goes into a stash instead. */
static void
return_buffers(struct conn *c, bool more)
{
    struct pool *pool = c->server->pool;

    if (c->server->config.keep_buffers && !(c->flags & CONN_FINISHING))
        return;
    if (c->wbuf != NULL && buf_is_empty(c->wbuf))
        pool_return(pool, LOAN_FOR_OUTPUT, &c->wbuf);
    /* What it gave back may have come to it at once, as input: that is for its next turn. */
    if (c->rbuf == NULL || c->state == CONN_READY)
        return;
    if (buf_is_empty(c->rbuf))
        pool_return(pool, LOAN_FOR_INPUT, &c->rbuf);
    else if (!more)
        conn_stash_input(c);
}

/* It holds something and waits for its peer: since when, decides who gives way first. */
static void
stall(struct conn *c, bool was_stalled)
{
    struct server *server = c->server;
    uint32_t mark = (uint32_t)(c->bytes_in + c->bytes_out);

    if (!was_stalled || mark - c->stall_mark >= STALL_PROGRESS_BYTES) {
        c->stalled_ms = server_now_ms(server);
        c->stall_mark = mark;
    }
    if (!was_stalled && (c->flags & CONN_BLOCKED))
        server->stats.conn_stalls++;
    server_add_stalled(server, c);
}

static bool
holds_something(const struct conn *c)
{
    return (c->wbuf != NULL && !buf_is_empty(c->wbuf)) ||
           (c->rbuf != NULL && !buf_is_empty(c->rbuf)) || c->task != NULL;
}

/* What to wait for: a blocked one is not read from, so that it cannot ask for more. */
static uint32_t
wanted_events(const struct conn *c)
{
    if (c->state == CONN_WAITING)
        return 0;
    return c->flags & CONN_BLOCKED ? WATCH_OUT : WATCH_IN;
}

static void
settle(struct conn *c, bool more, bool was_stalled)
{
    struct server *server = c->server;

    if (c->state == CONN_DEAD) {
        conn_release(c); /* not only when it is reaped: others may need it in this turn */
        return;
    }
    return_buffers(c, more);
    if (c->state == CONN_READY)
        return;
    if ((c->flags & CONN_FINISHING) && c->wbuf == NULL) {
        conn_mark_dead(c, (enum close_reason)c->close_reason);
        conn_release(c);
        return;
    }
    if (!loop_want(server->loop, &c->watch, wanted_events(c))) {
        conn_mark_dead(c, CLOSE_NO_MEMORY);
        conn_release(c);
        return;
    }
    if (c->state == CONN_WAITING)
        return;
    if (more) {
        server->stats.conn_yields++;
        make_ready(c);
    } else if (holds_something(c)) {
        stall(c, was_stalled);
    } else if (server->stopping) {
        conn_mark_dead(c, CLOSE_SHUTDOWN);
    } else {
        c->state = CONN_ASLEEP;
    }
}

void
conn_dispatch(struct conn *c)
{
    struct server *server = c->server;
    bool was_stalled = c->state == CONN_STALLED;
    uint32_t requests = server->config.requests_a_turn;
    struct budget budget = {
        .bytes = BUDGET_BYTES,
        .requests = requests == 0 ? UINT32_MAX : requests,
        .until_ns = server->clock->now_ns + BUDGET_NS,
    };
    bool more;

    leave_list(c);
    c->state = CONN_RUNNING;
    server->stats.conn_dispatches++;
    /* Who is blocked waits for its socket, however much it has left to do. */
    more = serve(c, &budget) && !(c->flags & CONN_BLOCKED);
    settle(c, more, was_stalled);
}

static void
on_event(struct watch *watch, uint32_t events)
{
    struct conn *c = CONTAINER_OF(watch, struct conn, watch);

    if (events & WATCH_IN)
        c->flags |= CONN_MORE_INPUT;
    if (events & WATCH_OUT)
        c->flags &= (uint8_t)~CONN_BLOCKED;
    /* Who is ready is served later in this turn; who is dead, never again. */
    if (c->state == CONN_ASLEEP || c->state == CONN_STALLED)
        conn_dispatch(c);
}

void
conn_on_grant(struct borrower *borrower, enum loan_purpose purpose, struct buf *buf)
{
    struct conn *c = CONTAINER_OF(borrower, struct conn, place);

    if (purpose == LOAN_FOR_INPUT)
        c->rbuf = buf;
    else
        c->wbuf = buf;
    make_ready(c);
}

bool
conn_open(struct conn *c, struct server *server, int fd)
{
    watch_init(&c->watch, fd, on_event);
    list_init(&c->place.node);
    c->server = server;
    c->accepted_s = server->clock->uptime_s;
    c->active_s = c->accepted_s;
    c->state = CONN_ASLEEP;
    return loop_want(server->loop, &c->watch, WATCH_IN);
}
