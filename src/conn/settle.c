/*
 * Puts a connection that was served to where it belongs: returns its empty buffers, and decides
 * what it waits for, and with which state.
 */
#include "settle.h"

#include "conn.h"
#include "server_state.h"
#include "shed.h"
#include "stash.h"
#include "task.h"

/* Only an empty buffer goes back; little input goes into a stash instead. */
static void
return_buffers(struct conn *c, bool more)
{
    struct pool *pool = c->server->pool;

    if (c->server->config.keep_buffers && !c->finishing)
        return;
    if (c->server->joining == c) /* it goes on: it must not have to wait for them */
        return;
    if (c->wbuf != NULL && buf_is_empty(c->wbuf) && (c->finishing || !conn_is_watching(c)))
        pool_return(pool, LOAN_FOR_OUTPUT, &c->wbuf);
    /* The buffer that it returned may have been granted to it as input: for its next dispatch. */
    if (c->rbuf == NULL || c->state == CONN_READY)
        return;
    if (buf_is_empty(c->rbuf))
        pool_return(pool, LOAN_FOR_INPUT, &c->rbuf);
    else if (!more)
        conn_stash_input(c);
}

/* It holds something and waits for its peer: since when, decides which connection is closed first. */
static void
stall(struct conn *c, bool was_stalled)
{
    struct server *server = c->server;
    uint32_t mark = (uint32_t)(c->bytes_in + c->bytes_out);

    if (!was_stalled || mark - c->stall_mark >= STALL_PROGRESS_BYTES) {
        c->stalled_ms = server_now_ms(server);
        c->stall_mark = mark;
    }
    if (!was_stalled && c->blocked)
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
    return c->blocked ? WATCH_OUT : WATCH_IN;
}

/* False: it is dead. */
static bool
wait_for_event(struct conn *c)
{
    uint32_t wanted = wanted_events(c);

    /* The kernel has told of what there is, and may not do so again: feed() in dispatch.c received it all. */
    if (CONN_BROKEN(c, c->more_input && wanted == WATCH_IN))
        return false;
    if (loop_want(c->server->loop, &c->watch, wanted))
        return true;
    conn_mark_dead(c, CLOSE_NO_MEMORY);
    return false;
}

void
conn_settle(struct conn *c, bool more, bool was_stalled)
{
    struct server *server = c->server;

    if (c->state == CONN_DEAD) {
        conn_release(c); /* not only when it is reaped: others may need it in this iteration */
        return;
    }
    if (!more || c->state != CONN_RUNNING)
        conn_suspend_task(c);
    if (c->state == CONN_READY) /* others of its group have returned what it waited for */
        return;
    return_buffers(c, more);
    if (c->state == CONN_READY)
        return;
    if (c->finishing && c->wbuf == NULL) {
        conn_mark_dead(c, c->close_reason);
        conn_release(c);
        return;
    }
    if (more && c->state == CONN_RUNNING) {
        server->stats.conn_yields++;
        conn_make_ready(c, &server->ready); /* whatever is watched: on_event() knows */
        return;
    }
    if (!wait_for_event(c)) {
        conn_release(c);
        return;
    }
    if (c->state == CONN_WAITING)
        return;
    if (holds_something(c)) {
        stall(c, was_stalled);
    } else if (server->stopping) {
        conn_mark_dead(c, CLOSE_SHUTDOWN);
    } else {
        c->state = CONN_IDLE;
        if (UNLIKELY(c->session.role == ROLE_HTTP) && c->stash == NULL)
            c->accepted_s = server->attended_s; /* for its next request */
    }
}
