#include "lombard/conn/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lombard/base/log.h"
#include "lombard/base/sys.h"
#include "server_priv.h"

/* --- Closing --- */

static const char *const reason_text[] = {
    "open",
#define CLOSE_REASON(NAME, name, help) help,
#include "lombard/conn/close_reason.def"
#undef CLOSE_REASON
};

const char *
server_close_text(enum close_reason reason)
{
    return reason_text[reason];
}

/* The server's own choice, and not said where it was made: as shedding and rejecting are. */
static bool
is_closed_unsaid(const struct conn *c)
{
    return c->close_reason == CLOSE_IDLE || c->close_reason == CLOSE_NO_MEMORY ||
           c->close_reason == CLOSE_INTERNAL;
}

static void
say_closed(const struct conn *c)
{
    static struct log_limit limit = LOG_LIMIT("a connection was closed");
    char peer[128];

    if (LIKELY(!is_closed_unsaid(c))) {
        log_line(LOG_DEBUG, "<%d closed: %s", c->watch.fd, reason_text[c->close_reason]);
        return;
    }
    sys_peer_name(c->watch.fd, peer, sizeof(peer));
    log_limited(&limit, LOG_WARN, "<%d %s closed: %s", c->watch.fd, peer,
                reason_text[c->close_reason]);
}

static void
close_conn(struct server *server, struct conn *c)
{
    int fd = c->watch.fd;

    say_closed(c);
    conn_release(c);
    if (c == server->paused)
        server->paused = NULL;
    if (c == server->operator)
        server->operator= NULL;
    if (c->close_reason == CLOSE_PROTOCOL || c->close_reason == CLOSE_REJECTED) {
        /* The peer has probably sent more than we read. */
        loop_forget(server->loop, &c->watch);
        linger_begin(&server->lingerers, fd);
    } else {
        /* Closing takes it out of the epoll set. */
        (void)sys_close(fd);
    }
    table_give(&server->table, c);
}

static void
reap(struct server *server)
{
    struct list_node *node;

    if (list_is_empty(&server->dead))
        return;
    while ((node = list_pop_front(&server->dead)) != NULL)
        close_conn(server, conn_from_place(node));
    for (int i = 0; i < server->listener_count; i++)
        listener_resume(&server->listeners[i]);
    if (server->stopping && server->table.conns == 0)
        loop_stop(server->loop);
}

/* --- Time --- */

static void
on_tick(struct timer *timer)
{
    struct server *server = CONTAINER_OF(timer, struct server, tick);
    uint64_t now_ms = server->clock->now_ms;

    server_shed(server);
    server_sweep_idle(server);
    server_sweep_vanished(server);
    server_check_operator(server);
    linger_sweep(&server->lingerers);
    if (now_ms / 1000 != (now_ms - TICK_MS) / 1000)
        pool_trim(server->pool);
    server->background = true;
    timer_set(loop_timers(server->loop), timer, now_ms + TICK_MS);
}

/* --- A turn --- */

static void
on_turn_begin(void *ctx)
{
    struct server *server = ctx;
    uint64_t lapse_ms = server->clock->now_ms - server->turn_ms;

    /*
     * The tick ends every wait: if more time has passed, this process stood still, and what
     * its clients did meanwhile is not known yet. That time counts against none of them.
     */
    if (lapse_ms > LAPSE_MS) {
        server->stats.lapses++;
        lapse_ms = LAPSE_MS;
    }
    server->turn_ms = server->clock->now_ms;
    server->attended_ms += lapse_ms;
    server->attended_s = (uint32_t)(server->attended_ms / 1000);
    cmd_new_turn(server->cmd);
}

/* One piece: what is left waits for the next turn, behind new events. */
static void
work(struct server *server)
{
    uint64_t since_ns = server_latency_now(server);

    server->background = cmd_work(server->cmd);
    server->work_ns = server->clock->now_ns + WORK_NS;
    server_latency_add(server, LATENCY_WORK, &since_ns);
}

/*
 * All that something came for, a short slice each. They do not keep those waiting that have
 * more to do: there is one slice for these now and then. True when a short slice was enough
 * for some of them.
 */
static bool
serve_arrived(struct server *server)
{
    uint64_t before = server->stats.conn_dispatches - server->stats.conn_yields;
    uint64_t since_ns = server->clock->now_ns;
    struct list_node now;

    list_init(&now);
    list_append_all(&now, &server->arrived);
    while (!list_is_empty(&now)) {
        uint64_t now_ns;

        conn_dispatch_group(server, &now, SLICE_FIRST);
        if (list_is_empty(&now) || list_is_empty(&server->ready))
            continue;
        now_ns = sys_monotonic_ns();
        if (now_ns - since_ns >= ARRIVED_NS) {
            server->look_ns = now_ns + LOOK_RARE_NS; /* those that came last wait as well */
            conn_dispatch_group(server, &server->ready, SLICE_MORE);
            since_ns = now_ns;
        }
    }
    return server->stats.conn_dispatches - server->stats.conn_yields != before;
}

/*
 * Until when those with more to do are served now: not long while light clients come and go,
 * but half as long as what has just come took.
 */
