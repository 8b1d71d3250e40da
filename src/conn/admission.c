/* Lets connections in: of each role up to its limit, and one client more from this host, for an operator. */
#include "admission.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "conn.h"
#include "lombard/base/eventlog.h"
#include "lombard/base/log.h"
#include "lombard/base/sys.h"

enum { PAUSE_LINES = 5 }; /* a minute: a pause lasts a tenth of a second */

/* How many connections of ROLE there may be. */
static uint32_t
limit_of(const struct server *server, enum session_role role)
{
    switch (role) {
    case ROLE_CLIENT: return server->config.max_conns;
    case ROLE_ADMIN: return server->config.admin_conns;
    case ROLE_HTTP: return server->config.http_conns;
    }
    BUG("session_role out of range");
}

/* --- Saying no --- */

struct slice
server_reject_text(void)
{
    return SLICE("ERROR Too many open connections\r\n");
}

static const char *
option_of(enum session_role role)
{
    switch (role) {
    case ROLE_CLIENT: return "-c";
    case ROLE_ADMIN: return "--admin-conns";
    case ROLE_HTTP: return "--http-conns";
    }
    BUG("session_role out of range");
}

/* What does not become a connection has no id. LIMIT: by what, with CONNS that there are. */
static void
note_refused(struct event_kind *kind, int fd, const char *limit, uint32_t conns)
{
    char peer[128];

    if (!event_admits(kind))
        return;
    sys_peer_name(fd, peer, sizeof(peer));
    event_add(kind, "addr=%s limit=%s conns=%" PRIu32, peer, limit, conns);
}

static void
reject(struct server *server, int fd, enum session_role role)
{
    static struct event_kind kind = EVENT_KIND("refused reason=conn_limit", LOG_WARN);
    struct slice text = role == ROLE_HTTP ? proto_http_rejection() : server_reject_text();

    if (role == ROLE_HTTP)
        server->stats.http_rejected++;
    else
        server->stats.rejected_connections++;
    note_refused(&kind, fd, option_of(role), limit_of(server, role));
    if (sys_send(fd, text.ptr, text.len) > 0)
        linger_begin(&server->lingerers, fd);
    else
        (void)sys_close(fd); /* without its answer: the socket takes nothing */
}

/* --- One connection more, so that an operator gets in --- */

static bool
is_local(int fd)
{
    static const char *const local[] = {"unix:", "tcp:127.", "tcp6:[::1]", "tcp6:[::ffff:127."};
    char peer[128];

    sys_peer_name(fd, peer, sizeof(peer));
    for (size_t i = 0; i < ARRAY_LEN(local); i++)
        if (strncmp(peer, local[i], strlen(local[i])) == 0)
            return true;
    return false;
}

/* The operator's connection is none of the clients, and does not count as one. */
static bool
has_room(const struct server *server, enum session_role role)
{
    uint32_t spare = role == ROLE_CLIENT && server->operator_conn != NULL;

    return server->role_conns[role] - spare < limit_of(server, role);
}

/* Whether one more connection may be the operator's. */
static bool
may_operate(const struct server *server, int fd, enum session_role role)
{
    return role == ROLE_CLIENT && !server->has_admin && !server->config.proxy_is_client &&
           server->operator_conn == NULL && is_local(fd);
}

bool
server_is_operator(const struct conn *c)
{
    const struct server *server = c->server;

    return c->session.role == ROLE_ADMIN ||
           (!server->has_admin && !server->config.proxy_is_client && is_local(c->watch.fd));
}

bool
server_make_client(struct server *server, struct conn *c)
{
    if (c != server->operator_conn || !has_room(server, ROLE_CLIENT))
        return false;
    server->operator_conn = NULL;
    c->session.over_limit = false;
    c->has_looked = false;
    return true;
}

/* While it is there, no other operator gets in. */
static void
close_idle_operator(struct conn *c)
{
    uint32_t limit_s = c->server->config.operator_timeout_s;

    if (limit_s == 0 || c->server->attended_s - c->active_s <= limit_s || conn_has_event(c))
        return;
    conn_mark_dead(c, CLOSE_OPERATOR_IDLE);
}

void
server_check_operator(struct server *server)
{
    struct conn *c = server->operator_conn;
    struct slice text = server_reject_text();

    if (c == NULL || c->state == CONN_DEAD || c->finishing)
        return;
    if (c->has_looked) {
        close_idle_operator(c);
        return;
    }
    if (conn_stalled_for_ms(c) < OPERATOR_WAIT_MS || conn_has_event(c) ||
        server_make_client(server, c))
        return;
    server->stats.rejected_connections++;
    /* No command has come from it, so nothing is queued before this text. */
    if (sys_send(c->watch.fd, text.ptr, text.len) < 0)
        log_line(LOG_DEBUG, "<%d does not take its rejection", c->watch.fd);
    conn_mark_dead(c, CLOSE_REJECTED);
}

