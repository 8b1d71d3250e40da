/* Checks every invariant of connections, buffers and lists: for tests, between iterations. */
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "server_state.h"
#include "stash.h"
#include "task.h"

/* What the walk over all connections has counted. */
struct census {
    uint64_t lent[LOAN_PURPOSES];
    uint64_t pins;
    uint64_t stash_bytes;
    uint64_t task_bytes;
    uint32_t conns;
    uint32_t stalled_for_nothing;
    uint32_t named;
    uint32_t in_state[CONN_STATES];
    uint32_t of_role[SESSION_ROLES];
};

static uint64_t
pins_of_join(const struct cmd *cmd, const struct cmd_join *join)
{
    return (join->old != NULL ? cmd_item_pin_count(cmd, join->old) : 0) +
           (join->handle != NULL ? cmd_item_pin_count(cmd, join->handle) : 0);
}

static uint64_t
pins_of(const struct conn *c)
{
    uint64_t pins = c->wbuf == NULL ? 0 : c->wbuf->ref_count - c->wbuf->ref_done;
    const void *item = c->task == NULL ? NULL : task_pinned_item(c->task);

    if (item != NULL)
        pins += cmd_item_pin_count(c->server->cmd, item);
    if (c->server->joining == c)
        pins += pins_of_join(c->server->cmd, &c->task->join);
    return pins;
}

static void
count_conn(const struct conn *c, struct census *census)
{
    census->conns++;
    census->in_state[c->state]++;
    census->named += strcmp(client_names_get(&c->server->names, c->id), "-") != 0;
    census->of_role[c->session.role]++;
    census->lent[LOAN_FOR_INPUT] += c->rbuf != NULL;
    census->lent[LOAN_FOR_OUTPUT] += c->wbuf != NULL;
    census->pins += pins_of(c);
    census->stash_bytes += conn_stash_bytes(c);
    census->task_bytes += c->task != NULL ? task_bytes(c->task) : 0;
    census->stalled_for_nothing +=
        c->state == CONN_STALLED && c->rbuf == NULL && c->wbuf == NULL && c->task == NULL;
}

static bool
holds_an_empty_buffer(const struct conn *c)
{
    return (c->rbuf != NULL && buf_is_empty(c->rbuf)) ||
           (c->wbuf != NULL && buf_is_empty(c->wbuf));
}

/* They do not wait for a buffer: there is one for the rest of the input, or they are sent before one is asked for. */
static bool
may_keep_replies(const struct conn *c)
{
    return c->wbuf != NULL &&
           (c->rbuf != NULL || buf_pending_bytes(c->wbuf) > DRAWN(SLICE_BYTES));
}

/* NULL, or the invariant that connection C breaks. */
static const char *
check_conn(const struct conn *c)
{
    bool lends = !c->server->config.keep_buffers;

    if (c->task != NULL && c->task->kind == TASK_JOIN && c->task->join.handle != NULL &&
        (c->server->joining != c || c->state != CONN_READY))
        return "a connection joins values and is not ready, or not the one that does";
    /* Between the grant of a buffer and being served it may have both. */
    if (c->stash != NULL && c->rbuf != NULL && c->state != CONN_READY)
        return "a connection has a stash and a read buffer";
    switch (c->state) {
    case CONN_IDLE:
        if (c->task != NULL || (lends && (c->rbuf != NULL || c->wbuf != NULL)))
            return "an idle connection holds a buffer or a task";
        if (c->watch.wanted != WATCH_IN)
            return "an idle connection is not watched for input";
        return NULL;
    case CONN_STALLED:
        if (lends && !conn_is_watching(c) && holds_an_empty_buffer(c))
            return "a stalled connection holds an empty buffer";
        if (c->blocked && c->watch.wanted != WATCH_OUT)
            return "a blocked connection is not watched for output alone";
        return NULL;
    case CONN_WAITING:
        if (c->watch.wanted != 0)
            return "a connection waits for a buffer and is watched";
        if (lends && !conn_is_watching(c) && holds_an_empty_buffer(c))
            return "a connection waits for a buffer and holds an empty one";
        return NULL;
    case CONN_READY:
        if (c->keeps_replies && !may_keep_replies(c))
            return "replies are held while a buffer may have to be waited for";
        return NULL;
    case CONN_RUNNING: return "a connection runs between two iterations";
    case CONN_DEAD: return "a dead connection was not reaped";
    }
    BUG("conn_state out of range");
}

