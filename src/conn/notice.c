/* Says what happened to a connection. */
#include "notice.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "client_names.h"
#include "held.h"
#include "lombard/base/sys.h"
#include "server_state.h"
#include "task.h"

static void
put(struct event_kind *kind, const struct conn *c, const char *fields)
{
    char peer[128];

    sys_peer_name(c->watch.fd, peer, sizeof(peer));
    event_add(kind, "id=%" PRIu32 " addr=%s name=%s %s", c->id, peer,
              client_names_get(&c->server->names, c->id), fields);
}

void
conn_notice(struct event_kind *kind, const struct conn *c, const char *format, ...)
{
    char fields[EVENT_TEXT_BYTES];
    va_list args;

    if (!event_admits(kind))
        return;
    va_start(args, format);
    (void)vsnprintf(fields, sizeof(fields), format, args);
    va_end(args);
    put(kind, c, fields);
}

const char *
conn_peer_user(const struct conn *c, char *dst, size_t bytes)
{
    struct sys_peer_user user;

    dst[0] = '\0';
    if (sys_peer_user(c->watch.fd, &user))
        (void)snprintf(dst, bytes, " uid=%" PRIu32 " pid=%" PRId32, user.uid, user.pid);
    return dst;
}

/* What its client, the network or the operator has chosen is no news. */
static struct event_kind kinds[] = {
    [CLOSE_NONE] = EVENT_KIND("closed reason=none", LOG_WARN),
#define CLOSE_REASON(NAME, name, help)                                                         \
    [CLOSE_##NAME] = EVENT_KIND(                                                               \
        "closed reason=" #name,                                                                \
        CLOSE_##NAME <= CLOSE_RESET || CLOSE_##NAME == CLOSE_SHUTDOWN ? LOG_DEBUG : LOG_WARN),
#include "lombard/conn/close_reason.def"
#undef CLOSE_REASON
};

/* Where the server went down before a client had taken its replies, that is news. */
static struct event_kind *
kind_of(const struct conn *c, enum close_reason reason)
{
    static struct event_kind cut_off = EVENT_KIND("closed reason=shutdown", LOG_WARN);

    return reason == CLOSE_SHUTDOWN && conn_is_stalled(c) ? &cut_off : &kinds[reason];
}

void
conn_notice_closed(const struct conn *c, enum close_reason reason)
{
    uint32_t now_s = c->server->attended_s;
    uint32_t waited_ms =
        conn_is_stalled(c) ? (uint32_t)c->server->attended_ms - c->stalled_ms : 0;
    struct event_kind *kind = kind_of(c, reason);
    char fields[EVENT_TEXT_BYTES];

    watch_line_closed(c, (int)reason);
    if (!event_admits(kind))
        return;
    (void)snprintf(fields, sizeof(fields),
                   "age_s=%" PRIu32 " idle_s=%" PRIu32 " waited_ms=%" PRIu32 " held=%" PRIu64
                   " buffers=%d requests=%" PRIu64 " in=%" PRIu64 " out=%" PRIu64,
                   now_s - c->accepted_s, now_s - c->active_s, waited_ms, conn_held_bytes(c),
                   (c->rbuf != NULL) + (c->wbuf != NULL), conn_requests(c), c->bytes_in,
                   c->bytes_out);
    put(kind, c, fields);
}

void
conn_notice_error(struct conn *c, const struct request *req, enum reply_status status)
{
    static struct event_kind no_memory = EVENT_KIND("refused reason=out_of_memory", LOG_WARN);
    static struct event_kind too_large = EVENT_KIND("refused reason=too_large", LOG_INFO);

    conn_count_error(c);
    if (status == REPLY_OUT_OF_MEMORY)
        conn_notice(&no_memory, c, "command=%s bytes=%" PRIu64 " pins_lacking=%" PRIu64,
                    request_op_name(req->op), req->value_bytes,
                    cmd_missing_bytes(c->server->cmd));
    else if (status == REPLY_TOO_LARGE)
        conn_notice(&too_large, c, "command=%s bytes=%" PRIu64, request_op_name(req->op),
                    req->value_bytes);
}
