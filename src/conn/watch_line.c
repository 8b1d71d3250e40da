/* Formats what happens as lines for watchers, into their buffers as far as these have room. */
#include "watch_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lombard/base/eventlog.h"
#include "lombard/base/log.h"
#include "lombard/base/put.h"
#include "lombard/base/sys.h"
#include "server_state.h"

enum {
    LINE_BYTES = 1024,  /* with a key of 250 bytes, all of them escaped */
    SKIPPED_BYTES = 32, /* "skipped=N\n" */
    NS_A_SECOND = 1000000000,
};

/* --- Watchers --- */

static void say_evicted(void *ctx, const struct cmd_evicted *evicted);
static void say_event(void *ctx, const char *text);

/* What is told from below is so only where it is watched. */
static void
sum_topics(struct watchers *watchers)
{
    struct server *server = CONTAINER_OF(watchers, struct server, watchers);

    watchers->topics = 0;
    for (uint32_t i = 0; i < watchers->count; i++)
        watchers->topics |= watchers->at[i].topics;
    cmd_on_evict(server->cmd, (watchers->topics & TOPIC_EVICTIONS) != 0 ? say_evicted : NULL,
                 server);
    event_listen((watchers->topics & TOPIC_SYSEVENTS) != 0 ? say_event : NULL, server);
}

bool
watchers_add(struct watchers *watchers, struct conn *c, uint32_t topics, uint64_t skipped)
{
    if (watchers->count == WATCHERS_MAX)
        return false;
    watchers->at[watchers->count++] = (struct watcher){c, topics, skipped};
    sum_topics(watchers);
    return true;
}

void
watchers_remove(struct watchers *watchers, const struct conn *c)
{
    for (uint32_t i = 0; i < watchers->count; i++)
        if (watchers->at[i].conn == c)
            watchers->at[i] = watchers->at[--watchers->count];
    sum_topics(watchers);
}

/* --- Lines --- */

/* LINE, and how many were left out before it; or it is left out, too. */
static void
give(struct watchers *watchers, struct watcher *watcher, struct slice line)
{
    struct buf *buf = watcher->conn->wbuf;
    char skipped[SKIPPED_BYTES];

    if (buf == NULL || buf_room(buf) < line.len + sizeof(skipped)) {
        watcher->skipped++;
        watchers->skipped++;
        return;
    }
    if (watcher->skipped > 0) {
        int len = snprintf(skipped, sizeof(skipped), "skipped=%" PRIu64 "\n", watcher->skipped);

        buf_append(buf, slice_make(skipped, (size_t)len));
        watcher->skipped = 0;
    }
    buf_append(buf, line);
    watchers->sent++;
}

static void say(struct server *server, enum watch_topic topic, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* To all that watch TOPIC, behind the time and the line's number. */
static void
say(struct server *server, enum watch_topic topic, const char *format, ...)
{
    struct watchers *watchers = &server->watchers;
    const struct clock *clock = server->clock;
    uint64_t ns = clock->now_ns - clock->start_ns;
    char line[LINE_BYTES];
    size_t len =
        (size_t)snprintf(line, sizeof(line), "ts=%" PRId64 ".%" PRIu64 " gid=%" PRIu64 " ",
                         clock->start_unix_s + (int64_t)(ns / NS_A_SECOND),
                         ns % NS_A_SECOND / 1000, ++watchers->gid);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line + len, sizeof(line) - len - 1, format, args);
    va_end(args);
    len = strlen(line);
    line[len++] = '\n';
    for (uint32_t i = 0; i < watchers->count; i++)
        if ((watchers->at[i].topics & (uint32_t)topic) != 0)
            give(watchers, &watchers->at[i], slice_make(line, len));
}

/* --- Requests --- */

enum { KEY_TEXT_BYTES = 3 * KEY_BYTES_MAX + 1 };

static const char *
key_text(struct slice key, char text[KEY_TEXT_BYTES])
{
    *put_uri(text, key) = '\0';
    return text;
}

