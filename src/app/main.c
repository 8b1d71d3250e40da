/* The program: starts what the options say, serves, and tidies up. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "activation.h"
#include "ask.h"
#include "host.h"
#include "lombard/base/clock.h"
#include "lombard/base/eventlog.h"
#include "lombard/base/invariant.h"
#include "lombard/base/log.h"
#include "lombard/base/sys.h"
#include "lombard/cmd/cmd.h"
#include "lombard/conn/handover.h"
#include "lombard/conn/server.h"
#include "lombard/event/signal.h"
#include "lombard/event/timer.h"
#include "lombard/proto/proto.h"
#include "lombard/store/store.h"
#include "process.h"
#include "statistics.h"

enum { TICK_MS = 1000, TICKS_A_STATUS = 5 };

static struct cmd *
make_cmd(const struct config *config, const struct clock *clock,
         const struct stat_registry *stats, struct store *store)
{
    struct cmd_config cmd_config = config->cmd;
    struct cmd *cmd;

    sys_random(&cmd_config.seed, sizeof(cmd_config.seed));
    cmd_config.clock = clock;
    cmd_config.stats = stats;
    cmd = cmd_create(&cmd_config, store);
    if (cmd == NULL)
        log_line(LOG_ERROR, "no memory to start: %s", strerror(errno));
    return cmd;
}

/* NULL: any. */
static const struct proto_ops *
only_proto(enum config_protocol protocol)
{
    switch (protocol) {
    case PROTOCOL_AUTO: return NULL;
    case PROTOCOL_ASCII: return &proto_text;
    case PROTOCOL_BINARY: return &proto_binary;
    }
    return NULL;
}

static struct server *
make_server(const struct config *config, struct clock *clock, struct cmd *cmd)
{
    struct server_config server_config = config->server;
    struct server *server;

    server_config.keep_buffers = !config->loan;
    server_config.only_proto = only_proto(config->protocol);
    server_config.clock = clock;
    server_config.cmd = cmd;
    server = server_create(&server_config);
    if (server == NULL)
        log_line(LOG_ERROR, "could not start the event loop: %s", strerror(errno));
    return server;
}

/* All sockets go to the server, or are closed. */
static bool
hand_over(struct server *server, const struct daemon_sockets *sockets)
{
    bool ok = true;

    for (int role = 0; role < SESSION_ROLES; role++) {
        const struct listen_sockets *of_role = &sockets->of[role];

        for (int i = 0; i < of_role->count; i++) {
            ok = ok && server_listen(server, of_role->fd[i], (enum session_role)role);
            if (!ok)
                (void)close(of_role->fd[i]);
        }
    }
    if (!ok)
        log_line(LOG_ERROR, "could not watch the listening sockets: %s", strerror(errno));
    return ok;
}

/* --- Once a second: lines that were not written, and what was found broken --- */

/* Lower layers do not log: what they found broken is said here. */
static void
log_broken(void)
{
    static uint64_t told;
    const struct invariants *state = invariants();

    if (state->broken == told)
        return;
    told = state->broken;
    log_line(LOG_ERROR,
             "internal error, number %" PRIu64 ": %s:%d: %s. The request was refused; please "
             "report it",
             told, state->file, state->line, state->what);
}

/* --- The life of the process --- */

/* HUP. The manager is told even where there is nothing to do: it waits for it. */
static void
reload(struct process *p)
{
    bool any = p->config.auth_file != NULL || p->config.log_file != NULL;

    notify_reloading(&p->notify);
    log_file_reopen(&p->log_file);
    log_line(LOG_INFO, "SIGHUP%s", any ? "" : ": nothing to reload");
    auth_file_reload(&p->auth_file);
    notify_reloaded(&p->notify);
}

/*
 * TERM and INT: leave when replies are sent; the second one: immediately. A client's `shutdown`
 * does not count as the first. USR1 is memcached's graceful stop, which does not hurry.
 */
static void
on_signal(void *ctx, int signo)
{
    static bool asked;
    struct process *p = ctx;

    if (signo == SIGHUP) {
        reload(p);
        return;
    }
    log_line(LOG_INFO, "%s: %s", strsignal(signo),
             asked && signo != SIGUSR1 ? "leaving immediately"
                                       : "leaving when replies are sent");
    notify_stopping(&p->notify);
    if (asked && signo != SIGUSR1)
        server_stop_now(p->server);
    else
        server_shutdown(p->server);
    asked = true;
}

/* What is done once a second. */
struct tick {
    struct timer timer;
    struct process *process;
    uint64_t number;
};

