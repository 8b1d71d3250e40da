/*
 * Looks at a part of all connections each tick, so that none needs a timer of its
 * own: closes connections that are idle for too long, that do not authenticate, that are slow by
 * HTTP, or whose host has vanished.
 */
#include "sweep.h"

#include "conn.h"
#include "lombard/base/sys.h"
#include "lombard/event/listen.h"
#include "task.h"

/* One that has something to do, or waits for a buffer, does not wait for its peer. */
static bool
is_idle(const struct conn *c)
{
    switch (c->state) {
    case CONN_IDLE:
    case CONN_STALLED: break;
    case CONN_RUNNING:
    case CONN_READY:
    case CONN_WAITING:
    case CONN_DEAD: return false;
    }
    return !conn_has_event(c);
}

static uint32_t
silent_for_s(const struct conn *c)
{
    return c->server->attended_s - c->active_s;
}

/* Part by part; from where the last tick ended. */
static uint64_t
end_of_part(const struct server *server, uint64_t cursor)
{
    uint64_t part = table_span(&server->table) / SWEEP_PARTS + 1;

    return cursor + (part < SWEEP_SLOTS_MAX ? part : SWEEP_SLOTS_MAX);
}

static bool
is_idle_too_long(const struct conn *c)
{
    uint32_t limit_s = c->server->config.idle_timeout_s;

    /* Where nothing happens, a watcher is told nothing. */
    return limit_s > 0 && silent_for_s(c) > limit_s && is_idle(c) &&
           (c->blocked || !conn_is_watching(c));
}

/* All places of operators are taken, and this one does not use its own. */
static bool
is_idle_operator(const struct conn *c)
{
    const struct server *server = c->server;
    uint32_t limit_s = server->config.operator_timeout_s;

    return UNLIKELY(c->session.role == ROLE_ADMIN) && limit_s > 0 &&
           server->role_conns[ROLE_ADMIN] >= server->config.admin_conns &&
           silent_for_s(c) > limit_s && is_idle(c);
}

/* However busy it is: a second more is only for what may just have come. */
static bool
is_overdue(const struct conn *c, uint32_t limit_s)
{
    uint32_t age_s = c->server->attended_s - c->accepted_s;

    return limit_s > 0 && age_s > limit_s && (age_s > limit_s + 1 || is_idle(c));
}

static bool
is_unauthenticated_too_long(const struct conn *c)
{
    return UNLIKELY(!c->session.authenticated) &&
           is_overdue(c, c->server->config.auth_timeout_s);
}

/* One request after the other: waited for, however many bytes come, and its answer taken. */
static bool
is_slow_by_http(const struct conn *c)
{
    return UNLIKELY(c->session.role == ROLE_HTTP) &&
           is_overdue(c, c->server->config.http_timeout_s);
}

void
server_sweep_idle(struct server *server)
{
    uint64_t until = end_of_part(server, server->idle_cursor);
    bool looks = server->config.idle_timeout_s > 0 || cmd_wants_auth(server->cmd) ||
                 server->has_admin || server->role_conns[ROLE_HTTP] > 0;
    struct conn *c;

    while (looks && server->idle_cursor < until) {
        c = table_next(&server->table, &server->idle_cursor);
        if (c == NULL) {
            server->idle_cursor = 0;
            return;
        }
        if (is_unauthenticated_too_long(c))
            conn_mark_dead(c, CLOSE_AUTH_TIMEOUT);
        else if (is_slow_by_http(c))
            conn_mark_dead(c, CLOSE_HTTP_TIMEOUT);
        else if (is_idle_operator(c))
            conn_mark_dead(c, CLOSE_OPERATOR_IDLE);
        else if (is_idle_too_long(c))
            conn_mark_dead(c, CLOSE_IDLE);
    }
}

/*
 * Whether what was sent to its peer, or asked of it, is not acknowledged any more. A peer
 * that is alive acknowledges even where its window is closed; and since what is repeated is
 * so ever more rarely, one repetition alone proves nothing.
 */
static bool
has_vanished(const struct conn *c)
{
    enum { UNANSWERED_MIN = 2 };
    struct sys_peer_state peer;

    return sys_peer_state(c->watch.fd, &peer) && peer.unanswered >= UNANSWERED_MIN &&
           peer.silent_ms >= c->server->config.peer_timeout_s * UINT64_C(1000);
}

void
server_sweep_vanished(struct server *server)
{
    uint64_t until = end_of_part(server, server->vanished_cursor);
    uint32_t limit_s = server->config.peer_timeout_s;
    unsigned looks = 0;
    struct conn *c;

    while (limit_s > 0 && looks < VANISHED_LOOKS && server->vanished_cursor < until) {
        c = table_next(&server->table, &server->vanished_cursor);
        if (c == NULL) {
            server->vanished_cursor = 0;
            return;
        }
        if (c->state == CONN_DEAD || silent_for_s(c) < limit_s)
            continue;
        looks++;
        if (has_vanished(c))
            conn_mark_dead(c, CLOSE_VANISHED);
    }
}

void
server_change_peer_timeout(struct server *server, uint32_t seconds)
{
    server->config.peer_timeout_s = seconds;
    server->probes_cursor = 0;
    server->probes_change = true;
}

void
server_sweep_probes(struct server *server)
{
    enum { CHANGES_MAX = 64 }; /* three system calls each */
    uint64_t until = server->probes_cursor + SWEEP_SLOTS_MAX;

    if (LIKELY(!server->probes_change))
        return;
    if (server->probes_cursor == 0)
        for (int i = 0; i < server->listener_count; i++)
            if (server->listeners[i].watch.fd >= 0)
                listen_change_peer_timeout(server->listeners[i].watch.fd,
                                           server->config.peer_timeout_s);
    for (int i = 0; i < CHANGES_MAX; i++) {
        const struct conn *c = table_search(&server->table, &server->probes_cursor, until);

        if (c == NULL)
            break;
        if (c->state != CONN_DEAD)
            listen_change_peer_timeout(c->watch.fd, server->config.peer_timeout_s);
    }
    server->probes_change = server->probes_cursor < table_span(&server->table);
}
