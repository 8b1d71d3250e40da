/* Keeps the requests that took longest, and shows them. */
#include "slow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lombard/base/put.h"
#include "lombard/base/rank.h"
#include "lombard/base/sys.h"
#include "server_state.h"

/* --- Keeping --- */

static void
begin_window(struct slow *slow, uint64_t now_ms)
{
    slow->windows[slow->now].count = 0;
    slow->since_ms = now_ms;
    slow->limit_ns = SLOW_NS_MIN;
}

void
slow_init(struct slow *slow, uint64_t now_ms)
{
    slow->windows[0].count = 0;
    slow->windows[1].count = 0;
    slow->kept_id = 0;
    begin_window(slow, now_ms);
}

void
slow_tick(struct slow *slow, uint64_t now_ms)
{
    if (now_ms - slow->since_ms < SLOW_WINDOW_MS)
        return;
    if (now_ms - slow->since_ms >= 2 * (uint64_t)SLOW_WINDOW_MS)
        slow->windows[slow->now].count = 0;
    slow->now = 1 - slow->now;
    begin_window(slow, now_ms);
}

void
slow_keep_key(struct conn *c, struct slice key)
{
    struct slow *slow = &c->server->slow;

    slow->kept_id = c->id;
    slow->kept_ns = c->server->latency.last_ns;
    slow->kept_bytes = (uint8_t)key.len;
    memcpy(slow->kept, key.ptr, key.len);
}

static struct slow_entry *
shortest(struct slow_window *window)
{
    struct slow_entry *found = &window->entries[0];

    for (uint32_t i = 1; i < window->count; i++)
        if (window->entries[i].request.took_ns < found->request.took_ns)
            found = &window->entries[i];
    return found;
}

/* A free one, or that of the shortest. */
static struct slow_entry *
entry_for_one(struct slow_window *window)
{
    return window->count < SLOW_KEPT ? &window->entries[window->count++] : shortest(window);
}

static struct slice
kept_key(const struct conn *c, const struct slow_request *request)
{
    const struct slow *slow = &c->server->slow;
    uint64_t read_ns = c->server->latency.last_ns - request->served_ns;

    return slow->kept_id == c->id && slow->kept_ns == read_ns
               ? slice_make(slow->kept, slow->kept_bytes)
               : slice_make(NULL, 0);
}

void
slow_note(struct conn *c, const struct slow_request *request, const struct slice *key)
{
    struct slow *slow = &c->server->slow;
    struct slow_window *window = &slow->windows[slow->now];
    struct slow_entry *entry = entry_for_one(window);
    struct slice name = key != NULL ? *key : kept_key(c, request);
    char peer[128];

    sys_peer_name(c->watch.fd, peer, sizeof(peer));
    entry->request = *request;
    entry->at_ms = c->server->clock->now_ms;
    entry->id = c->id;
    entry->key_bytes = (uint8_t)name.len;
    if (name.len > 0)
        memcpy(entry->key, name.ptr, name.len);
    (void)snprintf(entry->peer, sizeof(entry->peer), "%.*s", SLOW_PEER_BYTES - 1, peer);
    if (window->count == SLOW_KEPT)
        slow->limit_ns = shortest(window)->request.took_ns;
}

/* --- `stats slow`; the record is one of these, made for the line that is asked for --- */

struct shown_slow {
    const struct slow_entry *entry;
    uint64_t now_ms;
};

static void
get_op(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct shown_slow *shown = record;

    stat_put_text(value, request_op_name(shown->entry->request.op));
}

static void
get_key(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct shown_slow *shown = record;
    char text[3 * KEY_BYTES_MAX + 1];

    _Static_assert(sizeof(text) <= STAT_VALUE_BYTES, "a key of any bytes fits");
    *put_uri(text, slice_make(shown->entry->key, shown->entry->key_bytes)) = '\0';
    stat_put_text(value, text[0] == '\0' ? "-" : text);
}