static void
tell_status(struct process *p)
{
    char status[128];

    statistics_summary(&p->stats, status, sizeof(status));
    notify_status(&p->notify, status);
}

static void
on_tick(struct timer *timer)
{
    struct tick *tick = CONTAINER_OF(timer, struct tick, timer);
    struct process *p = tick->process;
    struct loop *loop = server_loop(p->server);

    log_broken();
    sandbox_tick();
    event_tick();
    log_tick();
    if (server_is_stopping(p->server)) /* a client may have said so */
        notify_stopping(&p->notify);
    if (p->notify.fd >= 0 && tick->number++ % TICKS_A_STATUS == 0)
        tell_status(p);
    timer_set(loop_timers(loop), timer, loop_now_ms(loop) + TICK_MS);
}

/*
 * Another process has it all: connections, files, the store's memory. Nothing is closed one by one, written,
 * or removed by name; what is still open is so there, too.
 */
static void NORETURN
leave_everything(struct process *p)
{
    notify_close(&p->notify);
    event_finish();
    log_finish();
    _exit(EX_OK);
}

static int
run(struct process *p)
{
    struct tick tick = {.process = p};
    bool ok;

    timer_init(&tick.timer, on_tick);
    on_tick(&tick.timer);
    notify_watch(&p->notify, server_loop(p->server));
    do
        ok = server_run(p->server);
    while (ok && control_is_asked(&p->control) && !control_hand_over(p));
    if (ok && control_is_asked(&p->control))
        leave_everything(p);
    notify_stopping(&p->notify);
    notify_close(&p->notify);
    timer_cancel(&tick.timer);
    if (!ok)
        log_line(LOG_ERROR, "waiting for events failed: %s", strerror(errno));
    return ok ? EX_OK : EX_OSERR;
}

/* All that listens is watched; with a takeover, all that is connected as well. */
static bool
begin(struct process *p)
{
    return hand_over(p->server, &p->sockets) &&
           control_start(&p->control, server_loop(p->server)) &&
           (p->takeover.path == NULL || takeover_finish(p));
}

static struct store *
make_store(struct process *p, struct clock *clock)
{
    return p->takeover.path != NULL ? takeover_store(p, clock)
                                    : daemon_make_store(&p->config, &p->memory_file, clock);
}

/* From here on everything is made, and unmade in reverse. */
static int
serve(struct process *p)
{
    static struct clock clock;
    struct signals signals;
    struct store *store;
    struct server *server = NULL;
    struct cmd *cmd = NULL;
    int status = EX_OSERR;

    clock_init(&clock);
    p->clock = &clock;
    ledger_open(&p->ledger);
    store = p->store = make_store(p, &clock);
    if (store == NULL)
        return status;
    cmd = make_cmd(&p->config, &clock, &p->stats, store);
    if (cmd == NULL)
        goto out;
    p->config.server.settings = (struct server_settings){&p->live, config_live_set};
    server = make_server(&p->config, &clock, cmd);
    if (server == NULL)
        goto out;
    p->live = (struct config_live){&p->config, server, store};
    config_live_cap(&p->live);
    stats_list(&p->stats, "config", &config_live_stats, &p->live);
    stats_guard(&p->stats);
    statistics_register(&p->stats, &p->config, server, cmd);
    sandbox_add_stats(&p->sandbox, &p->stats);
    control_add_stats(&p->control, &p->stats);
    ledger_add_stats(&p->ledger, store, server, &p->stats);
    rates_init(&p->rates, &clock, &p->stats);
    p->server = server;
    if (!signals_start(&signals, server_loop(server), on_signal, p)) {
        log_line(LOG_ERROR, "could not take signals: %s", strerror(errno));
        goto out;
    }
    if (begin(p)) {
        rates_start(&p->rates, loop_timers(server_loop(server)));
        if (process_get_ready(p))
            status = run(p);
    } else if (p->takeover.path != NULL) {
        server_forget(server);
    }
    control_stop(&p->control);
    signals_stop(&signals);
out:
    server_destroy(server);
    cmd_destroy(cmd);
    if (takeover_owns(&p->takeover))
        memory_file_keep(&p->memory_file, store);
    store_destroy(store);
    return status;
}

/* -Y. Before anything is made: a start that fails leaves nothing. */
static bool
load_passwords(struct process *p)
{
    if (p->config.auth_file == NULL)
        return true;
    p->config.cmd.passwords = &p->auth_file.passwords;
    return auth_file_load(&p->auth_file, p->config.auth_file, &p->user);
}

