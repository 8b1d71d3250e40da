/*
 * The server: made and destroyed; its tick; and at the end of each iteration, closing.
 *
 * The files of this layer, each of which uses only those below it (tests/link.py):
 *
 *     check                                   are all invariants true? for tests
 *     server                                  life, tick, closing
 *     schedule      sweep     server_stats    what is served when; what is idle
 *     handover      handed                    all connections, to another process, and from one
 *     handed_conn  group                      one connection from another process; many at a time
 *     dispatch                                lend buffers, serve
 *     settle                                  what a connection waits for then
 *     batch                                   parse ahead, execute
 *     careful                                 with more care than most of them need
 *     command                                 what a command means for its connection
 *     scan  scan_words                        some of all connections: shown, or killed
 *     permission                              may it be executed?
 *     join   upload   watch   discard         long values; watchers
 *     output                                  format
 *     shutdown   admission                    which connections are let in, until when
 *     shed                                    which stalled connection is closed
 *     receive  send  conn_stats               from and to the socket; what each connection does
 *     conn                                    states, lists, ends
 *     notice                                  what happened to a connection
 *     held                                    what it keeps of the store
 *     handover_names  conn_image              numbers of other versions; a connection as bytes
 *     task  stash                             what a connection keeps while it waits
 *     table  stall  linger  client_names      where connections are; their names
 *     rendering                               all statistics, for several that ask for them
 *     transfer                                many receives or sends in one call
 */
#include "lombard/conn/server.h"

#include <string.h>

#include "admission.h"
#include "conn.h"
#include "lombard/base/invariant.h"
#include "lombard/base/log.h"
#include "lombard/base/sys.h"
#include "schedule.h"
#include "server_state.h"
#include "shed.h"
#include "shutdown.h"
#include "sweep.h"
#include "watch.h"

/* --- Closing --- */

static void
close_conn(struct server *server, struct conn *c)
{
    int fd = c->watch.fd;

    conn_release(c);
    if (c == server->paused)
        server->paused = NULL;
    if (c == server->operator_conn)
        server->operator_conn = NULL;
    server->role_conns[c->session.role]--;
    if (UNLIKELY(c->session.named))
        client_names_drop(&server->names, c->id);
    if (c->close_reason == CLOSE_PROTOCOL || c->close_reason == CLOSE_REJECTED ||
        c->close_reason == CLOSE_UNAUTHENTICATED) {
        /* The peer has probably sent more than we read. */
        loop_forget(server->loop, &c->watch);
        linger_begin(&server->lingerers, fd);
    } else {
        /* As long as another process has it, closing takes it out of no epoll set, and tells its peer nothing. */
        if (UNLIKELY(c->watch.shared)) {
            loop_forget(server->loop, &c->watch);
            (void)sys_shutdown(fd);
        }
        (void)sys_close(fd);
    }
    table_give(&server->table, c);
}

/* With the last connection, all that was counted for connections must be gone. */
static void
check_nothing_left(struct server *server)
{
    (void)BROKEN(server->stats.stash_bytes != 0 || server->stats.task_bytes != 0);
    (void)BROKEN(server->stats.conn_ready != 0 || server->stats.conn_stalled != 0);
    (void)BROKEN(server->joining != NULL || server->paused != NULL);
}

static void
close_dead(struct server *server)
{
    struct list_node *node;

    while ((node = list_pop_front(&server->dead)) != NULL)
        close_conn(server, conn_from_link(node));
}

static void
reap(struct server *server)
{
    if (list_is_empty(&server->dead))
        return;
    close_dead(server);
    if (server_is_drained(server)) {
        server_end_http(server);
        close_dead(server);
    }
    for (int i = 0; i < server->listener_count; i++)
        listener_resume(&server->listeners[i]);
    latency_step(&server->latency, STEP_CLOSE);
    if (server->table.conns > 0)
        return;
    check_nothing_left(server);
    if (server->stopping)
        loop_stop(server->loop);
}

/* --- The tick, and the end of an iteration --- */

/* By how much this iteration comes later than AT_MS. */
static uint64_t
late_ns(const struct server *server, uint64_t at_ms)
{
    uint64_t due_ns = server->clock->start_ns + at_ms * 1000000;

    return server->clock->now_ns > due_ns ? server->clock->now_ns - due_ns : 0;
}

static void
on_tick(struct timer *timer)
{
    struct server *server = CONTAINER_OF(timer, struct server, tick);
    uint64_t now_ms = server->clock->now_ms;
    struct pool_ledger ledger;

    pool_ledger(server->pool, &ledger);
    (void)BROKEN(!pool_ledger_adds_up(&ledger));
    server_shed(server);
    server_sweep_idle(server);
    server_sweep_vanished(server);
    server_sweep_probes(server);
    server_check_operator(server);
    linger_sweep(&server->lingerers);
    if (now_ms / 1000 != (now_ms - TICK_MS) / 1000)
        pool_trim(server->pool);
    server->background = true;
    slow_tick(&server->slow, now_ms);
    renderings_tick(&server->renderings, now_ms);
    server_note_late(server, late_ns(server, timer->at_ms));
    latency_tick(&server->latency, now_ms, late_ns(server, timer->at_ms));
    latency_step(&server->latency, STEP_TICK);
    timer_set(loop_timers(server->loop), timer, now_ms + TICK_MS);
}

