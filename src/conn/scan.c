/* Goes through all connections, piece by piece, to show some of them or to kill them. */
#include "scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "conn_stats.h"
#include "held.h"
#include "lombard/base/sys.h"
#include "notice.h"
#include "output.h"
#include "scan_words.h"
#include "server_state.h"
#include "task.h"

enum {
    PIECE_COST = 4096, /* of one step, in slots looked at; */
    PEER_COST = 64,    /* looking up a peer's address costs as much as this many slots */
};

/* --- Whether a connection is one of them --- */

static bool
has_addr(const struct scan *scan, const struct conn *c)
{
    char peer[128];

    sys_peer_name(c->watch.fd, peer, sizeof(peer));
    for (int i = 0; i < 2; i++) {
        const char *text = scan->text[i];

        if (*text != '\0' &&
            (scan->whole ? strcmp(peer, text) : strncmp(peer, text, strlen(text))) == 0)
            return true;
    }
    return false;
}

static bool
is_chosen(const struct scan *scan, const struct conn *c)
{
    switch (scan->choice) {
    case CHOOSE_ID: return c->id == scan->number;
    case CHOOSE_ADDR: return has_addr(scan, c);
    case CHOOSE_STALLED: return conn_is_stalled(c) && conn_stalled_for_ms(c) >= scan->number;
    case CHOOSE_STATE: return strcmp(conn_state_name(c), scan->text[0]) == 0;
    case CHOOSE_TOP: return true;
    }
    BUG("scan_choice out of range");
}

/* The next one, within *COST; NULL: none so far, or none any more. */
static struct conn *
find_next(struct scan *scan, const struct server *server, int *cost)
{
    int each = scan->choice == CHOOSE_ADDR || scan->choice == CHOOSE_TOP ? PEER_COST : 1;
    struct conn *c;

    while (*cost > 0 && !scan->over) {
        uint64_t from = scan->cursor;

        c = table_search(&server->table, &scan->cursor, from + (uint64_t)*cost);
        *cost -= (int)(scan->cursor - from);
        if (c == NULL) {
            scan->over = scan->cursor >= table_span(&server->table);
            return NULL;
        }
        *cost -= each;
        if (c->state != CONN_DEAD && is_chosen(scan, c))
            return c;
    }
    return NULL;
}

/* --- Killing --- */

static struct event_kind kill_kind = EVENT_KIND("kill", LOG_WARN);

/* What it holds is there for others right away. One of the same group is not served any more. */
static void
kill_conn(struct conn *c)
{
    conn_mark_dead(c, CLOSE_KILLED);
    conn_release(c);
}

/* All but the one that asks. */
static enum step
kill_step(struct conn *c, const struct request *req)
{
    struct scan *scan = c->task->scan;
    struct reply reply = {.status = REPLY_TEXT};
    char which[72], user[40];
    int cost = PIECE_COST;
    struct conn *found;

    while ((found = find_next(scan, c->server, &cost)) != NULL) {
        if (found == c)
            continue;
        kill_conn(found);
        scan->killed++;
        cost -= PEER_COST;
    }
    if (!scan->over)
        return STEP_ON;
    if (!conn_has_reply_room(c))
        return STEP_NEED_OUTPUT;
    conn_notice(&kill_kind, c, "which=%s killed=%" PRIu64 "%s",
                event_value(which, sizeof(which), req->value), scan->killed,
                conn_peer_user(c, user, sizeof(user)));
    reply.text_bytes =
        (uint16_t)snprintf(reply.text, sizeof(reply.text), "KILLED %" PRIu64, scan->killed);
    conn_reply(c, req, &reply);
    conn_drop_task(c);
    return STEP_ON;
}

/* --- The most --- */

static uint64_t
measure(const struct scan *scan, const struct conn *c)
{
    switch (scan->measure) {
    case BY_REQUESTS: return conn_requests(c);
    case BY_BYTES_IN: return c->bytes_in;
    case BY_BYTES_OUT: return c->bytes_out;
    case BY_HELD:
        return conn_held_bytes(c) + (c->rbuf != NULL ? BUF_TOTAL_BYTES : 0) +
               (c->wbuf != NULL ? BUF_TOTAL_BYTES : 0);
    case BY_STALLED: return conn_is_stalled(c) ? conn_stalled_for_ms(c) + 1 : 0;
    }
    BUG("scan_measure out of range");
}

