/*
 * The connections that hold something while they wait for their peer, and which
 * of them is closed when others need what they hold.
 */
#include "server_priv.h"

void
server_add_stalled(struct server *server, struct conn *c)
{
    struct list_node *before = server->stalled.prev;

    /* Nearly always the newest: only who made no progress keeps an older time. */
    while (before != &server->stalled &&
           (int32_t)(conn_from_place(before)->stalled_ms - c->stalled_ms) > 0)
        before = before->prev;
    c->state = CONN_STALLED;
    list_push_front(before, &c->place.node);
    server->stats.conn_stalled++;
}

static void
shed(struct conn *c, enum close_reason reason)
{
    conn_mark_dead(c, reason);
    conn_release(c);
}

static struct conn *
longest_stalled(const struct server *server, bool (*holds)(const struct conn *c))
{
    list_for_each (node, &server->stalled) {
        struct conn *c = conn_from_place(node);

        if (holds(c))
            return c;
    }
    return NULL;
}

bool
server_shed_pins(struct server *server)
{
    struct conn *victim;

    if (!cmd_pins_exceed(server->cmd))
        return false;
    victim = longest_stalled(server, conn_holds_pins);
    if (victim == NULL)
        return false;
    shed(victim, CLOSE_SHED_PINS);
    return true;
}

static bool
holds_buffers(const struct conn *c)
{
    return c->wbuf != NULL || c->rbuf != NULL;
}

/* Others wait for buffers: one stalled connection gives way for each of them. */
static void
shed_for_waiters(struct server *server)
{
    struct pool_ledger ledger;

    pool_ledger(server->pool, &ledger);
    while (ledger.waiters > 0) {
        struct conn *victim = longest_stalled(server, holds_buffers);

        if (victim == NULL || conn_stalled_for_ms(victim) < SHED_AFTER_MS ||
            conn_has_event(victim))
            return;
        shed(victim, CLOSE_SHED_BUFFERS);
        pool_ledger(server->pool, &ledger);
    }
}

static void
shed_for_pins(struct server *server)
{
    while (cmd_pins_exceed(server->cmd)) {
        struct conn *victim = longest_stalled(server, conn_holds_pins);

        if (victim == NULL || conn_stalled_for_ms(victim) < SHED_AFTER_MS ||
            conn_has_event(victim))
            return;
        shed(victim, CLOSE_SHED_PINS);
    }
}

static bool
is_blocked(const struct conn *c)
{
    return (c->flags & CONN_BLOCKED) != 0;
}

static void
close_send_timeouts(struct server *server)
{
    uint64_t limit_ms = (uint64_t)server->config.send_timeout_s * 1000;
    struct conn *c;

    while (limit_ms > 0 && (c = longest_stalled(server, is_blocked)) != NULL &&
           conn_stalled_for_ms(c) >= limit_ms && !conn_has_event(c))
        shed(c, CLOSE_STALLED);
}

void
server_shed(struct server *server)
{
    shed_for_waiters(server);
    shed_for_pins(server);
    close_send_timeouts(server);
}

void
server_shed_for_waiters(struct server *server)
{
    shed_for_waiters(server);
}
