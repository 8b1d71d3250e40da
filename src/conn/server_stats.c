/* What the process and its connections count, as statistics. */
#include "server_state.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conn_stats.h"
#include "lombard/base/sys.h"
#include "server_latency.h"

/* --- The process; the record is the server --- */

static void
get_pid(const struct stat_entry *entry UNUSED, const void *record UNUSED,
        struct stat_value *value)
{
    stat_put_u64(value, (uint64_t)getpid());
}

static void
get_uptime(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct server *server = record;

    stat_put_u64(value, server->clock->uptime_s - server->clock->first_s);
}

static void
get_time(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct server *server = record;

    stat_put_u64(value, (uint64_t)clock_unix_s(server->clock));
}

static void
get_version(const struct stat_entry *entry UNUSED, const void *record UNUSED,
            struct stat_value *value)
{
    stat_put_text(value, CMD_VERSION);
}

static void
get_lombard_version(const struct stat_entry *entry UNUSED, const void *record UNUSED,
                    struct stat_value *value)
{
    stat_put_text(value, LOMBARD_VERSION);
}

/* ENTRY's argument: where in a struct rusage the time is. */
static void
get_rusage(const struct stat_entry *entry, const void *record UNUSED, struct stat_value *value)
{
    struct rusage usage;
    struct timeval used;

    (void)getrusage(RUSAGE_SELF, &usage);
    memcpy(&used, (const char *)&usage + entry->arg, sizeof(used));
    stat_printf(value, "%ld.%06ld", (long)used.tv_sec, (long)used.tv_usec);
}

static void
get_accepting(const struct stat_entry *entry UNUSED, const void *record,
              struct stat_value *value)
{
    const struct server *server = record;
    bool accepting = !server->stopping;

    for (int i = 0; i < server->listener_count; i++)
        accepting = accepting && !server->listeners[i].paused;
    stat_put_u64(value, accepting);
}

static void
get_pauses(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct server *server = record;
    uint64_t pauses = 0;

    for (int i = 0; i < server->listener_count; i++)
        pauses += server->listeners[i].pauses;
    stat_put_u64(value, pauses);
}

static void
get_paused_us(const struct stat_entry *entry UNUSED, const void *record,
              struct stat_value *value)
{
    const struct server *server = record;
    uint64_t ms = 0;

    for (int i = 0; i < server->listener_count; i++) {
        const struct listener *l = &server->listeners[i];

        ms += l->paused_ms + (l->paused ? server->clock->now_ms - l->paused_at_ms : 0);
    }
    stat_put_u64(value, ms * 1000);
}

static const struct stat_entry process_entries[] = {
    {"pid", STAT_GAUGE, UNIT_NUMBER, "Process id.", get_pid, 0},
    {"uptime", STAT_GAUGE, UNIT_SECONDS, "Time since the start.", get_uptime, 0},
    {"time", STAT_GAUGE, UNIT_SECONDS, "Time of day, since 1970.", get_time, 0},
    {"version", STAT_TEXT, UNIT_NONE, "The memcached whose behaviour this is.", get_version, 0},
    {"lombard_version", STAT_TEXT, UNIT_NONE, "The version of Lombard.", get_lombard_version,
     0},
    {"pointer_size", STAT_GAUGE, UNIT_BITS, "Size of a pointer.", stat_get_constant,
     8 * sizeof(void *)},
    {"rusage_user", STAT_COUNTER, UNIT_SECONDS, "Processor time of the program itself.",
     get_rusage, offsetof(struct rusage, ru_utime)},
    {"rusage_system", STAT_COUNTER, UNIT_SECONDS, "Processor time of its system calls.",
     get_rusage, offsetof(struct rusage, ru_stime)},
    {"max_connections", STAT_GAUGE, UNIT_CONNECTIONS,
     "Client connections at the same time: -c.", stat_get_u32,
     offsetof(struct server, config.max_conns)},
    {"threads", STAT_GAUGE, UNIT_THREADS, "Always 1.", stat_get_constant, 1},
    {"accepting_conns", STAT_GAUGE, UNIT_FLAG, "1 while connections are accepted.",
     get_accepting, 0},
    {"listen_disabled_num", STAT_COUNTER, UNIT_EVENTS,
     "Times that accepting was paused because descriptors had run out.", get_pauses, 0},
    {"time_in_listen_disabled_us", STAT_COUNTER, UNIT_MICROSECONDS,
     "Time for which accepting was paused.", get_paused_us, 0},
};

static const struct stat_section process_section = {process_entries, ARRAY_LEN(process_entries),
                                                    NULL, "", NULL};

/* --- Connections; the record is the server --- */

static void
get_curr_connections(const struct stat_entry *entry UNUSED, const void *record,
                     struct stat_value *value)
{
    const struct server *server = record;

    stat_put_u64(value, server->role_conns[ROLE_CLIENT]);
}

static void
get_admin_connections(const struct stat_entry *entry UNUSED, const void *record,
                      struct stat_value *value)
{
    const struct server *server = record;

    stat_put_u64(value, server->role_conns[ROLE_ADMIN]);
}

static void
get_http_connections(const struct stat_entry *entry UNUSED, const void *record,
                     struct stat_value *value)
{
    const struct server *server = record;

    stat_put_u64(value, server->role_conns[ROLE_HTTP]);
}

static void
get_client_names(const struct stat_entry *entry UNUSED, const void *record,
                 struct stat_value *value)
{
    const struct server *server = record;

    stat_put_u64(value, server->names.count);
}

static void
get_connection_structures(const struct stat_entry *entry UNUSED, const void *record,
                          struct stat_value *value)
{
    const struct server *server = record;

    stat_put_u64(value, server->table.slots);
}