/* The list is short, and its order that of the values: the most first. */
static void
note_top(struct scan *scan, const struct scan_top *one)
{
    uint32_t at = scan->top_count;

    if (one->value == 0 || (at == scan->top_max && one->value <= scan->top[at - 1].value))
        return;
    if (at == scan->top_max)
        at--;
    else
        scan->top_count++;
    while (at > 0 && scan->top[at - 1].value < one->value) {
        scan->top[at] = scan->top[at - 1];
        at--;
    }
    scan->top[at] = *one;
}

/* True when all have been looked at. */
static bool
search_top(struct scan *scan, const struct server *server)
{
    int cost = PIECE_COST;
    struct conn *found;

    while ((found = find_next(scan, server, &cost)) != NULL)
        note_top(scan, &(struct scan_top){measure(scan, found), scan->cursor - 1, found->id});
    return scan->over;
}

/* The next one of the most that is still there. */
static struct conn *
next_top(struct scan *scan, const struct server *server)
{
    while (scan->top_next < scan->top_count) {
        const struct scan_top *one = &scan->top[scan->top_next++];
        uint64_t cursor = one->position;
        struct conn *c = table_search(&server->table, &cursor, one->position + 1);

        if (c != NULL && c->id == one->id)
            return c;
    }
    return NULL;
}

/* --- Showing --- */

/* The one whose next line is due, if it is still there; else the next one. NULL: see scan->over. */
static struct conn *
next_shown(struct scan *scan, const struct server *server)
{
    uint64_t cursor = scan->choice == CHOOSE_TOP && scan->top_next > 0
                          ? scan->top[scan->top_next - 1].position
                          : scan->cursor - 1;
    int cost = PIECE_COST;
    struct conn *c = NULL;

    if (scan->line > 0 && scan->line < conn_stats.entry_count)
        c = table_search(&server->table, &cursor, cursor + 1);
    if (c != NULL && c->id == scan->shown_id)
        return c;
    scan->line = 0;
    c = scan->choice == CHOOSE_TOP ? next_top(scan, server) : find_next(scan, server, &cost);
    if (c != NULL)
        scan->shown_id = c->id;
    return c;
}

static size_t
format_line(const struct conn *c, const struct request *req, const struct conn *shown,
            uint32_t line, char *dst)
{
    const struct stat_entry *entry = &conn_stats.entries[line];
    struct stat_instance instance = {.record = shown};
    char name[STAT_NAME_BYTES];
    struct stat_value value;

    (void)snprintf(name, sizeof(name), "%d:%s", shown->watch.fd, entry->name);
    stats_read(entry, &instance, &value);
    return c->proto->stat_line(req, name, value.text, dst);
}

static enum step
show_step(struct conn *c, const struct request *req)
{
    struct scan *scan = c->task->scan;
    struct conn *shown;

    if (c->task->part == STREAM_TAIL)
        return conn_stream_end(c, req);
    if (c->task->part == STREAM_HEAD && !conn_stream_frame(c, req))
        return STEP_NEED_OUTPUT;
    c->task->part = STREAM_LINES;
    if (scan->choice == CHOOSE_TOP && !scan->over && !search_top(scan, c->server))
        return STEP_ON;
    while (conn_has_reply_room(c)) {
        shown = next_shown(scan, c->server);
        if (shown != NULL) {
            buf_produced(c->wbuf, format_line(c, req, shown, scan->line++, buf_tail(c->wbuf)));
            continue;
        }
        return scan->over ? conn_stream_end(c, req) : STEP_ON;
    }
    return STEP_NEED_OUTPUT;
}

enum step
conn_scan_step(struct conn *c)
{
    struct request req;

    if (CONN_BROKEN(c, !task_request(c, &req)))
        return STEP_STOP;
    return c->task->scan->kills ? kill_step(c, &req) : show_step(c, &req);
}
