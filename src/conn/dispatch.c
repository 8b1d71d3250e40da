/* Serves a connection: lends buffers, then receives, executes and sends until its slice is over. */
#include "dispatch.h"

#include "batch.h"
#include "conn.h"
#include "lombard/base/sys.h"
#include "output.h"
#include "receive.h"
#include "send.h"
#include "server_state.h"
#include "settle.h"
#include "stash.h"
#include "task.h"
#include "upload.h"

/* --- One connection --- */

static NOINLINE void
note_slow(const struct dispatch *dispatch, uint32_t requests, uint64_t took_ns,
          uint64_t served_ns)
{
    const struct answered *last = &dispatch->last;
    const struct slow_request slow = {
        .took_ns = took_ns,
        .served_ns = served_ns,
        .bytes = dispatch->budget.all_bytes - dispatch->budget.bytes,
        .requests = requests,
        .op = last->known ? last->op : conn_last_op(dispatch->conn),
    };

    slow_note(dispatch->conn, &slow, last->known ? &last->key : NULL);
}

void
conn_settle_latency(const struct dispatch *dispatch)
{
    struct server *server = dispatch->conn->server;
    struct latency *latency = &server->latency;
    uint32_t requests = latency_noted(latency);
    uint64_t before_ns = latency->last_ns;
    uint64_t took_ns;

    if (requests == 0)
        return;
    took_ns = latency_settle(latency, dispatch->since_ns);
    if (UNLIKELY(took_ns > server->slow.limit_ns))
        note_slow(dispatch, requests, took_ns, latency->last_ns - before_ns);
}

/* Lend what it lacks. Part of the limit is for output alone: what is read can be answered. */
static bool
lend(struct conn *c, enum loan_purpose purpose, struct buf **slot)
{
    switch (pool_loan(c->server->pool, &c->link, purpose, slot)) {
    case LOAN_EXISTING: return true;
    case LOAN_LOANED:
    case LOAN_ALLOCATED: return !CONN_BROKEN(c, (*slot)->write_off != 0);
    case LOAN_WAITING: /* the whole server is short of buffers */
        c->state = CONN_WAITING;
        return false;
    case LOAN_FAILED: /* the host is short of memory: shed this one */
        conn_mark_dead(c, CLOSE_NO_MEMORY);
        return false;
    }
    return !CONN_BROKEN(c, true); /* loan_result out of range */
}

/* What only looks gives way more often: a rendering of all statistics takes longer than a slice. */
static bool
only_looks(const struct dispatch *dispatch)
{
    return UNLIKELY(dispatch->conn->session.role == ROLE_HTTP);
}

/* Of a request by HTTP the first slice does no more than begin: clients that have come with it go first. */
static uint64_t
slice_ns(const struct dispatch *dispatch)
{
    if (only_looks(dispatch))
        return dispatch->slice == SLICE_FIRST ? 0 : HTTP_SLICE_NS;
    return SLICE_NS;
}

/* Whether its slice is over; or, with dispatch->paused, whether others shall be looked for first. */
static bool
is_over(struct dispatch *dispatch)
{
    struct budget *budget = &dispatch->budget;
    uint64_t now_ns;

    if (budget->bytes == 0 || budget->requests == 0)
        return true;
    now_ns = sys_monotonic_ns();
    if (budget->until_ns == 0)
        budget->until_ns = now_ns + slice_ns(dispatch);
    if (now_ns >= budget->until_ns)
        return true;
    dispatch->paused =
        dispatch->slice == SLICE_MORE && now_ns >= dispatch->conn->server->look_ns;
    return dispatch->paused;
}

/* Likewise; but few batches take long enough to look at the clock after each. */
static bool
is_spent(struct dispatch *dispatch)
{
    enum { CHECKS_A_LOOK = 4 };
    struct budget *budget = &dispatch->budget;

    if (budget->bytes == 0 || budget->requests == 0)
        return true;
    return (++budget->checks % CHECKS_A_LOOK == 1 || only_looks(dispatch)) && is_over(dispatch);
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
    return !CONN_BROKEN(c, true); /* flush out of range */
}

/* Into the read buffer; or, where a value is being uploaded, straight to where it will lie. */
static enum receive_result
receive(struct conn *c, struct budget *budget)
{
    if (c->task != NULL && c->task->kind == TASK_UPLOAD && buf_is_empty(c->rbuf))
        return conn_upload_receive(c, budget);
    return conn_receive(c, budget);
}

/*
 * All complete input was served: receive, if there may be something. True when serving
 * may go on; *MORE when the budget ended it.
 */
