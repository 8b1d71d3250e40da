#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "daemon.h"
#include "lombard/base/clock.h"
#include "lombard/base/log.h"
#include "lombard/cmd/cmd.h"
#include "lombard/conn/server.h"
#include "lombard/event/signal.h"

/*
 * TERM and INT: leave when replies are sent; the second one: at once. A client's `shutdown`
 * does not count as the first. USR1 is memcached's graceful stop, which does not hurry.
 */
static void
on_signal(void *ctx, int signo)
{
    static bool asked;
    struct server *server = ctx;

    if (signo == SIGHUP) {
        log_line(LOG_INFO, "SIGHUP: nothing to reload");
        return;
    }
    log_line(LOG_INFO, "%s: %s", strsignal(signo),
             asked && signo != SIGUSR1 ? "leaving at once" : "leaving when replies are sent");
    if (asked && signo != SIGUSR1)
        server_stop_now(server);
    else
        server_shutdown(server);
    asked = true;
}

static struct cmd *
make_cmd(const struct config *config, const struct clock *clock)
{
    struct cmd_config cmd_config = {
        .limit_bytes = config->memory_mb << 20,
        .item_bytes_max = config->item_bytes_max,
        .evict = config->evict,
        .with_cas = config->with_cas,
        .flush_enabled = config->flush_enabled,
        .dump_enabled = config->dump_enabled,
        .shutdown_enabled = config->shutdown_enabled,
        .clock = clock,
    };
    struct cmd *cmd = cmd_create(&cmd_config);

    if (cmd == NULL)
        log_line(LOG_ERROR, "no memory for a cache of %" PRIu64 " MB: lower -m",
                 config->memory_mb);
    return cmd;
}

static struct server *
make_server(const struct config *config, struct clock *clock, struct cmd *cmd)
{
    struct server_config server_config = {
        .max_conns = config->max_conns,
        .requests_a_turn = config->requests_a_turn,
        .buffer_bytes = config->buffer_mb << 20,
        .idle_timeout_s = config->idle_timeout_s,
        .send_timeout_s = config->send_timeout_s,
        .drain_ms = config->drain_ms,
        .latency = config->latency,
        .keep_buffers = !config->loan,
        .clock = clock,
        .cmd = cmd,
    };
    struct server *server = server_create(&server_config);

    if (server == NULL)
        log_line(LOG_ERROR, "could not start the event loop: %s", strerror(errno));
    return server;
}

/* All sockets go to the server, or are closed. */
static bool
hand_over(struct server *server, const struct listen_sockets *sockets)
{
    bool ok = true;

    for (int i = 0; i < sockets->count; i++) {
        ok = ok && server_listen(server, sockets->fd[i]);
        if (!ok)
            (void)close(sockets->fd[i]);
    }
    if (!ok)
        log_line(LOG_ERROR, "could not watch the listening sockets: %s", strerror(errno));
    return ok;
}

static void
log_start(const struct config *config, const struct listen_sockets *sockets)
{
    for (int i = 0; i < sockets->count; i++) {
        uint16_t port = listen_port(sockets->fd[i]);

        if (port != 0)
            log_line(LOG_INFO, "listening on TCP port %u", port);
        else
            log_line(LOG_INFO, "listening on %s", config->unix_path);
    }
    log_line(LOG_INFO, "lombard " LOMBARD_VERSION " ready: %" PRIu64 " MB, %u connections",
             config->memory_mb, config->max_conns);
}

/* From here on everything is made, and unmade in reverse. */
static int
serve(struct config *config, struct listen_sockets *sockets)
{
    struct clock clock;
    struct signals signals;
    struct stat_source settings = {"settings", config_stat_next, NULL, config};
    struct server *server = NULL;
    struct cmd *cmd;
    int status = EX_OSERR;

    clock_init(&clock);
    cmd = make_cmd(config, &clock);
    if (cmd == NULL)
        return status;
    server = make_server(config, &clock, cmd);
    if (server == NULL)
        goto out;
    cmd_add_stats(cmd, &settings);
    if (!signals_start(&signals, server_loop(server), on_signal, server)) {
        log_line(LOG_ERROR, "could not take signals: %s", strerror(errno));
        goto out;
    }
    if (hand_over(server, sockets)) {
        log_start(config, sockets);
        if (server_run(server))
            status = EX_OK;
        else
            log_line(LOG_ERROR, "waiting for events failed: %s", strerror(errno));
    }
    signals_stop(&signals);
out:
    server_destroy(server);
    cmd_destroy(cmd);
    return status;
}

static enum log_level
level_of(int verbosity)
{
    if (verbosity == 0)
        return LOG_INFO;
    return verbosity == 1 ? LOG_DEBUG : LOG_TRACE;
}

int
main(int argc, char **argv)
{
    struct config config;
    struct listen_sockets sockets = {.count = 0};
    int status;

    switch (config_parse(&config, argc, argv)) {
    case CONFIG_RUN: break;
    case CONFIG_DONE: return EX_OK;
    case CONFIG_USAGE: return EX_USAGE;
    }
    log_set_level(level_of(config.verbosity));
    log_open();
    if (!daemon_check_user(&config))
        return EX_USAGE;
    daemon_raise_limits(&config);
    if (!daemon_listen(&config, &sockets) || (config.daemon && !daemon_detach()) ||
        (config.pid_file != NULL && !daemon_write_pid(config.pid_file)) ||
        !daemon_write_ports(&sockets) || !daemon_drop_privileges(&config))
        return EX_OSERR;
    status = serve(&config, &sockets);
    if (config.pid_file != NULL)
        (void)unlink(config.pid_file);
    if (config.unix_path != NULL)
        (void)unlink(config.unix_path);
    return status;
}
