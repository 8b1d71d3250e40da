/* Puts the server together on the simulated kernel, runs it iteration by iteration, and takes it down. */
#include "rig_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lombard/base/invariant.h"
#include "lombard/base/log.h"
#include "lombard/base/sys.h"
#include "lombard/loan/buf.h"

#include "sim_sys.h"

enum { MB = 1024 * 1024 };

static uint64_t
or_default(uint64_t value, uint64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

struct store_config
rig_store_config(const struct rig *rig)
{
    const struct rig_config *config = &rig->config;

    return (struct store_config){
        .limit_bytes = or_default(config->limit_bytes, 64 * MB),
        .item_bytes_max = or_default(config->item_bytes_max, MB),
        .evict = !config->no_eviction,
        .with_cas = true,
        .file = config->in_file ? &rig->file : NULL,
    };
}

static void
close_file(struct rig *rig)
{
    if (rig->file.fd >= 0)
        (void)close(rig->file.fd);
    rig->file.fd = -1;
}

static bool
start_store(struct rig *rig)
{
    struct store_config store_config = rig_store_config(rig);

    if (rig->config.in_file)
        rig->file.fd = memfd_create("store", MFD_CLOEXEC);
    sys_random(&store_config.hash_key, sizeof(store_config.hash_key));
    rig->store = store_create(&store_config);
    if (rig->store == NULL)
        close_file(rig);
    return rig->store != NULL;
}

struct cmd *
rig_make_cmd(struct rig *rig, struct store *store, struct stat_registry *stats)
{
    struct cmd_config cmd_config = {
        .join_bytes = rig->config.join_bytes,
        .flush_enabled = true,
        .dump_enabled = true,
        .passwords = rig->config.passwords,
        .clock = &rig->clock,
        .stats = stats,
    };

    sys_random(&cmd_config.seed, sizeof(cmd_config.seed));
    return cmd_create(&cmd_config, store);
}

struct server *
rig_make_server(struct rig *rig, struct cmd *cmd, struct stat_registry *stats)
{
    const struct rig_config *config = &rig->config;
    const struct server_config server_config = {
        .max_conns = (uint32_t)or_default(config->max_conns, 1000),
        .requests_per_dispatch = config->requests_a_turn,
        .buffer_bytes = or_default(config->buffers, 4096) * BUF_TOTAL_BYTES,
        .stall_ms = config->stall_ms,
        .idle_timeout_s = config->idle_timeout_s,
        .send_timeout_s = config->send_timeout_s,
        .auth_timeout_s = config->auth_timeout_s,
        .http_conns = 1000,
        .drain_ms = 1000,
        .client_names = 3,
        .batch_io = !config->no_batch_io,
        .busy_poll_us = config->busy_poll_us,
        .keep_buffers = config->keep_buffers,
        .clock = &rig->clock,
        .cmd = cmd,
    };
    struct server *server = server_create(&server_config);

    *stats = (struct stat_registry){.count = 0};
    if (server == NULL)
        return NULL;
    server_add_stats(server, stats);
    cmd_add_stats(cmd, stats);
    return server;
}

static bool
start_server(struct rig *rig)
{
    rig->server = rig_make_server(rig, rig->cmd, rig->stats);
    if (rig->server == NULL)
        return false;
    rig->listen_fd = sim_listen();
    if (server_listen(rig->server, rig->listen_fd, ROLE_CLIENT))
        return true;
    server_destroy(rig->server);
    (void)sys_close(rig->listen_fd);
    return false;
}

bool
rig_start(struct rig *rig, const struct rig_config *config)
{
    memset(rig, 0, sizeof(*rig));
    rig->config = *config;
    rig->file.fd = -1;
    rig->stats = &rig->registries[0];
    rig->log_level = LOG_ERROR;
    drawn_limits = config->limits.GROUP_CONNS != 0 ? config->limits : usual_limits;
    log_set_level(LOG_ERROR);
    if (!start_store(rig))
        return false;
    clock_init(&rig->clock);
    rig->cmd = rig_make_cmd(rig, rig->store, rig->stats);
    if (rig->cmd == NULL)
        goto no_cmd;
    if (start_server(rig))
        return true;
    cmd_destroy(rig->cmd);
no_cmd:
    store_destroy(rig->store);
    close_file(rig);
    return false;
}

void
rig_end_other(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->other_count; i++)
        (void)sys_close(rig->other_fds[i]);
    free(rig->other_fds);
    rig->other_fds = NULL;
    rig->other_count = 0;
}

void
rig_stop(struct rig *rig)
{
    rig_end_other(rig);
    server_destroy(rig->server);
    cmd_destroy(rig->cmd);
    store_destroy(rig->store);
    close_file(rig);
    sim_end();
}

void
rig_check(struct rig *rig)
{
    char why[256];

    if (!server_check(rig->server, why, sizeof(why)))
        sim_die("server_check: %s", why);
    /* A release build has gone on. */
    if (invariants()->broken != 0)
        sim_die("%s:%d: %s", invariants()->file, invariants()->line, invariants()->what);
}

static void
iterate(struct rig *rig, int max_wait_ms)
{
    uint64_t looks = sim_calls(SIM_EPOLL_WAIT);

    log_set_level(rig->log_level);
    if (!loop_iterate(server_loop(rig->server), max_wait_ms))
        sim_die("the loop broke");
    /* Each of them takes a microsecond. */
    if (sim_calls(SIM_EPOLL_WAIT) - looks > rig->config.busy_poll_us + 1)
        sim_die("it looked for events %llu times before it slept",
                (unsigned long long)(sim_calls(SIM_EPOLL_WAIT) - looks));
    rig_check(rig);
}

void
rig_iterate(struct rig *rig)
{
    iterate(rig, 0);
}

void
rig_sleep(struct rig *rig)
{
    iterate(rig, -1);
}

void
rig_iterations(struct rig *rig, int count)
{
    for (int i = 0; i < count; i++)
        rig_iterate(rig);
}
