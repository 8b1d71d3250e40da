#include "lombard/base/sys.h"
#include "server_priv.h"

/* --- Being served --- */

/* Lend what it lacks. Part of the limit is for output alone: what is read can be answered. */
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

/* Whether its slice is over; or, with turn->paused, whether others shall be looked for first. */
static bool
is_over(struct turn *turn)
{
    struct budget *budget = &turn->budget;
    uint64_t now_ns;

    if (budget->bytes == 0 || budget->requests == 0)
        return true;
    now_ns = sys_monotonic_ns();
    if (budget->until_ns == 0)
        budget->until_ns = now_ns + SLICE_NS;
    if (now_ns > budget->until_ns)
        return true;
    turn->paused = turn->slice == SLICE_MORE && now_ns >= turn->conn->server->look_ns;
    return turn->paused;
}

/* Likewise; but few batches take long enough to look at the clock after each. */
static bool
is_spent(struct turn *turn)
{
    enum { CHECKS_A_LOOK = 4 };
    struct budget *budget = &turn->budget;

    if (budget->bytes == 0 || budget->requests == 0)
        return true;
    return ++budget->checks % CHECKS_A_LOOK == 1 && is_over(turn);
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

/*
 * What was served of it fits into its write buffer so far: after a first slice, or a pause, it
 * is left there until it goes on, which spares a call. After any other slice it leaves; and
 * where going on may have to wait for a buffer, so that no reply waits for that.
 */
static bool
may_hold(const struct conn *c, const struct turn *turn, bool more)
{
    return more && (turn->slice == SLICE_FIRST || turn->paused) && conn_has_reply_room(c) &&
           !buf_is_empty(c->wbuf) && !buf_is_empty(c->rbuf) && !(c->flags & CONN_FINISHING);
}

/* Serve until input, room, budget or life ends. True when it has more to do at once. */
static bool
serve(struct conn *c, struct turn *turn)
{
    struct budget *budget = &turn->budget;
    bool held = (c->flags & CONN_HELD) != 0;
    bool more = false;
    bool on = true;

    c->flags &= (uint8_t)~CONN_HELD;
    if (!held && c->wbuf != NULL && !buf_is_empty(c->wbuf) && !drain(c, budget, &more))
        return more;
    if (c->flags & CONN_FINISHING)
        return false;
    if (!lend(c, LOAN_FOR_OUTPUT, &c->wbuf) ||
        (!turn->asked && !lend(c, LOAN_FOR_INPUT, &c->rbuf))) {
        conn_parse_back(c, turn);
        return false;
    }
    conn_unstash_input(c);
    while (on) {
        switch (conn_step(c, turn)) {
        case STEP_ON:
            more = is_spent(turn);
            on = !more;
            break;
        case STEP_HUNGRY: on = feed(c, budget, &more); break;
        case STEP_FULL: /* a good time to end: no call is lost by it */
            on = drain(c, budget, &more);
            more = more || (on && is_over(turn));
            on = on && !more;
            break;
        case STEP_STOP: on = false; break;
        }
    }
    if (c->state == CONN_RUNNING && !(c->flags & CONN_BLOCKED)) {
        if (may_hold(c, turn, more))
            c->flags |= CONN_HELD;
        else
            (void)drain(c, budget, &more);
    }
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
    if (c->server->joining == c) /* it goes on: it must not have to wait for them */
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
    if (!more || c->state != CONN_RUNNING)
        conn_join_suspend(c);
    return_buffers(c, more);
    if (c->state == CONN_READY)
        return;
    if ((c->flags & CONN_FINISHING) && c->wbuf == NULL) {
        conn_mark_dead(c, (enum close_reason)c->close_reason);
        conn_release(c);
        return;
    }
    if (more && c->state == CONN_RUNNING) {
        server->stats.conn_yields++;
        conn_make_ready(c, &server->ready); /* whatever is watched: on_event() knows */
        return;
    }
    if (!loop_want(server->loop, &c->watch, wanted_events(c))) {
        conn_mark_dead(c, CLOSE_NO_MEMORY);
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
        c->state = CONN_ASLEEP;
    }
}

/* --- A group of connections, each for its turn --- */

static uint32_t
requests_of_slice(const struct server *server, enum slice_kind slice)
{
    uint32_t requests = slice == SLICE_FIRST ? DRAWN(FIRST_REQUESTS) : UINT32_MAX;
    uint32_t asked = server->config.requests_a_turn;

    return asked > 0 && asked < requests ? asked : requests;
}

static void
turn_begin(struct turn *turn, struct conn *c, enum slice_kind slice)
{
    struct server *server = c->server;

    conn_leave_list(c);
    turn->conn = c;
    turn->slice = slice;
    turn->was_stalled = (c->flags & CONN_WAS_STALLED) != 0;
    turn->budget = (struct budget){
        .bytes = DRAWN(SLICE_BYTES),
        .requests = requests_of_slice(server, slice),
    };
    if (server->paused == c) {
        turn->budget.until_ns = server->paused_until_ns;
        server->paused = NULL;
    }
    turn->paused = false;
    turn->batch.parsed = false;
    turn->asked = false;
    c->flags &= (uint8_t)~CONN_WAS_STALLED;
    c->state = CONN_RUNNING;
    server->stats.conn_dispatches++;
}

static bool
is_fresh(const struct conn *c)
{
    return (c->wbuf == NULL || buf_is_empty(c->wbuf)) &&
           (c->rbuf == NULL || buf_is_empty(c->rbuf)) && c->task == NULL &&
           c->swallow_bytes == 0 && (c->flags & CONN_MORE_INPUT) &&
           !(c->flags & CONN_FINISHING);
}

/* Receive and parse, as serve() would first of all. */
static void
look_ahead(struct turn *turn)
{
    struct conn *c = turn->conn;
    bool more = false;

    if (!is_fresh(c))
        return;
    turn->asked = true;
    if (!lend(c, LOAN_FOR_INPUT, &c->rbuf))
        return;
    conn_unstash_input(c);
    (void)feed(c, &turn->budget, &more);
    if (c->state == CONN_RUNNING && conn_input(c).len > 0)
        conn_parse_ahead(c, turn);
}

/* Its slice is not over: it goes on before others that have more to do. */
static void
pause_slice(struct turn *turn)
{
    struct conn *c = turn->conn;
    struct server *server = c->server;

    list_remove(&c->place.node);
    list_push_front(&server->ready, &c->place.node);
    server->paused = c;
    server->paused_until_ns = turn->budget.until_ns;
    server->stats.conn_pauses++;
    server->stats.conn_yields--;
}

static void
end_turn(struct turn *turn, bool more)
{
    struct conn *c = turn->conn;

    /* Who is blocked waits for its socket, however much it has left to do. */
    settle(c, more && !(c->flags & CONN_BLOCKED), turn->was_stalled);
    if (turn->paused && c->state == CONN_READY)
        pause_slice(turn);
}

/* What a turn adds to the group; one that goes on with its work has a group to itself. */
static unsigned
share_of_group(const struct turn *turn)
{
    if (!turn->asked)
        return DRAWN(BATCH_REQUESTS);
    return turn->batch.parsed ? turn->batch.count : 0;
}

/*
 * Begin with one after the other from QUEUE until a batch is full, whether it is
 * of one connection or of many. Returns how many TURNS there are to be served.
 */
static unsigned
gather(struct server *server, struct list_node *queue, enum slice_kind slice,
       struct turn *turns)
{
    unsigned requests = 0;
    unsigned count = 0;
    struct list_node *node;

    while (count < DRAWN(GROUP_CONNS) && requests < DRAWN(BATCH_REQUESTS) &&
           (node = list_pop_front(queue)) != NULL) {
        struct turn *turn = &turns[count];

        turn_begin(turn, conn_from_place(node), slice);
        turn->batch.entries = server->group_batch + requests;
        look_ahead(turn);
        if (turn->conn->state == CONN_RUNNING) {
            count++;
            requests += share_of_group(turn);
        } else {
            end_turn(turn, false); /* now: what others give back may be granted to it */
        }
    }
    return count;
}

void
conn_dispatch_group(struct server *server, struct list_node *queue, enum slice_kind slice)
{
    struct turn turns[GROUP_CONNS];
    unsigned count = gather(server, queue, slice, turns);

    for (unsigned i = 0; i < count; i++)
        if (turns[i].batch.parsed)
            conn_prefetch_ahead(turns[i].conn, &turns[i]);
    for (unsigned i = 0; i < count; i++)
        end_turn(&turns[i], serve(turns[i].conn, &turns[i]));
}
