/* Puts the server together on the simulated kernel, runs it iteration by iteration, and takes it down. */
#include "rig.h"

#include <errno.h>
#include <string.h>

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

static bool
start_store(struct rig *rig, const struct rig_config *config)
{
    struct store_config store_config = {
        .limit_bytes = or_default(config->limit_bytes, 64 * MB),
        .item_bytes_max = or_default(config->item_bytes_max, MB),
        .evict = !config->no_eviction,
        .with_cas = true,
    };

    sys_random(&store_config.hash_key, sizeof(store_config.hash_key));
    rig->store = store_create(&store_config);
    return rig->store != NULL;
}

static bool
start_cmd(struct rig *rig, const struct rig_config *config)
{
    const struct cmd_config cmd_config = {
        .join_bytes = config->join_bytes,
        .flush_enabled = true,
        .dump_enabled = true,
        .passwords = config->passwords,
        .clock = &rig->clock,
        .stats = &rig->stats,
    };

    clock_init(&rig->clock);
    rig->cmd = cmd_create(&cmd_config, rig->store);
    return rig->cmd != NULL;
}

static bool
start_server(struct rig *rig, const struct rig_config *config)
{
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
        .keep_buffers = config->keep_buffers,
        .clock = &rig->clock,
        .cmd = rig->cmd,
    };
    int fd;

    rig->server = server_create(&server_config);
    if (rig->server == NULL)
        return false;
    rig->stats = (struct stat_registry){.count = 0};
    server_add_stats(rig->server, &rig->stats);
    cmd_add_stats(rig->cmd, &rig->stats);
    fd = sim_listen();
    rig->listen_fd = fd;
    if (server_listen(rig->server, fd, ROLE_CLIENT))
        return true;
    server_destroy(rig->server);
    (void)sys_close(fd);
    return false;
}

bool
rig_start(struct rig *rig, const struct rig_config *config)
{
    memset(rig, 0, sizeof(*rig));
    rig->log_level = LOG_ERROR;
    drawn_limits = config->limits.GROUP_CONNS != 0 ? config->limits : usual_limits;
    log_set_level(LOG_ERROR);
    if (!start_store(rig, config))
        return false;
    if (!start_cmd(rig, config))
        goto no_cmd;
    if (start_server(rig, config))
        return true;
    cmd_destroy(rig->cmd);
no_cmd:
    store_destroy(rig->store);
    return false;
}

void
rig_stop(struct rig *rig)
{
    server_destroy(rig->server);
    cmd_destroy(rig->cmd);
    store_destroy(rig->store);
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
    log_set_level(rig->log_level);
    if (!loop_iterate(server_loop(rig->server), max_wait_ms))
        sim_die("the loop broke");
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
