/*
 * Ends the server: stops accepting, closes what is idle, and lets replies drain for a while. Until
 * that is over it can be asked by HTTP for its health.
 */
#include "shutdown.h"

#include "conn.h"
#include "lombard/base/log.h"
#include "server_state.h"

/* All, or all but those of HTTP. */
static void
stop_listeners(struct server *server, bool http)
{
    for (int i = 0; i < server->listener_count; i++)
        if (http || server->entrances[i].role != ROLE_HTTP)
            listener_stop(&server->listeners[i]);
}

void
server_stop_listeners(struct server *server)
{
    stop_listeners(server, true);
}

static void
close_idle(struct server *server)
{
    uint64_t cursor = 0;
    struct conn *c;

    while ((c = table_next(&server->table, &cursor)) != NULL)
        if (c->state == CONN_IDLE)
            conn_mark_dead(c, CLOSE_SHUTDOWN);
}

bool
server_is_drained(const struct server *server)
{
    return server->stopping && server->table.conns == server->role_conns[ROLE_HTTP];
}

void
server_end_http(struct server *server)
{
    if (server->http_ended)
        return;
    server->http_ended = true;
    server_stop_listeners(server);
    close_idle(server);
}

static void
on_drain_end(struct timer *timer)
{
    struct server *server = CONTAINER_OF(timer, struct server, drain_end);

    if (server->table.conns > 0)
        log_line(LOG_WARN, "%u connections did not take their replies in time: closed",
                 server->table.conns);
    loop_stop(server->loop);
}

void
shutdown_init(struct server *server)
{
    timer_init(&server->drain_end, on_drain_end);
}

bool
server_is_stopping(const struct server *server)
{
    return server->stopping;
}

void
server_shutdown(struct server *server)
{
    if (server->stopping)
        return;
    server->stopping = true;
    cmd_set_stopping(server->cmd);
    stop_listeners(server, false);
    close_idle(server);
    if (server_is_drained(server))
        server_end_http(server);
    timer_set(loop_timers(server->loop), &server->drain_end,
              server->clock->now_ms + server->config.drain_ms);
    if (server->table.conns == 0)
        loop_stop(server->loop);
}

void
server_stop_now(struct server *server)
{
    server_shutdown(server);
    loop_stop(server->loop);
}
