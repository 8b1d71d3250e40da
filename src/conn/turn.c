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

/* Few batches take long enough to look at the clock after each. */
static bool
is_spent(struct budget *budget)
{
    enum { CHECKS_A_LOOK = 4 };

    if (budget->bytes == 0 || budget->requests == 0)
        return true;
    if (++budget->checks % CHECKS_A_LOOK != 1)
        return false;
    if (budget->until_ns == 0) {
        budget->until_ns = sys_monotonic_ns() + BUDGET_NS;
        return false;
    }
    return sys_monotonic_ns() > budget->until_ns;
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
serve(struct conn *c, struct turn *turn)
{
    struct budget *budget = &turn->budget;
    bool more = false;
    bool on = true;

    if (c->wbuf != NULL && !buf_is_empty(c->wbuf) && !drain(c, budget, &more))
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
        conn_make_ready(c, &server->ready);
    } else if (holds_something(c)) {
        stall(c, was_stalled);
    } else if (server->stopping) {
        conn_mark_dead(c, CLOSE_SHUTDOWN);
    } else {
        c->state = CONN_ASLEEP;
    }
}

/* --- A group of connections, each for its turn --- */

static void
turn_begin(struct turn *turn, struct conn *c, struct batch_entry *entries)
{
    struct server *server = c->server;
    uint32_t requests = server->config.requests_a_turn;

    turn->conn = c;
    turn->was_stalled = c->state == CONN_STALLED;
    turn->budget = (struct budget){
        .bytes = BUDGET_BYTES,
        .requests = requests == 0 ? UINT32_MAX : requests,
    };
    turn->batch.entries = entries;
    turn->batch.parsed = false;
    turn->asked = false;
    conn_leave_list(c);
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

static void
end_turn(struct turn *turn, bool more)
{
    struct conn *c = turn->conn;

    /* Who is blocked waits for its socket, however much it has left to do. */
    settle(c, more && !(c->flags & CONN_BLOCKED), turn->was_stalled);
}

/*
 * Begin with one after the other from QUEUE until a batch is full, whether it is
 * of one connection or of many. Returns how many TURNS there are to be served.
 */
static unsigned
gather(struct server *server, struct list_node *queue, struct turn *turns)
{
    unsigned requests = 0;
    unsigned count = 0;
    struct list_node *node;

    while (count < GROUP_CONNS && requests < BATCH_REQUESTS &&
           (node = list_pop_front(queue)) != NULL) {
        struct turn *turn = &turns[count];

        turn_begin(turn, conn_from_place(node), server->group_batch + requests);
        look_ahead(turn);
        if (turn->conn->state == CONN_RUNNING) {
            count++;
            requests += turn->batch.parsed ? turn->batch.count : 0;
        } else {
            end_turn(turn, false); /* now: what others give back may be granted to it */
        }
    }
    return count;
}

void
conn_dispatch_group(struct server *server, struct list_node *queue)
{
    struct turn turns[GROUP_CONNS];
    unsigned count = gather(server, queue, turns);

    for (unsigned i = 0; i < count; i++)
        if (turns[i].batch.parsed)
            conn_prefetch_ahead(turns[i].conn, &turns[i]);
    for (unsigned i = 0; i < count; i++)
        end_turn(&turns[i], serve(turns[i].conn, &turns[i]));
}

void
conn_dispatch(struct conn *c)
{
    struct turn turn;

    turn_begin(&turn, c, NULL);
    end_turn(&turn, serve(c, &turn));
}