static bool
feed(struct conn *c, struct budget *budget, bool *more)
{
    if (!c->more_input) {
        if (c->eof)
            conn_finish(c, CLOSE_EOF);
        return false;
    }
    if (budget->bytes == 0) {
        *more = true; /* a body that is skipped or received in place has no other end */
        return false;
    }
    switch (receive(c, budget)) {
    case RECEIVED_SOME:
    case RECEIVED_LAST: return true;
    case RECEIVED_END: return c->state == CONN_RUNNING;
    }
    return !CONN_BROKEN(c, true); /* receive_result out of range */
}

/*
 * Its replies fit into its write buffer so far: after a first slice, or a pause, they stay there
 * until it goes on, which spares a call. After any other slice they are sent; and also where
 * going on may have to wait for a buffer, so that no reply waits for that.
 */
static bool
may_hold(const struct conn *c, const struct dispatch *dispatch, bool more)
{
    return more && (dispatch->slice == SLICE_FIRST || dispatch->paused) &&
           conn_has_reply_room(c) && !buf_is_empty(c->wbuf) && !buf_is_empty(c->rbuf) &&
           !c->finishing;
}

/*
 * What is pending is more than a first slice may send. It goes by the next one, which may be long, in one call:
 * others are served before, and less lies in sockets at a time, for caches to hold.
 */
static bool
is_long(const struct conn *c, const struct dispatch *dispatch)
{
    return dispatch->slice == SLICE_FIRST && !c->finishing &&
           buf_pending_bytes(c->wbuf) > dispatch->budget.all_bytes;
}

/* How serving one ended: what is pending may be left for the sends of its group. */
static bool
leave_output(struct conn *c, struct dispatch *dispatch, bool *more)
{
    if (may_hold(c, dispatch, *more)) {
        c->keeps_replies = true;
        return true;
    }
    dispatch->queued = dispatch->may_queue && !*more && !c->finishing && c->task == NULL &&
                       conn_queue_send(c, &dispatch->budget);
    if (dispatch->queued || !is_long(c, dispatch))
        return dispatch->queued;
    c->keeps_replies = true;
    *more = true;
    return true;
}

/* No room for another reply. A good time to end: no call is lost by it. */
static bool
make_room(struct conn *c, struct dispatch *dispatch, bool *more)
{
    bool on;

    (void)conn_send_queued(c->server); /* all that is noted shall have been sent */
    on = drain(c, &dispatch->budget, more);
    if (on)
        conn_settle_latency(dispatch);
    *more = *more || (on && is_over(dispatch));
    return on && !*more;
}

/* True when it has more to do now. */
static bool
run(struct conn *c, struct dispatch *dispatch)
{
    bool more = false;
    bool on = true;

    while (on) {
        switch (conn_step(c, dispatch)) {
        case STEP_ON:
            more = is_spent(dispatch);
            on = !more;
            break;
        case STEP_NEED_INPUT:
            if (c->more_input)
                dispatch->last.known = false; /* what is received may lie where it did */
            on = feed(c, &dispatch->budget, &more);
            break;
        case STEP_NEED_OUTPUT: on = make_room(c, dispatch, &more); break;
        case STEP_STOP: on = false; break;
        }
    }
    if (c->state == CONN_RUNNING && !c->blocked && !leave_output(c, dispatch, &more))
        (void)drain(c, &dispatch->budget, &more);
    return more;
}

bool
conn_dispatch_serve(struct dispatch *dispatch)
{
    struct conn *c = dispatch->conn;
    bool held = c->keeps_replies;
    bool more = false;

    if (UNLIKELY(c->state == CONN_DEAD)) /* killed by another of its group */
        return false;
    if (UNLIKELY(held))
        latency_resume(&c->server->latency, c->held);
    c->keeps_replies = false;
    if ((!held || c->rbuf == NULL) && c->wbuf != NULL && !buf_is_empty(c->wbuf) &&
        !drain(c, &dispatch->budget, &more))
        return more;
    if (c->finishing)
        return false;
    if (!lend(c, LOAN_FOR_OUTPUT, &c->wbuf) ||
        (!dispatch->asked && !lend(c, LOAN_FOR_INPUT, &c->rbuf))) {
        conn_rewind(c, dispatch);
        return false;
    }
    conn_unstash_input(c);
    return run(c, dispatch);
}

/* --- Beginning and ending --- */