static void
get_conn_lingering(const struct stat_entry *entry UNUSED, const void *record,
                   struct stat_value *value)
{
    const struct server *server = record;

    stat_put_u64(value, server->lingerers.count);
}

static const struct stat_entry server_entries[] = {
#define STAT(name, kind, unit, help)                                                           \
    {                                                                                          \
        #name,        STAT_##kind,                                                             \
        UNIT_##unit,  help,                                                                    \
        stat_get_u64, offsetof(struct server, stats) + offsetof(struct server_stats, name)},
#define STATE(name, unit, help) {#name, STAT_GAUGE, UNIT_##unit, help, get_##name, 0},
#include "lombard/conn/server_stats.def"
#undef STATE
#undef STAT
};

static void
reset_server(void *ctx)
{
    stat_reset_counters(server_entries, ARRAY_LEN(server_entries), ctx);
}

static const struct stat_section server_section = {server_entries, ARRAY_LEN(server_entries),
                                                   NULL, "", reset_server};

/* --- Why connections were closed; the record is the counter of a reason --- */

static const struct stat_entry close_entries[] = {
    {"conn_closed", STAT_COUNTER, UNIT_CONNECTIONS, "Connections closed for this reason.",
     stat_get_u64, 0},
};

static enum stat_step
next_reason(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    static const char *const names[] = {
#define CLOSE_REASON(NAME, name, help) #name,
#include "lombard/conn/close_reason.def"
#undef CLOSE_REASON
    };
    const struct server *server = ctx;

    if (*position >= ARRAY_LEN(names))
        return STAT_END;
    /* There is a reason before the first: that of an open connection. */
    instance->record = &server->closes[*position + 1];
    (void)snprintf(instance->label, sizeof(instance->label), "%s", names[*position]);
    return STAT_FOUND;
}

static void
reset_closes(void *ctx)
{
    struct server *server = ctx;

    memset(server->closes, 0, sizeof(server->closes));
}

static const struct stat_family close_family = {"reason", "%n_%l", next_reason};
static const struct stat_section close_section = {close_entries, ARRAY_LEN(close_entries),
                                                  &close_family, "", reset_closes};

/* --- For `stats buffers`, which repeats two of the entries of `stats` --- */

enum {
#define STAT(name, kind, unit, help) AT_##name,
#define STATE(name, unit, help)      AT_##name,
#include "lombard/conn/server_stats.def"
#undef STATE
#undef STAT
};

static const struct stat_section stash_section = {&server_entries[AT_stash_bytes], 1, NULL, "",
                                                  NULL};
static const struct stat_section stalled_section = {&server_entries[AT_conn_stalled], 1, NULL,
                                                    "", NULL};

/* --- For `stats conns`, behind the connections: the listeners, as memcached has them --- */

static void
get_listener_addr(const struct stat_entry *entry UNUSED, const void *record,
                  struct stat_value *value)
{
    const struct listener *listener = record;
    char own[128];

    sys_own_name(listener->watch.fd, own, sizeof(own));
    stat_put_text(value, own);
}

static void
get_listener_state(const struct stat_entry *entry UNUSED, const void *record,
                   struct stat_value *value)
{
    const struct listener *listener = record;

    stat_put_text(value, listener->paused ? "conn_paused" : "conn_listening");
}

static const struct stat_entry listener_entries[] = {
    {"addr", STAT_TEXT, UNIT_NONE, "Where it listens.", get_listener_addr, 0},
    {"state", STAT_TEXT, UNIT_NONE, "conn_listening, or conn_paused for want of descriptors.",
     get_listener_state, 0},
};

/* None once the server is stopping: they are closed then. */
static enum stat_step
next_listener(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    const struct server *server = ctx;

    if (server->stopping || *position >= (uint64_t)server->listener_count)
        return STAT_END;
    instance->record = &server->listeners[*position];
    (void)snprintf(instance->label, sizeof(instance->label), "%d",
                   server->listeners[*position].watch.fd);
    return STAT_FOUND;
}

static const struct stat_family listener_family = {"fd", "%l:%n", next_listener};
static const struct stat_section listener_section = {
    listener_entries, ARRAY_LEN(listener_entries), &listener_family, "listener_", NULL};

void
server_add_stats(struct server *server, struct stat_registry *registry)
{
    stats_add(registry, "", &process_section, server);
    stats_add(registry, "", &server_section, server);
    stats_add(registry, "", &pool_loan_stats, server->pool);
    stats_add(registry, "", &transfer_stats, &server->transfers);
    stats_add(registry, "", &busy_poll_stats, loop_busy_poll(server->loop));
    stats_add(registry, "", &close_section, server);
    stats_add(registry, "buffers", &pool_ledger_stats, server->pool);
    stats_repeat(registry, "buffers", &stash_section, server);
    stats_repeat(registry, "buffers", &stalled_section, server);
    stats_repeat(registry, "buffers", &pool_loan_stats, server->pool);
    stats_list(registry, "conns", &conn_stats, server);
    stats_list(registry, "conns", &listener_section, server);
    stats_derive(registry, "latency", &latency_stats, &server->latency);
    stats_add(registry, "latency", &latency_step_stats, &server->latency);
    stats_list(registry, "slow", &slow_stats, server);
    stats_select(registry, stats_select_count);
    stats_guard(registry);
    stats_add(registry, "", &watch_stats, &server->watchers);
    stats_add_histogram(registry, &latency_histogram, &server->latency);
}

void
server_add_settings(struct server *server, struct stat_registry *registry)
{
    stats_add(registry, "settings", &transfer_setting_stats, &server->transfers);
    stats_add(registry, "settings", &busy_poll_setting_stats, loop_busy_poll(server->loop));
}