void
watch_line_lookup(const struct conn *c, const struct request *req)
{
    struct watchers *watchers = &c->server->watchers;
    struct reply_item item = {.value_bytes = 0};
    char key[KEY_TEXT_BYTES];

    if (!op_has(req->op, PROP_KEYED))
        return;
    watchers->found = cmd_peek(c->server->cmd, req, &item);
    watchers->bytes = item.value_bytes;
    if ((watchers->topics & TOPIC_FETCHERS) != 0)
        say(c->server, TOPIC_FETCHERS,
            "type=item_get key=%s status=%s clsid=%d cfd=%d size=%" PRIu64,
            key_text(req->key, key), watchers->found ? "found" : "not_found", watchers->found,
            c->watch.fd, watchers->bytes);
}

/* NULL: nothing that memcached says. */
static const char *
store_status(const struct reply *reply)
{
    static const struct {
        enum reply_status status;
        const char *name;
    } names[] = {
        {REPLY_STORED, "stored"},       {REPLY_NOT_STORED, "not_stored"},
        {REPLY_EXISTS, "exists"},       {REPLY_NOT_FOUND, "not_found"},
        {REPLY_TOO_LARGE, "too_large"}, {REPLY_OUT_OF_MEMORY, "no_memory"},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].status == reply->status)
            return names[i].name;
    return NULL;
}

static const char *
store_name(enum request_op op)
{
    return op == OP_ADD       ? "add"
           : op == OP_REPLACE ? "replace"
           : op == OP_APPEND  ? "append"
           : op == OP_PREPEND ? "prepend"
           : op == OP_CAS     ? "cas"
                              : "set";
}

/* Seconds that are left of what EXPTIME means, 0: it does not expire; -1: it has expired. */
static int64_t
ttl_s(const struct conn *c, int64_t exptime)
{
    enum { THIRTY_DAYS_S = 30 * 24 * 3600 };
    int64_t left_s =
        exptime > THIRTY_DAYS_S ? exptime - clock_unix_s(c->server->clock) : exptime;

    return left_s < 0 || (left_s == 0 && exptime != 0) ? -1 : left_s;
}

/* What is there now, where it was stored: appended to what was there before, or as old as that was. */
static void
say_stored(const struct conn *c, const struct request *req, const char *status,
           const char *name)
{
    int64_t left_s = ttl_s(c, req->exptime);
    uint64_t bytes = req->value_bytes;
    struct reply_item item;
    char key[KEY_TEXT_BYTES];

    if (strcmp(status, "stored") == 0 && cmd_peek(c->server->cmd, req, &item)) {
        left_s = item.ttl_s < 0 ? 0 : item.ttl_s;
        bytes = item.value_bytes;
    }
    say(c->server, TOPIC_MUTATIONS,
        "type=item_store key=%s status=%s cmd=%s ttl=%" PRId64 " clsid=1 cfd=%d size=%" PRIu64,
        key_text(req->key, key), status, name, left_s, c->watch.fd, bytes);
}

static void
say_mutation(const struct conn *c, const struct request *req, const struct reply *reply)
{
    const char *status = store_status(reply);

    if (op_has(req->op, PROP_STORES) && status != NULL)
        say_stored(c, req, status, store_name(req->op));
    else if (reply->status == REPLY_NUMBER && !c->server->watchers.found)
        say_stored(c, req, "stored", "add"); /* a number that was not there */
}

/* What is invalidated, and may be served as stale, was not deleted. */
static void
say_deleted(const struct conn *c, const struct request *req, const struct reply *reply)
{
    char key[KEY_TEXT_BYTES];

    if (reply->status == REPLY_DELETED && (req->flags & REQ_INVALIDATE) == 0)
        say(c->server, TOPIC_DELETIONS, "type=deleted key=%s cmd=%s clsid=1 size=%" PRIu64,
            key_text(req->key, key), req->op == OP_META_DELETE ? "md" : "delete",
            c->server->watchers.bytes);
}

void
watch_line_request(const struct conn *c, const struct request *req, const struct reply *reply)
{
    uint32_t topics = c->server->watchers.topics;

    if ((topics & TOPIC_MUTATIONS) != 0)
        say_mutation(c, req, reply);
    if ((topics & TOPIC_DELETIONS) != 0)
        say_deleted(c, req, reply);
}

