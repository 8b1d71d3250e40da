#include <stdio.h>

#include "server_priv.h"

/* What the walk over all connections has counted. */
struct tally {
    uint64_t lent[2];
    uint32_t conns;
    uint32_t stalled;
};

/* NULL, or the invariant that connection C breaks. */
static const char *
check_conn(const struct conn *c, struct tally *tally)
{
    tally->conns++;
    tally->lent[LOAN_FOR_INPUT] += c->rbuf != NULL;
    tally->lent[LOAN_FOR_OUTPUT] += c->wbuf != NULL;
    tally->stalled += c->state == CONN_STALLED;
    /* Between the grant of a buffer and being served it may have both. */
    if (c->stash != NULL && c->rbuf != NULL && c->state != CONN_READY)
        return "a connection has a stash and a read buffer";
    switch ((enum conn_state)c->state) {
    case CONN_ASLEEP:
        if (c->task != NULL ||
            (!c->server->config.keep_buffers && (c->rbuf != NULL || c->wbuf != NULL)))
            return "a sleeping connection holds a buffer or a task";
        return NULL;
    case CONN_STALLED:
        if (c->server->config.keep_buffers)
            return NULL;
        if ((c->rbuf != NULL && buf_is_empty(c->rbuf)) ||
            (c->wbuf != NULL && buf_is_empty(c->wbuf)))
            return "a stalled connection holds an empty buffer";
        if ((c->flags & CONN_BLOCKED) && c->watch.wanted != WATCH_OUT)
            return "a blocked connection is not watched for output alone";
        return NULL;
    case CONN_WAITING:
        if (c->watch.wanted != 0)
            return "a connection waits for a buffer and is watched";
        return NULL;
    case CONN_READY: return NULL;
    case CONN_RUNNING: return "a connection runs between two turns";
    case CONN_DEAD: return "a dead connection was not reaped";
    }
    BUG("conn_state out of range");
}

static const char *
check_totals(const struct server *server, const struct tally *tally)
{
    struct pool_ledger ledger;

    pool_ledger(server->pool, &ledger);
    if (!pool_check(server->pool))
        return "the freelist or its ledger is wrong";
    if (ledger.lent_for[LOAN_FOR_INPUT] != tally->lent[LOAN_FOR_INPUT] ||
        ledger.lent_for[LOAN_FOR_OUTPUT] != tally->lent[LOAN_FOR_OUTPUT])
        return "the ledger and the connections disagree about what is lent";
    if (tally->conns != server->table.conns ||
        tally->conns > server->config.max_conns + (server->operator!= NULL))
        return "the number of connections is wrong";
    if (tally->stalled != server->stats.conn_stalled)
        return "the number of stalled connections is wrong";
    if (!list_is_empty(&server->dead))
        return "the dead were not reaped";
    return NULL;
}

bool
server_check(struct server *server, char *why, size_t bytes)
{
    struct tally tally = {{0, 0}, 0, 0};
    const char *broken = NULL;
    uint64_t cursor = 0;
    struct conn *c;

    while (broken == NULL && (c = table_next(&server->table, &cursor)) != NULL)
        broken = check_conn(c, &tally);
    if (broken == NULL)
        broken = check_totals(server, &tally);
    if (broken == NULL)
        return true;
    (void)snprintf(why, bytes, "%s", broken);
    return false;
}