/* When it was queued; one that had an event, at the latest when this iteration began. */
static uint64_t
since_ns(const struct conn *c, enum slice_kind slice)
{
    uint64_t now_ns = c->server->clock->now_ns;

    if ((slice == SLICE_FIRST && !c->pipelines) || c->was_stalled || c->session.over_limit)
        return now_ns;
    return latency_unpack(c->queued_at, c->server->latency.last_ns);
}

void
conn_dispatch_begin(struct dispatch *dispatch, struct conn *c, enum slice_kind slice,
                    const struct budget *budget)
{
    struct server *server = c->server;

    if (!CONN_BROKEN(c, c->state != CONN_READY)) {
        list_remove(&c->link.node);
        server->stats.conn_ready--;
        c->state = CONN_RUNNING;
    }
    dispatch->conn = c;
    dispatch->since_ns = since_ns(c, slice);
    dispatch->slice = slice;
    dispatch->was_stalled = c->was_stalled;
    dispatch->budget = *budget;
    if (server->paused == c) {
        dispatch->budget.until_ns = server->paused_until_ns;
        server->paused = NULL;
    }
    dispatch->paused = false;
    dispatch->batch.parsed = false;
    dispatch->asked = false;
    dispatch->last.known = false;
    dispatch->may_queue = false;
    dispatch->queued = false;
    c->was_stalled = false;
    server->stats.conn_dispatches++;
}

static bool
is_fresh(const struct conn *c)
{
    return c->state == CONN_RUNNING && (c->wbuf == NULL || buf_is_empty(c->wbuf)) &&
           (c->rbuf == NULL || buf_is_empty(c->rbuf)) && c->task == NULL &&
           c->discard_bytes == 0 && c->more_input && !c->finishing;
}

bool
conn_dispatch_prepare(struct dispatch *dispatch, struct iovec *room)
{
    struct conn *c = dispatch->conn;

    if (!is_fresh(c))
        return false;
    dispatch->asked = true;
    if (!lend(c, LOAN_FOR_INPUT, &c->rbuf))
        return false;
    conn_unstash_input(c);
    return conn_receive_room(c, room);
}

/* Its slice is not over: it goes on before others that have more to do. */
static void
pause_slice(struct dispatch *dispatch)
{
    struct conn *c = dispatch->conn;
    struct server *server = c->server;

    list_remove(&c->link.node);
    list_push_front(&server->ready, &c->link.node);
    server->paused = c;
    server->paused_until_ns = dispatch->budget.until_ns;
    server->stats.conn_pauses++;
    server->stats.conn_yields--;
}

/*
 * It goes on later. What was executed and not sent stays in its buffer until then, or until it
 * waits for its peer. What is left to do has waited since now; or with such replies, since they have.
 */
static NOINLINE void
note_queued(struct dispatch *dispatch)
{
    struct conn *c = dispatch->conn;
    struct latency *latency = &c->server->latency;
    bool waits_on = c->state != CONN_RUNNING || c->keeps_replies;

    if (c->keeps_replies)
        c->held = latency_hold(latency);
    else
        conn_settle_latency(dispatch);
    if (!c->session.over_limit)
        c->queued_at = latency_pack(waits_on ? dispatch->since_ns : latency->last_ns);
}

/*
 * Whether it brought much for what a dispatch and its calls cost: the next time, too, probably. Then it
 * waits for those that bring little, which hardly makes it wait longer. One without a request says nothing.
 */
static bool
brings_much(const struct dispatch *dispatch)
{
    const struct budget *budget = &dispatch->budget;
    uint32_t requests = budget->all_requests - budget->requests;

    if (requests == 0)
        return dispatch->conn->pipelines;
    return requests > DRAWN(LIGHT_REQUESTS) || budget->all_bytes - budget->bytes > LIGHT_BYTES;
}

void
conn_dispatch_end(struct dispatch *dispatch, bool more)
{
    struct conn *c = dispatch->conn;
    /* A blocked connection waits for its socket, however much it has left to do. */
    bool on = more && !c->blocked;
    /* For a buffer; others of its group may have returned one meanwhile: then it is ready. */
    bool waited = c->state == CONN_WAITING || c->state == CONN_READY;

    if (UNLIKELY(on || waited || c->keeps_replies))
        note_queued(dispatch);
    else
        conn_settle_latency(dispatch);
    if (c->state ==
        CONN_RUNNING) /* else it is in a list, or will be in that of those with more to do */
        c->pipelines = brings_much(dispatch);
    conn_settle(c, on, dispatch->was_stalled);
    if (dispatch->paused && c->state == CONN_READY)
        pause_slice(dispatch);
}
