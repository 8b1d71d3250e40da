/* Commands that concern connections: what cmd leaves to this layer, and what follows from others. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "conn.h"
#include "lombard/base/log.h"
#include "notice.h"
#include "permission.h"
#include "server_state.h"
#include "shutdown.h"
#include "watch.h"

static enum reply_status
name_client(struct conn *c, struct slice name)
{
    switch (client_names_set(&c->server->names, c->id, name)) {
    case NAME_SET: c->session.named = true; return REPLY_OK;
    case NAME_BAD: return REPLY_BAD_NAME;
    case NAME_TOO_MANY: break;
    }
    c->server->stats.names_refused++;
    return REPLY_TOO_MANY_NAMES;
}

/* What a client of Couchbase says of itself, in JSON: as much of it as a name may be. */
static void
take_hello(struct conn *c, struct slice key)
{
    char name[CLIENT_NAME_BYTES_MAX + 1];

    (void)event_value(name, sizeof(name), key);
    if (key.len > 0)
        (void)name_client(
            c, slice_make(name, key.len < sizeof(name) ? key.len : sizeof(name) - 1));
}

/* The first word of *REST, which begins behind it then. */
static struct slice
take_word(struct slice *rest)
{
    const char *blank = rest->len == 0 ? NULL : memchr(rest->ptr, ' ', rest->len);
    size_t len = blank == NULL ? rest->len : (size_t)(blank - rest->ptr);
    struct slice word = slice_make(rest->ptr, len);

    while (len < rest->len && rest->ptr[len] == ' ')
        len++;
    *rest = slice_make(rest->ptr + len, rest->len - len);
    return word;
}

static void
watch(struct conn *c, const struct request *req, struct reply *reply)
{
    static const char off[] = "CLIENT_ERROR watch commands not allowed";

    if (c->server->config.watch_enabled) {
        reply->status = conn_watch_begin(c, (uint32_t)req->delta);
        return;
    }
    reply->status = REPLY_TEXT;
    reply->text_bytes = sizeof(off) - 1;
    memcpy(reply->text, off, sizeof(off) - 1);
}

/* "<name> <value>" */
static void
change_setting(struct conn *c, struct slice value, struct reply *reply)
{
    static struct event_kind kind = EVENT_KIND("config", LOG_WARN);
    const struct server_settings *settings = &c->server->config.settings;
    struct slice name = take_word(&value);
    char shown[2][EVENT_TEXT_BYTES / 4];
    char why[SERVER_WHY_BYTES], user[40];

    reply->status = REPLY_ADMIN_ONLY;
    reply->number = !c->server->has_admin;
    if (!server_is_operator(c))
        return;
    /* Clients of a hosted memcached ask for "config get cluster", to see what this is. */
    reply->status = REPLY_NO_STATS;
    if (settings->set == NULL || value.len == 0 || slice_equal(name, SLICE("get")))
        return;
    reply->status = REPLY_OK;
    if (settings->set(settings->ctx, name, value, why)) {
        conn_notice(&kind, c, "setting=%s value=%s%s",
                    event_value(shown[0], sizeof(shown[0]), slice_make(why, strlen(why))),
                    event_value(shown[1], sizeof(shown[1]), value),
                    conn_peer_user(c, user, sizeof(user)));
        return;
    }
    reply->status = REPLY_TEXT;
    reply->text_bytes =
        (uint16_t)snprintf(reply->text, sizeof(reply->text), "CLIENT_ERROR %s", why);
}

void
conn_command(struct conn *c, const struct request *req, struct reply *reply)
{
    reply->status = REPLY_OK;
    if (req->op == OP_CLIENT_NAME)
        reply->status = name_client(c, req->value);
    else if (req->op == OP_CONFIG)
        change_setting(c, req->value, reply);
    else if (req->op == OP_WATCH)
        watch(c, req, reply);
    else if (req->op == OP_HELLO)
        take_hello(c, req->key); /* of its features there are none */
    else
        (void)CONN_BROKEN(c, true);
}

void
conn_after_command(struct conn *c, const struct request *req, enum reply_status status)
{
    if (UNLIKELY(status == REPLY_AUTH_FAILED))
        conn_log_auth_failure(c);
    if (req->op == OP_QUIT)
        conn_finish(c, CLOSE_QUIT);
    else if (UNLIKELY((req->flags & (REQ_CLOSE | REQ_ENDS)) != 0)) {
        if (c->task == NULL) /* else when that is done */
            conn_finish_after(c, req);
    } else if (req->op == OP_VERBOSITY)
        log_ask_level(req->delta == 0 ? LOG_INFO : req->delta == 1 ? LOG_DEBUG : LOG_TRACE);
    else if (req->op == OP_MEMLIMIT && status == REPLY_OK)
        log_line(LOG_INFO, "the limit on memory is %" PRIu64 " MB from now on", req->delta);
    else if (req->op == OP_SHUTDOWN && status == REPLY_NOTHING) {
        conn_finish(c, CLOSE_SHUTDOWN);
        server_shutdown(c->server);
    } else if (UNLIKELY(status == REPLY_ADMIN_ONLY)) {
        conn_note_admin_only(c, req->op);
    }
}