static uint64_t
next_look_ns(const struct server *server)
{
    uint64_t now_ns = sys_monotonic_ns();
    uint64_t span_ns = server->looks_in_vain < LOOKS_IN_VAIN ? LOOK_NS : LOOK_RARE_NS;
    uint64_t half_ns = (now_ns - server->clock->now_ns) / 2;

    if (half_ns > span_ns)
        span_ns = half_ns < LOOK_RARE_NS ? half_ns : LOOK_RARE_NS;
    return now_ns + span_ns;
}

/* Those with more to do, one after the other, until it is time to look for events. */
static void
serve_ready(struct server *server)
{
    if (list_is_empty(&server->ready))
        return;
    server->look_ns = next_look_ns(server);
    do
        conn_dispatch_group(server, &server->ready, SLICE_MORE);
    while (!list_is_empty(&server->ready) && sys_monotonic_ns() < server->look_ns);
}

static void
on_turn(void *ctx)
{
    struct server *server = ctx;

    /* A look was in vain when all that it found was more of the heavy ones. */
    server->looks_in_vain++;
    if (!list_is_empty(&server->arrived) && serve_arrived(server))
        server->looks_in_vain = 0;
    serve_ready(server);
    if (server->background &&
        (list_is_empty(&server->ready) || server->clock->now_ns >= server->work_ns))
        work(server);
}

static void
on_relief(struct timer *timer)
{
    (void)timer; /* only that this iteration comes: its end does the rest */
}

/* Connections wait for buffers: a tick would be long to wait for. */
static void
relieve_waiters(struct server *server)
{
    uint64_t now_ms = server->clock->now_ms;

    if (now_ms < server->relief_ms)
        return;
    server->relief_ms = now_ms + RELIEF_MS;
    server_shed_for_waiters(server);
    if (pool_waiters(server->pool) > 0)
        timer_set(loop_timers(server->loop), &server->relief, server->relief_ms);
}

static void
on_turn_end(void *ctx)
{
    struct server *server = ctx;

    if (UNLIKELY(pool_waiters(server->pool) > 0))
        relieve_waiters(server);
    reap(server);
}

static bool
has_work(void *ctx)
{
    const struct server *server = ctx;

    return server->background || !list_is_empty(&server->ready) ||
           !list_is_empty(&server->arrived) || !list_is_empty(&server->dead);
}

/* --- Life of the server --- */

static void
release_ref(void *ctx, const void *base)
{
    struct server *server = ctx;

    cmd_unpin(server->cmd, base);
}

static void
on_drain_end(struct timer *timer)
{
    struct server *server = CONTAINER_OF(timer, struct server, drain_end);

    log_line(LOG_WARN, "%u connections did not take their replies in time: closed",
             server->table.conns);
    loop_stop(server->loop);
}

static void
init_lists(struct server *server)
{
    list_init(&server->arrived);
    list_init(&server->ready);
    list_init(&server->dead);
    table_init(&server->table);
    timer_init(&server->tick, on_tick);
    timer_init(&server->drain_end, on_drain_end);
    timer_init(&server->relief, on_relief);
}

struct server *
server_create(const struct server_config *config)
{
    struct pool_config pool_config = {
        .limit_bytes =
            config->buffer_bytes < POOL_BYTES_MIN ? POOL_BYTES_MIN : config->buffer_bytes,
        .keep_bytes = SERVER_BUFFER_BYTES_MIN,
    };
    struct server *server = sys_malloc(sizeof(*server));
    struct loop_user user = {server, on_turn_begin, on_turn, on_turn_end, has_work};

    if (server == NULL)
        return NULL;
    memset(server, 0, sizeof(*server));
    init_lists(server);
    pool_config.reserve_bytes = pool_config.limit_bytes / 4;
    server->config = *config;
    server->clock = config->clock;
    server->turn_ms = server->clock->now_ms;
    server->cmd = config->cmd;
    server->owner = (struct buf_owner){release_ref, server};
    server_init_stalled(server);
    server->pool = pool_create(&pool_config, conn_on_grant);
    server->loop = loop_create(server->clock, &user);
    if (server->pool == NULL || server->loop == NULL || !server_latency_init(server)) {
        loop_destroy(server->loop);
        pool_destroy(server->pool);
        sys_free(server);
        return NULL;
    }
    linger_init(&server->lingerers, server->loop);
    timer_set(loop_timers(server->loop), &server->tick, server->clock->now_ms + TICK_MS);
    server_register_stats(server);
    return server;
}

static void
mark_all_dead(struct server *server)
{
    uint64_t cursor = 0;
    struct conn *c;

    while ((c = table_next(&server->table, &cursor)) != NULL)
        conn_mark_dead(c, CLOSE_SHUTDOWN);
}

void
server_destroy(struct server *server)
{
    if (server == NULL)
        return;
    server_stop_listeners(server);
    mark_all_dead(server);
    reap(server);
    linger_fini(&server->lingerers);
    table_fini(&server->table);
    loop_destroy(server->loop);
    pool_destroy(server->pool);
    server_latency_fini(server);
    sys_free(server);
}

struct loop *
server_loop(struct server *server)
{
    return server->loop;
}

bool
server_run(struct server *server)
{
    return loop_run(server->loop);
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
        if (c->state == CONN_ASLEEP)
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