/* Where a takeover came to nothing, they are another's. */
static void
remove_files(struct process *p)
{
    if (!takeover_owns(&p->takeover))
        return;
    daemon_remove(&p->pid_file);
    daemon_remove(&p->control.file);
    for (int role = 0; role < SESSION_ROLES; role++)
        daemon_remove(&p->sockets.files[role]);
}

/* Sockets, memory, descriptors: what is opened by name. */
static bool
open_all(struct process *p)
{
    const struct config *config = &p->config;

    return daemon_listen(config, &p->user, &p->sockets) &&
           (config->control == NULL || control_open(&p->control, config->control, &p->user)) &&
           memory_file_open(&p->memory_file, config, &p->user) &&
           (config->control == NULL || config->memory_file != NULL ||
            memory_file_open_unnamed(&p->memory_file)) &&
           daemon_raise_limits(&p->config);
}

/* Likewise, of the server whose place this one takes; all that may fail is done before. */
static bool
take_over_all(struct process *p)
{
    signals_hold();
    if (!daemon_raise_limits(&p->config))
        return false;
    host_prepare(&p->config);
    return process_become(p) && takeover_begin(p);
}

static int
start_and_serve(struct process *p)
{
    bool takes_over = p->config.takeover != NULL;
    int status = EX_OSERR;

    own_file_init(&p->pid_file);
    sandbox_init(&p->sandbox);
    memory_file_init(&p->memory_file);
    ledger_init(&p->ledger);
    p->log_file.fd = -1;
    control_init(&p->control);
    takeover_init(&p->takeover, p->config.takeover);
    if (user_leave_groups(&p->user) && load_passwords(p) &&
        (takes_over ? take_over_all(p) : open_all(p))) {
        if (!takes_over)
            host_prepare(&p->config);
        status = serve(p);
    }
    remove_files(p);
    control_close(&p->control);
    ledger_close(&p->ledger);
    memory_file_close(&p->memory_file);
    auth_file_close(&p->auth_file);
    log_file_close(&p->log_file);
    notify_close(&p->notify);
    event_finish();
    log_finish();
    return status;
}

/* In the background only what is wrong is of interest, and later there is no log at all. */
static enum log_level
level_of(const struct config *config)
{
    bool has_log = config->log_file != NULL || process_keeps_log(config);

    if (config->verbosity == 0)
        return config->daemon && !has_log ? LOG_WARN : LOG_INFO;
    return config->verbosity == 1 ? LOG_DEBUG : LOG_TRACE;
}

/* What is to be said of the options. */
static void
log_notes(const struct config *config)
{
    for (int i = 0; i < config->note_count; i++) {
        const struct config_note *note = config->notes + i;

        switch (note->kind) {
        case NOTE_IGNORED:
            log_line(LOG_INFO, "%s is ignored: %s", note->option, note->why);
            break;
        case NOTE_WARNING: log_line(LOG_WARN, "%s: %s", note->option, note->why); break;
        case NOTE_TAKEN:
            log_line(LOG_INFO, "%s of the environment is taken as %s", note->option, note->why);
            break;
        }
    }
}

/* What was asked for must have arrived; STATUS says how it went else. */
static int
finish_answer(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    (void)fprintf(stderr, "lombard: could not write to standard output: %s\n", strerror(errno));
    return EX_IOERR;
}

int
main(int argc, char **argv)
{
    static struct process process;
    int status = EX_OSERR;

    detach_keep_standard();
    (void)signal(SIGPIPE, SIG_IGN); /* a log that is not read any more is no reason to end, */
    (void)signal(SIGXFSZ, SIG_IGN); /* nor one that has reached the limit on files */
    switch (config_parse(&process.config, argc, argv)) {
    case CONFIG_RUN: break;
    case CONFIG_ASK: return finish_answer(ask_server(&process.config));
    case CONFIG_DONE: return finish_answer(EX_OK);
    case CONFIG_USAGE: return EX_USAGE;
    }
    log_set_level(level_of(&process.config));
    log_open();
    log_notes(&process.config);
    if (!user_find(&process.user, process.config.user))
        return EX_USAGE;
    daemon_sockets_init(&process.sockets);
    if (!activation_take(&process.sockets)) /* while this process is the one that was started */
        return EX_OSERR;
    process.detach.keep_directory = process.config.core_dumps;
    if (process.config.daemon)
        switch (detach_begin(&process.detach, &status)) {
        case DETACH_CHILD: break;
        case DETACH_PARENT:
        case DETACH_FAILED: return status;
        }
    notify_open(&process.notify);
    status = start_and_serve(&process);
    if (process.config.daemon)
        detach_end(&process.detach, status);
    return status;
}
