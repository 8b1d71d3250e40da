/* What `stats` says about the process, its connections and buffers. */
#include "server_stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conn.h"
#include "lombard/base/sys.h"
#include "server_latency.h"

/* --- Plain `stats`: the process --- */

enum general {
    GENERAL_PID,
    GENERAL_UPTIME,
    GENERAL_TIME,
    GENERAL_VERSION,
    GENERAL_LOMBARD_VERSION,
    GENERAL_POINTER_SIZE,
    GENERAL_RUSAGE_USER,
    GENERAL_RUSAGE_SYSTEM,
    GENERAL_MAX_CONNECTIONS,
    GENERAL_THREADS,
    GENERAL_ACCEPTING,
    GENERAL_LISTEN_DISABLED,
    GENERAL_TIME_DISABLED,
};

static uint64_t
listener_pauses(const struct server *server)
{
    uint64_t pauses = 0;

    for (int i = 0; i < server->listener_count; i++)
        pauses += server->listeners[i].pauses;
    return pauses;
}

static uint64_t
listener_paused_us(const struct server *server)
{
    uint64_t ms = 0;

    for (int i = 0; i < server->listener_count; i++) {
        const struct listener *l = &server->listeners[i];

        ms += l->paused_ms + (l->paused ? server->clock->now_ms - l->paused_at_ms : 0);
    }
    return ms * 1000;
}

static bool
is_accepting(const struct server *server)
{
    for (int i = 0; i < server->listener_count; i++)
        if (server->listeners[i].paused)
            return false;
    return !server->stopping;
}

static void
rusage_line(struct stat_line *line, const char *name, const struct timeval *tv)
{
    stat_line_printf(line, name, "%ld.%06ld", (long)tv->tv_sec, (long)tv->tv_usec);
}

static bool
general_next(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    const struct server *server = ctx;
    uint32_t uptime_s = server->clock->uptime_s - CLOCK_EPOCH_S;
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    switch ((enum general)(*cursor)++) {
    case GENERAL_PID: stat_line_u64(line, "pid", (uint64_t)getpid()); return true;
    case GENERAL_UPTIME: stat_line_u64(line, "uptime", uptime_s); return true;
    case GENERAL_TIME:
        stat_line_u64(line, "time", (uint64_t)clock_unix_s(server->clock));
        return true;
    case GENERAL_VERSION: stat_line_text(line, "version", CMD_VERSION); return true;
    case GENERAL_LOMBARD_VERSION:
        stat_line_text(line, "lombard_version", LOMBARD_VERSION);
        return true;
    case GENERAL_POINTER_SIZE:
        stat_line_u64(line, "pointer_size", 8 * sizeof(void *));
        return true;
    case GENERAL_RUSAGE_USER: rusage_line(line, "rusage_user", &usage.ru_utime); return true;
    case GENERAL_RUSAGE_SYSTEM:
        rusage_line(line, "rusage_system", &usage.ru_stime);
        return true;
    case GENERAL_MAX_CONNECTIONS:
        stat_line_u64(line, "max_connections", server->config.max_conns);
        return true;
    case GENERAL_THREADS: stat_line_u64(line, "threads", 1); return true;
    case GENERAL_ACCEPTING:
        stat_line_u64(line, "accepting_conns", is_accepting(server));
        return true;
    case GENERAL_LISTEN_DISABLED:
        stat_line_u64(line, "listen_disabled_num", listener_pauses(server));
        return true;
    case GENERAL_TIME_DISABLED:
        stat_line_u64(line, "time_in_listen_disabled_us", listener_paused_us(server));
        return true;
    }
    return false;
}

/* --- Plain `stats`: connections --- */

static const struct stat_desc server_descs[] = {
#define STAT(name, kind, help) {#name, offsetof(struct server_stats, name), kind},
#include "lombard/conn/server_stats.def"
#undef STAT
};

static bool
server_next(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    struct server *server = ctx;

    server->stats.curr_connections = server->table.conns;
    server->stats.connection_structures = server->table.slots;
    server->stats.conn_lingering = server->lingerers.count;
    return stat_table_next(server_descs, ARRAY_LEN(server_descs), &server->stats, cursor, line);
}

static void
server_reset(void *ctx)
{
    struct server *server = ctx;

    stat_table_reset(server_descs, ARRAY_LEN(server_descs), &server->stats);
    memset(server->closes, 0, sizeof(server->closes));
}

static const char *const close_names[] = {
    NULL,
#define CLOSE_REASON(NAME, name, help) "conn_closed_" #name,
#include "lombard/conn/close_reason.def"
#undef CLOSE_REASON
};

static bool
closes_next(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    const struct server *server = ctx;

    if (++*cursor >= ARRAY_LEN(close_names))
        return false;
    stat_line_u64(line, close_names[*cursor], server->closes[*cursor]);
    return true;
}

/* --- Plain `stats` and `stats buffers`: the loans --- */

