/* `stats conns`: what is known of each connection, as statistics. */
#include "conn_stats.h"

#include <stdio.h>

#include "conn.h"
#include "held.h"
#include "lombard/base/sys.h"
#include "notice.h"
#include "server_state.h"
#include "task.h"

enum { SLOTS_A_STEP = 16384 }; /* looked at for one line */

static void
get_addr(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct conn *c = record;
    char peer[128];

    sys_peer_name(c->watch.fd, peer, sizeof(peer));
    stat_put_text(value, peer);
}

static void
get_state(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    stat_put_text(value, conn_state_name(record));
}

static void
get_protocol(const struct stat_entry *entry UNUSED, const void *record,
             struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_text(value, proto_name(c->proto));
}

static void
get_age(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_u64(value, c->server->attended_s - c->accepted_s);
}

static void
get_inactive(const struct stat_entry *entry UNUSED, const void *record,
             struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_u64(value, c->server->attended_s - c->active_s);
}

static void
get_buffers(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_u64(value, (c->rbuf != NULL) + (uint64_t)(c->wbuf != NULL));
}

static void
get_pending(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_u64(value, c->wbuf == NULL ? 0 : buf_pending_bytes(c->wbuf));
}

static void
get_stalled(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_u64(value, conn_is_stalled(c) ? conn_stalled_for_ms(c) / 1000 : 0);
}

static void
get_id(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_u64(value, c->id);
}

static void
get_name(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_text(value, client_names_get(&c->server->names, c->id));
}

/* Through which listener it came, and whether it has yet to say who it is. */
static void
get_session(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    static const char *const roles[] = {
        [ROLE_CLIENT] = "client", [ROLE_ADMIN] = "admin", [ROLE_HTTP] = "http"};
    const struct conn *c = record;

    stat_printf(value, "%s%s%s", roles[c->session.role],
                c->session.over_limit ? ",operator" : "",
                c->session.authenticated ? "" : ",unauthenticated");
}

static void
get_last_command(const struct stat_entry *entry UNUSED, const void *record,
                 struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_text(value, conn_requests(c) > 0 ? request_op_name(conn_last_op(c)) : "-");
}

static void
get_requests(const struct stat_entry *entry UNUSED, const void *record,
             struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_u64(value, conn_requests(c));
}

static void
get_errors(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_u64(value, conn_errors(c));
}

static void
get_held(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    stat_put_u64(value, conn_held_bytes(record));
}

static void
get_wait(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct conn *c = record;

    stat_put_u64(value, conn_is_stalled(c) ? conn_stalled_for_ms(c) : 0);
}

static const struct stat_entry entries[] = {
    {"addr", STAT_TEXT, UNIT_NONE, "Address of the peer.", get_addr, 0},
    {"state", STAT_TEXT, UNIT_NONE, "What the connection does or waits for.", get_state, 0},
    {"protocol", STAT_TEXT, UNIT_NONE, "The protocol that it speaks.", get_protocol, 0},
    {"age", STAT_GAUGE, UNIT_SECONDS,
     "Time since it was accepted, without what the process stood still.", get_age, 0},
    {"secs_since_last_cmd", STAT_GAUGE, UNIT_SECONDS, "Time since bytes came or left last.",
     get_inactive, 0},
    {"bytes_in", STAT_COUNTER, UNIT_BYTES, "Bytes received from it.", stat_get_u64,
     offsetof(struct conn, bytes_in)},
    {"bytes_out", STAT_COUNTER, UNIT_BYTES, "Bytes sent to it.", stat_get_u64,
     offsetof(struct conn, bytes_out)},
    {"buffers_held", STAT_GAUGE, UNIT_BUFFERS, "Buffers lent to it.", get_buffers, 0},
    {"bytes_pending", STAT_GAUGE, UNIT_BYTES, "Bytes of replies that were not sent yet.",
     get_pending, 0},
    {"secs_stalled", STAT_GAUGE, UNIT_SECONDS,
     "Time for which it has held something and waited for its peer.", get_stalled, 0},
    {"wait_ms", STAT_GAUGE, UNIT_MILLISECONDS, "The same in milliseconds.", get_wait, 0},
    {"bytes_held", STAT_GAUGE, UNIT_BYTES, "Memory of the store that it keeps from others.",
     get_held, 0},
    {"id", STAT_GAUGE, UNIT_NUMBER, "Its number, which no other connection gets: for kill.",
     get_id, 0},
    {"name", STAT_TEXT, UNIT_NONE, "What its client calls itself.", get_name, 0},
    {"session", STAT_TEXT, UNIT_NONE, "Through which listener it came, and as whom.",
     get_session, 0},
    {"last_cmd", STAT_TEXT, UNIT_NONE, "Its last command.", get_last_command, 0},
    {"requests", STAT_COUNTER, UNIT_REQUESTS, "Its requests.", get_requests, 0},
    {"errors", STAT_COUNTER, UNIT_REQUESTS, "Requests answered with an error: at most 65535.",
     get_errors, 0},
};

/* Positions are slots of the table. */
static enum stat_step
next_conn(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    struct server *server = ctx;
    struct conn *c = table_search(&server->table, position, *position + SLOTS_A_STEP);

    if (c == NULL)
        return *position < table_span(&server->table) ? STAT_SEARCHING : STAT_END;
    (*position)--; /* of what was found */
    instance->record = c;
    (void)snprintf(instance->label, sizeof(instance->label), "%d", c->watch.fd);
    return STAT_FOUND;
}

static const struct stat_family family = {"fd", "%l:%n", next_conn};

const struct stat_section conn_stats = {entries, ARRAY_LEN(entries), &family, "conn_", NULL};