/* --- Accepting --- */

static void
admit(const struct entrance *entrance, int fd)
{
    static struct event_kind no_memory = EVENT_KIND("refused reason=no_memory", LOG_WARN);
    struct server *server = entrance->server;
    bool over = !has_room(server, entrance->role);
    struct conn *c;

    server->stats.total_connections++;
    if (over && !may_operate(server, fd, entrance->role)) {
        reject(server, fd, entrance->role);
        return;
    }
    c = table_take(&server->table);
    if (c == NULL) {
        server->closes[CLOSE_NO_MEMORY]++;
        note_refused(&no_memory, fd, "memory", server->table.conns);
        (void)sys_close(fd);
        return;
    }
    c->id = ++server->last_id;
    /* By HTTP each request says who asks: cmd_export(). */
    session_init(&c->session, entrance->role,
                 entrance->role == ROLE_HTTP || !cmd_wants_auth(server->cmd));
    c->session.no_admin = server->has_admin && entrance->role != ROLE_ADMIN;
    server->role_conns[entrance->role]++;
    if (!conn_open(c, server, fd, entrance->is_unix))
        conn_mark_dead(c, CLOSE_NO_MEMORY);
    if (over) {
        c->session.over_limit = true;
        c->stalled_ms = server_now_ms(server);
        server->operator_conn = c;
    }
    watch_line_accepted(c);
    log_line(LOG_DEBUG, "<%d new connection id=%" PRIu32, fd, c->id);
}

void
server_admit_newcomers(struct server *server)
{
    for (uint32_t i = 0; i < server->newcomer_count; i++)
        admit(server->newcomers[i].entrance, server->newcomers[i].fd);
    server->newcomer_count = 0;
}

static void
end_pause(struct entrance *entrance)
{
    static struct event_kind kind = EVENT_KIND_OF("accepting_resumed", LOG_WARN, PAUSE_LINES);
    const struct server *server = entrance->server;

    if (event_admits(&kind))
        event_add(&kind, "paused_ms=%" PRIu64 " conns=%" PRIu32 "/%" PRIu32,
                  server->clock->now_ms - entrance->paused_ms,
                  server->role_conns[entrance->role], limit_of(server, entrance->role));
    entrance->paused_ms = 0;
}

/*
 * Whoever leaves in this iteration makes room for one that comes in it, whichever the kernel reports
 * first: what finds no room is looked at again when all others were served, in the order of coming.
 */
static void
on_accept(void *ctx, int fd)
{
    struct entrance *entrance = ctx;
    struct server *server = entrance->server;

    if (UNLIKELY(entrance->paused_ms != 0))
        end_pause(entrance);
    if (server->newcomer_count == NEWCOMERS_MAX)
        server_admit_newcomers(server);
    if (server->newcomer_count > 0 || !has_room(server, entrance->role))
        server->newcomers[server->newcomer_count++] = (struct newcomer){entrance, fd};
    else
        admit(entrance, fd);
    latency_step(&server->latency, STEP_ACCEPT);
}

/* Of pauses in a row only the last one ends with a connection that is let in. */
static void
on_pause(void *ctx, int err)
{
    static struct event_kind kind = EVENT_KIND_OF("accepting_paused", LOG_WARN, PAUSE_LINES);
    struct entrance *entrance = ctx;
    const struct server *server = entrance->server;
    const char *text = strerror(err);
    char why[64];

    if (entrance->paused_ms == 0)
        entrance->paused_ms = server->clock->now_ms;
    if (event_admits(&kind))
        event_add(&kind, "errno=%d reason=%s limit=%s conns=%" PRIu32 "/%" PRIu32, err,
                  event_value(why, sizeof(why), slice_make(text, strlen(text))),
                  err == EMFILE ? "ulimit_-n" : "host", server->role_conns[entrance->role],
                  limit_of(server, entrance->role));
}

bool
server_listen(struct server *server, int fd, enum session_role role)
{
    struct entrance *entrance = &server->entrances[server->listener_count];
    struct listener_user user = {on_accept, on_pause, entrance};

    if (server->listener_count == LISTEN_SOCKETS_MAX)
        return false;
    *entrance = (struct entrance){server, role, listen_is_unix(fd), 0};
    if (!listener_start(&server->listeners[server->listener_count], server->loop, fd, &user))
        return false;
    server->listener_count++;
    server->has_admin |= role == ROLE_ADMIN;
    return true;
}