static void
on_iteration_end(void *ctx)
{
    struct server *server = ctx;

    server_wake_watchers(server);
    schedule_relief(server);
    reap(server);
    if (UNLIKELY(server->newcomer_count > 0)) {
        server_admit_newcomers(server);
        reap(server); /* one that could not be opened */
    }
    latency_iteration(&server->latency, server->clock->now_ns);
}

/* --- Life of the server --- */

static void
release_ref(void *ctx, const void *base)
{
    struct server *server = ctx;

    cmd_unpin(server->cmd, base);
}

static void
init_parts(struct server *server)
{
    list_init(&server->dead);
    table_init(&server->table);
    timer_init(&server->tick, on_tick);
    schedule_init(server);
    shutdown_init(server);
    server_init_stalled(server);
}

struct server *
server_create(const struct server_config *config)
{
    const struct pool_config pool_config = {
        .limit_bytes = server_pool_bytes(config),
        .reserve_bytes = server_pool_bytes(config) / RESERVE_PART,
        .keep_bytes = SERVER_BUFFER_BYTES_MIN,
    };
    struct server *server = sys_malloc(sizeof(*server));
    const struct loop_user user = {
        .ctx = server,
        .on_begin = schedule_begin,
        .serve = schedule_serve,
        .on_end = on_iteration_end,
        .has_work = schedule_has_work,
    };

    if (server == NULL)
        return NULL;
    memset(server, 0, sizeof(*server));
    init_parts(server);
    server->config = *config;
    server->clock = config->clock;
    slow_init(&server->slow, server->clock->now_ms);
    server->iteration_ms = server->clock->now_ms;
    server->cmd = config->cmd;
    client_names_init(&server->names, config->client_names);
    server->owner = (struct buf_owner){release_ref, server};
    server->pool = pool_create(&pool_config, conn_on_grant);
    server->loop = loop_create(server->clock, &user);
    if (server->pool == NULL || server->loop == NULL || !latency_init(&server->latency)) {
        loop_destroy(server->loop);
        pool_destroy(server->pool);
        sys_free(server);
        return NULL;
    }
    latency_set_limit(&server->latency, config->stall_ms);
    transfer_open(&server->transfers, config->batch_io);
    loop_set_busy_poll(server->loop, config->busy_poll_us);
    linger_init(&server->lingerers, server->loop);
    timer_set(loop_timers(server->loop), &server->tick, server->clock->now_ms + TICK_MS);
    return server;
}

void
server_memory(const struct server *server, struct server_memory *memory)
{
    struct pool_ledger ledger;

    pool_ledger(server->pool, &ledger);
    memory->buffers = ledger.made * BUF_TOTAL_BYTES;
    memory->connections = table_bytes(&server->table);
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
    client_names_fini(&server->names);
    renderings_fini(&server->renderings);
    loop_destroy(server->loop);
    pool_destroy(server->pool);
    latency_fini(&server->latency);
    transfer_close(&server->transfers);
    sys_free(server);
}

void
server_reconfigure(struct server *server, const struct server_config *config)
{
    struct server_config *now = &server->config;

    now->max_conns = config->max_conns;
    now->admin_conns = config->admin_conns;
    now->http_conns = config->http_conns;
    now->http_timeout_s = config->http_timeout_s;
    now->requests_per_dispatch = config->requests_per_dispatch;
    now->idle_timeout_s = config->idle_timeout_s;
    if (now->peer_timeout_s != config->peer_timeout_s)
        server_change_peer_timeout(server, config->peer_timeout_s);
    now->send_timeout_s = config->send_timeout_s;
    now->auth_timeout_s = config->auth_timeout_s;
    now->operator_timeout_s = config->operator_timeout_s;
    now->drain_ms = config->drain_ms;
    server->names.max = config->client_names;
    now->stall_ms = config->stall_ms;
    latency_set_limit(&server->latency, config->stall_ms);
    if (now->busy_poll_us != config->busy_poll_us)
        loop_set_busy_poll(server->loop, config->busy_poll_us);
    now->busy_poll_us = config->busy_poll_us;
    if (now->buffer_bytes == config->buffer_bytes)
        return;
    now->buffer_bytes = config->buffer_bytes;
    pool_set_limit(server->pool, server_pool_bytes(config),
                   server_pool_bytes(config) / RESERVE_PART);
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