static const char *
check_loans(const struct server *server, const struct census *census)
{
    struct pool_ledger ledger;

    pool_ledger(server->pool, &ledger);
    if (!pool_check(server->pool))
        return "the freelist or its ledger is wrong";
    if (ledger.lent_for[LOAN_FOR_INPUT] != census->lent[LOAN_FOR_INPUT] ||
        ledger.lent_for[LOAN_FOR_OUTPUT] != census->lent[LOAN_FOR_OUTPUT])
        return "the ledger and the connections disagree about what is lent";
    if (ledger.lent_for[LOAN_FOR_INPUT] > ledger.limit - ledger.reserve && !ledger.lowered)
        return "input has what is reserved for output";
    if (ledger.waiters != census->in_state[CONN_WAITING])
        return "the queues of the pool and the waiting connections disagree";
    if (census->stash_bytes != server->stats.stash_bytes ||
        census->stash_bytes > server->config.buffer_bytes)
        return "stashes are counted wrongly, or above their limit";
    if (census->task_bytes != server->stats.task_bytes)
        return "tasks are counted wrongly";
    return NULL;
}

/* Count in FOUND; false when one is not ready, or belongs into another list. */
static bool
count_ready(const struct list_node *list, bool pipelines, struct census *found)
{
    list_for_each (node, list) {
        const struct conn *c = conn_from_link(node);

        if (c->state != CONN_READY || c->pipelines != pipelines)
            return false;
        found->in_state[CONN_READY]++;
    }
    return true;
}

/* Whether all in the lists of ready ones are that, and none is missing. */
static bool
are_lists_of_ready(const struct server *server, const struct census *census)
{
    struct census found = {0};

    return count_ready(&server->ready, false, &found) &&
           count_ready(&server->pipelines, true, &found) &&
           found.in_state[CONN_READY] == census->in_state[CONN_READY];
}

/* Count in FOUND; false when one is in another state. */
static bool
count_stalled(const struct list_node *list, struct census *found)
{
    list_for_each (node, list) {
        if (conn_from_link(node)->state != CONN_STALLED)
            return false;
        found->in_state[CONN_STALLED]++;
    }
    return true;
}

static bool
count_line(const struct stall_line *line, struct census *found)
{
    bool good = count_stalled(&line->oldest, found);

    for (unsigned i = 0; good && i < STALL_SLOTS; i++)
        good = count_stalled(&line->recent[i], found) && count_stalled(&line->older[i], found);
    return good;
}

/* Whether all in the lines of stalled ones are that, and none is missing. */
static bool
are_lines_of_stalled(const struct server *server, const struct census *census)
{
    struct census found = {0};

    for (unsigned kind = 0; kind < STALL_KINDS; kind++)
        for (unsigned class = 0; class < STALL_CLASSES; class ++)
            if (!count_line(&server->stalled[kind][class], &found))
                return false;
    return found.in_state[CONN_STALLED] == census->in_state[CONN_STALLED];
}

static const char *
check_totals(const struct server *server, const struct census *census)
{
    if (census->conns != server->table.conns ||
        memcmp(census->of_role, server->role_conns, sizeof(census->of_role)) != 0)
        return "the number of connections is wrong";
    if (census->named != server->names.count)
        return "a name is no connection's";
    if (census->in_state[CONN_STALLED] != server->stats.conn_stalled)
        return "the number of stalled connections is wrong";
    if (census->in_state[CONN_READY] != server->stats.conn_ready)
        return "the number of ready connections is wrong";
    if (census->stalled_for_nothing > 0)
        return "a stalled connection holds nothing";
    if (!list_is_empty(&server->dead))
        return "a dead connection is left in the list";
    if (!are_lists_of_ready(server, census) || !are_lines_of_stalled(server, census))
        return "a list and its state disagree";
    if (census->in_state[CONN_READY] > 0 && loop_wait_ms(server->loop) != 0)
        return "a connection has something to do, and the loop would wait";
    if (census->pins != cmd_pin_count(server->cmd))
        return "a pin has no owner, or was released too early";
    if (!cmd_check(server->cmd))
        return "the store does not add up, or is above its limit";
    return NULL;
}

bool
server_check(struct server *server, char *why, size_t bytes)
{
    struct census census = {0};
    const char *broken = NULL;
    uint64_t cursor = 0;
    struct conn *c;

    while (broken == NULL && (c = table_next(&server->table, &cursor)) != NULL) {
        broken = check_conn(c);
        if (broken == NULL)
            count_conn(c, &census);
    }
    if (broken == NULL)
        broken = check_loans(server, &census);
    if (broken == NULL)
        broken = check_totals(server, &census);
    if (broken == NULL)
        return true;
    (void)snprintf(why, bytes, "%s", broken);
    return false;
}
