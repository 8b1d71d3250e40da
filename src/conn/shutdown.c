/* Ends the server: stops accepting, closes what is idle, and lets replies drain for a while. */
#include "shutdown.h"

#include "conn.h"
#include "lombard/base/log.h"
#include "server_state.h"

void
server_stop_listeners(struct server *server)
{
    while (server->listener_count > 0)
        listener_stop(&server->listeners[--server->listener_count]);
}

static void
on_drain_end(struct timer *timer)
{
    struct server *server = CONTAINER_OF(timer, struct server, drain_end);

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
    uint64_t cursor = 0;
    struct conn *c;

    if (server->stopping)
        return;
    server->stopping = true;
    server_stop_listeners(server);
    while ((c = table_next(&server->table, &cursor)) != NULL)
        if (c->state == CONN_IDLE)
            conn_mark_dead(c, CLOSE_SHUTDOWN);
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