void
watch_line_command(const struct conn *c, struct slice command)
{
    char text[512];

    if ((c->server->watchers.topics & TOPIC_RAWCMDS) != 0)
        say(c->server, TOPIC_RAWCMDS, "<%d %s", c->watch.fd,
            log_escape(text, sizeof(text), command));
}

/* --- The server --- */

/* As memcached says it; there are no classes of slabs. */
static void
say_evicted(void *ctx, const struct cmd_evicted *evicted)
{
    char key[KEY_TEXT_BYTES];

    say(ctx, TOPIC_EVICTIONS,
        "type=eviction key=%s fetch=%s ttl=%" PRId64 " la=%" PRIu32 " clsid=1 size=%" PRIu64,
        key_text(evicted->key, key), evicted->was_hit ? "yes" : "no", evicted->ttl_s,
        evicted->idle_s, evicted->value_bytes);
}

/* "idle reason=..." */
static void
say_event(void *ctx, const char *text)
{
    say(ctx, TOPIC_SYSEVENTS, "type=%s", text);
}

/* --- Connections --- */

/* "rip=1.2.3.4 rport=5 transport=tcp", from "tcp:1.2.3.4:5" or "unix:/path". */
static void
put_peer(const struct conn *c, char *dst, size_t bytes)
{
    char peer[128];
    char *ip, *port;

    sys_peer_name(c->watch.fd, peer, sizeof(peer));
    ip = strchr(peer, ':');
    port = strrchr(peer, ':');
    if (strncmp(peer, "tcp", 3) != 0 || ip == NULL || port == ip) {
        (void)snprintf(dst, bytes, "rip=unix rport=0 transport=local");
        return;
    }
    *port++ = '\0';
    ip++;
    if (*ip == '[') { /* of IPv6 */
        ip[strlen(ip) - 1] = '\0';
        ip++;
    }
    (void)snprintf(dst, bytes, "rip=%s rport=%s transport=tcp", ip, port);
}

void
watch_line_accepted(const struct conn *c)
{
    char peer[160];

    if (LIKELY((c->server->watchers.topics & TOPIC_CONNEVENTS) == 0))
        return;
    put_peer(c, peer, sizeof(peer));
    say(c->server, TOPIC_CONNEVENTS, "type=conn_new %s cfd=%d", peer, c->watch.fd);
}

/* memcached knows these four. */
static const char *
reason_name(int reason)
{
    if (reason == CLOSE_QUIT || reason == CLOSE_EOF)
        return "normal";
    if (reason == CLOSE_IDLE || reason == CLOSE_OPERATOR_IDLE)
        return "idle_timeout";
    return reason == CLOSE_SHUTDOWN ? "shutdown" : "error";
}

void
watch_line_closed(const struct conn *c, int reason)
{
    char peer[160];

    if (LIKELY((c->server->watchers.topics & TOPIC_CONNEVENTS) == 0))
        return;
    put_peer(c, peer, sizeof(peer));
    say(c->server, TOPIC_CONNEVENTS, "type=conn_close %s reason=%s cfd=%d", peer,
        reason_name(reason), c->watch.fd);
}

/* --- Statistics; the record is the struct watchers --- */

static const struct stat_entry entries[] = {
    {"log_watchers", STAT_GAUGE, UNIT_CONNECTIONS, "Connections that watch.", stat_get_u32,
     offsetof(struct watchers, count)},
    {"log_watcher_skipped", STAT_COUNTER, UNIT_LINES,
     "Lines that a watcher did not take in time, and lost.", stat_get_u64,
     offsetof(struct watchers, skipped)},
    {"log_watcher_sent", STAT_COUNTER, UNIT_LINES, "Lines for watchers.", stat_get_u64,
     offsetof(struct watchers, sent)},
};

static void
reset(void *ctx)
{
    stat_reset_counters(entries, ARRAY_LEN(entries), ctx);
}

const struct stat_section watch_stats = {entries, ARRAY_LEN(entries), NULL, "", reset};