static bool
loans_next(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    static const char *const names[2][5] = {
        {"rbufs_existing", "rbufs_loaned", "rbufs_allocated", "rbufs_waiting", "rbufs_failed"},
        {"wbufs_existing", "wbufs_loaned", "wbufs_allocated", "wbufs_waiting", "wbufs_failed"},
    };
    const struct server *server = ctx;
    uint64_t purpose = *cursor / 5;
    const struct pool_counts *counts;
    uint64_t values[5];

    if (purpose > LOAN_FOR_OUTPUT)
        return false;
    counts = pool_counts(server->pool, (enum loan_purpose)purpose);
    memcpy(values, counts, sizeof(values));
    stat_line_u64(line, names[purpose][*cursor % 5], values[*cursor % 5]);
    (*cursor)++;
    return true;
}

static void
loans_reset(void *ctx)
{
    struct server *server = ctx;

    pool_reset_counts(server->pool);
}

static bool
ledger_next(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    const struct server *server = ctx;
    struct pool_ledger ledger;

    pool_ledger(server->pool, &ledger);
    switch ((*cursor)++) {
    case 0: stat_line_u64(line, "buffer_bytes", BUF_TOTAL_BYTES); return true;
    case 1: stat_line_u64(line, "buffers_limit", ledger.limit); return true;
    case 2: stat_line_u64(line, "buffers_reserved_for_output", ledger.reserve); return true;
    case 3: stat_line_u64(line, "buffers_made", ledger.made); return true;
    case 4: stat_line_u64(line, "buffers_free", ledger.free); return true;
    case 5: stat_line_u64(line, "buffers_lent", ledger.lent); return true;
    case 6:
        stat_line_u64(line, "buffers_lent_input", ledger.lent_for[LOAN_FOR_INPUT]);
        return true;
    case 7:
        stat_line_u64(line, "buffers_lent_output", ledger.lent_for[LOAN_FOR_OUTPUT]);
        return true;
    case 8: stat_line_u64(line, "buffers_peak", ledger.peak); return true;
    case 9: stat_line_u64(line, "buffers_trimmed", ledger.trimmed); return true;
    case 10: stat_line_u64(line, "waiters", ledger.waiters); return true;
    case 11: stat_line_u64(line, "stash_bytes", server->stats.stash_bytes); return true;
    case 12: stat_line_u64(line, "conn_stalled", server->stats.conn_stalled); return true;
    default: return false;
    }
}

/* --- `stats conns` --- */

enum { CONN_FIELDS = 10 };

static void
conn_field(struct conn *c, unsigned field, struct stat_line *line)
{
    const struct server *server = c->server;
    uint32_t now_s = server->clock->uptime_s;
    char name[STAT_NAME_BYTES];
    char peer[128];
    static const char *const names[CONN_FIELDS] = {
        "addr",     "state",     "protocol",     "age",           "secs_since_last_cmd",
        "bytes_in", "bytes_out", "buffers_held", "bytes_pending", "secs_stalled",
    };

    (void)snprintf(name, sizeof(name), "%d:%s", c->watch.fd, names[field]);
    switch (field) {
    case 0:
        sys_peer_name(c->watch.fd, peer, sizeof(peer));
        stat_line_text(line, name, peer);
        break;
    case 1: stat_line_text(line, name, conn_state_name(c)); break;
    case 2: stat_line_text(line, name, proto_name(c->proto)); break;
    case 3: stat_line_u64(line, name, now_s - c->accepted_s); break;
    case 4: stat_line_u64(line, name, server->attended_s - c->active_s); break;
    case 5: stat_line_u64(line, name, c->bytes_in); break;
    case 6: stat_line_u64(line, name, c->bytes_out); break;
    case 7: stat_line_u64(line, name, (c->rbuf != NULL) + (uint64_t)(c->wbuf != NULL)); break;
    case 8: stat_line_u64(line, name, c->wbuf == NULL ? 0 : buf_pending_bytes(c->wbuf)); break;
    default:
        stat_line_u64(line, name, c->state == CONN_STALLED ? conn_stalled_for_ms(c) / 1000 : 0);
        break;
    }
}

/* The cursor counts fields of places: a connection may come or go between two of its lines. */
static bool
conns_next(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    struct server *server = ctx;
    uint64_t place = *cursor / CONN_FIELDS;
    struct conn *c = table_next(&server->table, &place);

    if (c == NULL)
        return false;
    place--; /* of the connection found */
    if (place != *cursor / CONN_FIELDS)
        *cursor = place * CONN_FIELDS;
    conn_field(c, (unsigned)(*cursor % CONN_FIELDS), line);
    (*cursor)++;
    return true;
}

void
server_register_stats(struct server *server)
{
    const struct stat_source sources[] = {
        {"latency", server_latency_next, server_latency_reset, server},
        {"", general_next, NULL, server},
        {"", server_next, server_reset, server},
        {"", loans_next, loans_reset, server},
        {"", closes_next, NULL, server},
        {"conns", conns_next, NULL, server},
        {"buffers", ledger_next, NULL, server},
        {"buffers", loans_next, NULL, server},
    };

    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        cmd_add_stats(server->cmd, &sources[i]);
}