/* ENTRY's argument: where in a struct slow_request the time is. */
static void
get_us(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    const struct shown_slow *shown = record;
    uint64_t ns;

    memcpy(&ns, (const char *)&shown->entry->request + entry->arg, sizeof(ns));
    stat_printf(value, "%.1f", (double)ns / 1000);
}

static void
get_bytes(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct shown_slow *shown = record;

    stat_put_u64(value, shown->entry->request.bytes);
}

static void
get_requests(const struct stat_entry *entry UNUSED, const void *record,
             struct stat_value *value)
{
    const struct shown_slow *shown = record;

    stat_put_u64(value, shown->entry->request.requests);
}

static void
get_id(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct shown_slow *shown = record;

    stat_put_u64(value, shown->entry->id);
}

static void
get_addr(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct shown_slow *shown = record;

    stat_put_text(value, shown->entry->peer);
}

static void
get_ago(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct shown_slow *shown = record;

    stat_put_u64(value, (shown->now_ms - shown->entry->at_ms) / 1000);
}

static const struct stat_entry entries[] = {
    {"op", STAT_TEXT, UNIT_NONE, "The operation.", get_op, 0},
    {"key", STAT_TEXT, UNIT_NONE, "Its key, its bytes as in a URI; - where it has none.",
     get_key, 0},
    {"us", STAT_GAUGE, UNIT_MICROSECONDS, "From its bytes' report to its reply's sending.",
     get_us, offsetof(struct slow_request, took_ns)},
    {"served_us", STAT_GAUGE, UNIT_MICROSECONDS,
     "Of these, since the clock was read before: the rest it waited.", get_us,
     offsetof(struct slow_request, served_ns)},
    {"bytes", STAT_GAUGE, UNIT_BYTES, "Received and sent for its connection meanwhile.",
     get_bytes, 0},
    {"requests", STAT_GAUGE, UNIT_REQUESTS, "Requests answered together with it.", get_requests,
     0},
    {"id", STAT_GAUGE, UNIT_NUMBER, "Of its connection.", get_id, 0},
    {"addr", STAT_TEXT, UNIT_NONE, "Of its client.", get_addr, 0},
    {"ago_s", STAT_GAUGE, UNIT_SECONDS, "Since then.", get_ago, 0},
};

static const struct slow_entry *
entry_at(const struct slow *slow, uint32_t i)
{
    return &slow->windows[i / SLOW_KEPT].entries[i % SLOW_KEPT];
}

static uint64_t
took_ns(const void *ctx, uint32_t i)
{
    return entry_at(ctx, i)->request.took_ns;
}

static uint32_t
entry_count(const struct slow *slow)
{
    return slow->windows[0].count + slow->windows[1].count;
}

static void
sort(struct slow *slow)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < 2 * SLOW_KEPT; i++)
        if (i % SLOW_KEPT < slow->windows[i / SLOW_KEPT].count)
            slow->order[count++] = (uint16_t)i;
    rank_sort(slow->order, count, took_ns, slow);
}

/* Positions are ranks. */
static enum stat_step
next_slow(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    static struct shown_slow shown;
    struct server *server = ctx;
    struct slow *slow = &server->slow;

    if (*position == 0)
        sort(slow);
    if (*position >= entry_count(slow))
        return STAT_END;
    shown = (struct shown_slow){entry_at(slow, slow->order[*position]), server->clock->now_ms};
    instance->record = &shown;
    (void)snprintf(instance->label, sizeof(instance->label), "%u", (unsigned)*position + 1);
    return STAT_FOUND;
}

static void
reset(void *ctx)
{
    struct server *server = ctx;

    slow_init(&server->slow, server->clock->now_ms);
}

static const struct stat_family family = {"rank", "%l:%n", next_slow};

const struct stat_section slow_stats = {entries, ARRAY_LEN(entries), &family, "slow_", reset};
