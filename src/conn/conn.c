/* Moves a connection from one state, and its list, to another; opens it, and lets go what it holds. */
#include "conn.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "lombard/base/sys.h"
#include "notice.h"
#include "server_state.h"
#include "stash.h"
#include "task.h"

/* --- States --- */

/* A stalled one is called by what it waits for. */
static const char *const state_names[] = {
    [CONN_IDLE] = "idle",
    [CONN_RUNNING] = "running",
    [CONN_READY] = "ready",
    [CONN_WAITING] = "waiting_for_buffer",
    [CONN_STALLED] = "blocked_sending",
    [CONN_DEAD] = "closing",
};
static const char receiving[] = "receiving_value";
static const char watching[] = "watching"; /* and has been sent all that happened */

_Static_assert(ARRAY_LEN(state_names) == CONN_STATES, "each state has its name");

const char *
conn_state_name(const struct conn *c)
{
    if (c->state != CONN_STALLED || c->blocked)
        return state_names[c->state];
    return conn_is_watching(c) ? watching : receiving;
}

bool
conn_is_state_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(state_names); i++)
        if (strcmp(name, state_names[i]) == 0)
            return true;
    return strcmp(name, receiving) == 0 || strcmp(name, watching) == 0;
}

void
conn_leave_list(struct conn *c)
{
    switch (c->state) {
    case CONN_STALLED: c->server->stats.conn_stalled--; break;
    case CONN_WAITING: pool_forget(c->server->pool, &c->link); return;
    case CONN_READY: c->server->stats.conn_ready--; break;
    case CONN_IDLE:
    case CONN_RUNNING:
    case CONN_DEAD: break;
    }
    list_remove(&c->link.node);
}

uint32_t
conn_stalled_for_ms(const struct conn *c)
{
    return server_now_ms(c->server) - c->stalled_ms;
}

void
conn_make_ready(struct conn *c, struct list_node *queue)
{
    if (CONN_BROKEN(c, list_is_linked(&c->link.node)))
        return;
    c->state = CONN_READY;
    c->pipelines = queue == &c->server->pipelines;
    c->server->stats.conn_ready++;
    list_push_back(queue, &c->link.node);
}

bool
conn_has_event(const struct conn *c)
{
    int events = (c->watch.wanted & WATCH_OUT) != 0 ? POLLOUT : POLLIN;

    return sys_poll_now(c->watch.fd, events) != 0;
}

/* --- Ends --- */

/* Whether its state says that it is in a list. */
static bool
is_listed(const struct conn *c)
{
    return c->state != CONN_IDLE && c->state != CONN_RUNNING;
}

void
conn_mark_dead(struct conn *c, enum close_reason reason)
{
    struct server *server = c->server;

    if (c->state == CONN_DEAD)
        return;
    (void)BROKEN(is_listed(c) != list_is_linked(&c->link.node));
    if (!c->finishing)
        c->close_reason = reason;
    conn_notice_closed(c, c->close_reason);
    conn_leave_list(c);
    c->state = CONN_DEAD;
    server->closes[c->close_reason]++;
    list_push_back(&server->dead, &c->link.node);
}

void
conn_close_broken(struct conn *c, const char *file, int line, const char *what)
{
    (void)!invariant_broken(file, line, what);
    c->finishing = false; /* no other reason counts */
    conn_mark_dead(c, CLOSE_INTERNAL);
}

void
conn_socket_failed(struct conn *c, int err)
{
    conn_mark_dead(c, err == ETIMEDOUT ? CLOSE_VANISHED : CLOSE_RESET);
}

void
conn_finish(struct conn *c, enum close_reason reason)
{
    if (c->finishing)
        return;
    c->finishing = true;
    c->close_reason = reason;
}

void
conn_finish_after(struct conn *c, const struct request *req)
{
    if ((req->flags & REQ_CLOSE) != 0)
        conn_finish(c, CLOSE_PROTOCOL);
    else if ((req->flags & REQ_ENDS) != 0)
        conn_finish(c, CLOSE_QUIT);
}

void
conn_release(struct conn *c)
{
    struct server *server = c->server;

    conn_drop_task(c);
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

/* Of one that just had an event. No client waits for HTTP: that has as little right as more work. */
static struct list_node *
queue_of(const struct conn *c)
{
    struct server *server = c->server;

    if (UNLIKELY(c->session.role == ROLE_HTTP))
        return &server->ready;
    return c->pipelines ? &server->pipelines : &server->arrived;
}

static void
on_event(struct watch *watch, uint32_t events)
{
    struct conn *c = CONTAINER_OF(watch, struct conn, watch);
    struct server *server = c->server;
    bool was_blocked = c->blocked;

    if (events & WATCH_IN)
        c->more_input = true;
    if (events & WATCH_OUT)
        c->blocked = false;
    switch (c->state) {
    case CONN_IDLE:
        conn_make_ready(c, queue_of(c));
        if (c->pipelines)
            c->queued_at = latency_pack(server->clock->now_ns);
        return;
    case CONN_STALLED:
        conn_leave_list(c);
        c->was_stalled = true;
        /* One that takes more of what it asked for earlier is not served before others. */
        conn_make_ready(c, was_blocked ? &server->ready : queue_of(c));
        return;
    case CONN_READY:
        /*
         * It was reported before, and would be again, with an edge whenever more comes: it is served without
         * that. Where it is served soon, being reported once or twice more costs less than to change what is watched.
         */
        if (!c->pipelines)
            (void)!loop_want(server->loop, &c->watch, WATCH_QUIET);
        return;
    case CONN_WAITING:
    case CONN_DEAD: return;
    case CONN_RUNNING: break; /* that is over when events are delivered */
    }
    (void)CONN_BROKEN(c, true);
}

void
conn_on_grant(struct borrower *borrower, enum loan_purpose purpose, struct buf *buf)
{
    struct conn *c = CONTAINER_OF(borrower, struct conn, link);

    if (purpose == LOAN_FOR_INPUT)
        c->rbuf = buf;
    else
        c->wbuf = buf;
    conn_make_ready(c, &c->server->ready);
    (void)CONN_BROKEN(c, !buf_is_empty(buf));
}

void
conn_init(struct conn *c, struct server *server, int fd, bool is_unix)
{
    watch_init(&c->watch, fd, on_event);
    c->watch.edge = !is_unix;
    list_init(&c->link.node);
    c->server = server;
    c->accepted_s = server->attended_s;
    c->active_s = server->attended_s;
    c->state = CONN_IDLE;
}

bool
conn_open(struct conn *c, struct server *server, int fd, bool is_unix)
{
    conn_init(c, server, fd, is_unix);
    return loop_want(server->loop, &c->watch, WATCH_IN);
}
