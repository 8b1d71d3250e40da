/* Executes the few requests of a batch that need more care, and answers what comes seldom. */
#include "careful.h"

#include <string.h>

#include "admission.h"
#include "command.h"
#include "conn.h"
#include "discard.h"
#include "join.h"
#include "lombard/base/log.h"
#include "notice.h"
#include "output.h"
#include "permission.h"
#include "scan.h"
#include "scan_words.h"
#include "server_state.h"
#include "shed.h"
#include "task.h"
#include "upload.h"

/* --- Which ones --- */

static bool
is_told(const struct conn *c)
{
    return c->server->watchers.topics != 0 || log_get_level() >= LOG_TRACE;
}

/* The next one that is to be looked at, behind the first PASSED of BATCH, if it is among them. */
static void
mark_look(const struct conn *c, struct batch *batch, uint32_t passed)
{
    uint32_t next = cmd_look_next(c->server->cmd, batch->count - passed);

    if (UNLIKELY(next < batch->count - passed))
        batch->entries[passed + next].care |= CARE_LOOK;
}

void
conn_care_begin(const struct conn *c, struct batch *batch)
{
    unsigned care = 0;

    if (UNLIKELY(!session_is_plain(&c->session)))
        care |= CARE_SESSION;
    if (UNLIKELY(is_told(c)))
        care |= CARE_TOLD;
    for (uint32_t i = 0; UNLIKELY(care != 0) && i < batch->count; i++)
        batch->entries[i].care |= (uint8_t)care;
    mark_look(c, batch, 0);
}

/* --- Tasks --- */

static void
begin_stream(struct conn *c, const struct batch_entry *entry, struct slice in,
             const struct reply *reply)
{
    struct slice head = slice_make(in.ptr + entry->start_off, entry->head_bytes);
    struct task *task = task_create(c, TASK_STREAM, head, &entry->before);

    if (task == NULL) {
        conn_mark_dead(c, CLOSE_NO_MEMORY);
        return;
    }
    cmd_stream_begin(c->server->cmd, &entry->req, &task->stream);
    task->lines = reply->stream;
    if (reply->stream == STREAM_REGISTRY &&
        rendering_join(&c->server->renderings, c->proto->registry_kind(&entry->req),
                       c->server->clock->now_ms, &task->reader))
        c->server->stats.http_shared++;
    c->task = task;
    if (c->session.role == ROLE_HTTP)
        c->accepted_s = c->server->attended_s; /* it takes its answer from now on */
}

/* One that goes through all connections. */
static void
begin_scan(struct conn *c, const struct batch_entry *entry, struct slice in,
           struct reply *reply)
{
    struct slice head = slice_make(in.ptr + entry->start_off, entry->head_bytes);
    struct scan *scan = NULL;

    reply->status = REPLY_ADMIN_ONLY;
    reply->number = !c->server->has_admin;
    if (entry->req.op != OP_KILL || server_is_operator(c))
        scan = scan_create(entry->req.op, entry->req.value, &reply->status);
    if (scan == NULL)
        return;
    c->task = task_create(c, TASK_SCAN, head, &entry->before);
    if (c->task == NULL) {
        scan_destroy(scan);
        conn_mark_dead(c, CLOSE_NO_MEMORY);
        return;
    }
    c->task->scan = scan;
    reply->status = REPLY_STREAM; /* line by line, or one at the end */
}

static bool
is_scan(const struct request *req)
{
    return req->op == OP_KILL || ((req->op == OP_STATS || req->op == OP_EXPORT) &&
                                  req->value.len > 0 && slice_equal(req->key, SLICE("conns")));
}

/* --- Seldom --- */

/* Its head, and its body. */
static struct slice
bytes_of(const struct batch_entry *entry, struct slice in)
{
    return slice_make(in.ptr + entry->start_off,
                      entry->head_bytes + (size_t)entry->req.body_bytes);
}

/* Until it can be stored, or no stalled client is left that holds the memory: they are closed. */
static void
make_room(struct conn *c, const struct batch_entry *entry, struct reply *reply)
{
    struct cmd *cmd = c->server->cmd;
    uint32_t closed = 0;

    while (reply->status == REPLY_OUT_OF_MEMORY && server_make_room(c->server, &closed))
        cmd_execute(cmd, &c->session, &entry->req, reply);
    if (reply->status == REPLY_OUT_OF_MEMORY)
        cmd_give_up(cmd, &entry->req, reply);
}

/* BATCH's last entry that is executed will be answered by its task, which counts it then. */
static void
set_apart(struct batch *batch)
{
    batch->apart = true;
}

void
conn_answer_seldom(struct conn *c, struct batch *batch, const struct batch_entry *entry,
                   struct slice in, struct reply *reply)
{
    const struct request *req = &entry->req;

    if (reply->status == REPLY_OUT_OF_MEMORY)
        make_room(c, entry, reply);
    if (reply->status == REPLY_CONN && !is_scan(req))
        conn_command(c, req, reply);
    if (reply->status == REPLY_JOIN) {
        set_apart(batch);
        conn_join_begin(c, req, bytes_of(entry, in), &entry->before);
        return;
    }
    if (is_scan(req) && (reply->status == REPLY_STREAM || reply->status == REPLY_CONN))
        begin_scan(c, entry, in, reply);
    else if (reply->status == REPLY_STREAM)
        begin_stream(c, entry, in, reply);
    if (reply->status == REPLY_STREAM)
        return;
    if ((entry->care & CARE_NO_BODY) != 0) {
        set_apart(batch);
        conn_refuse(c, req, reply, req->body_bytes);
        return;
    }
    if (reply->status >= REPLY_SELDOM)
        conn_notice_error(c, req, reply->status);
    conn_reply(c, req, reply);
}

/* --- With care --- */

/* Whether what follows ENTRY is a further key of the same line. */
static bool
goes_on(const struct conn *c, const struct batch *batch, const struct batch_entry *entry)
{
    return proto_state_continues(entry + 1 < batch->entries + batch->count ? &entry[1].before
                                                                           : &c->proto_state);
}

/* The line that begins with ENTRY, as far as it has come. */
static struct slice
line_of(const struct batch_entry *entry, struct slice in)
{
    struct slice rest = slice_make(in.ptr + entry->start_off, in.len - entry->start_off);
    const char *newline = memchr(rest.ptr, '\n', rest.len);

    return newline == NULL ? rest : slice_make(rest.ptr, (size_t)(newline - rest.ptr));
}

/* For the log, and for watchers. */
static void
tell_command(const struct conn *c, const struct batch *batch, const struct batch_entry *entry,
             struct slice in)
{
    char text[256];
    struct slice head = slice_make(in.ptr + entry->start_off, entry->head_bytes);
    const char *newline = memchr(head.ptr, '\n', head.len);
    bool traced = log_get_level() >= LOG_TRACE;

    if (proto_state_continues(&entry->before)) /* a further key of a line that was told */
        return;
    if (goes_on(c, batch, entry))
        head = line_of(entry, in);
    /* What follows the line of a request by HTTP may be a password. */
    if (c->session.role == ROLE_HTTP && newline != NULL)
        head.len = (size_t)(newline - head.ptr);
    /* Where a client counts wrongly, its password is a line like any other. */
    if (!c->session.authenticated) {
        if (!traced)
            return;
        log_line(LOG_TRACE, "<%d not authenticated: a command of %zu bytes", c->watch.fd,
                 head.len);
        return;
    }
    if (traced)
        log_line(LOG_TRACE, "<%d %s", c->watch.fd, log_escape(text, sizeof(text), head));
    while (head.len > 0 && (head.ptr[head.len - 1] == '\n' || head.ptr[head.len - 1] == '\r'))
        head.len--;
    watch_line_command(c, head);
}

static void
execute(struct conn *c, struct batch *batch, const struct batch_entry *entry,
        struct reply *reply)
{
    struct cmd *cmd = c->server->cmd;

    if ((entry->care & CARE_BAD_END) != 0) {
        cmd_refuse_value(cmd, &entry->req, reply);
        return;
    }
    cmd_execute(cmd, &c->session, &entry->req, reply);
    if (reply->status == REPLY_OUT_OF_MEMORY)
        make_room(c, entry, reply);
    if ((entry->care & CARE_LOOK) != 0) {
        cmd_look(cmd, &entry->req, reply);
        mark_look(c, batch, (uint32_t)(entry - batch->entries) + 1);
    }
}

bool
conn_run_carefully(struct conn *c, struct batch *batch, const struct batch_entry *entry,
                   struct slice in)
{
    const struct request *req = &entry->req;
    struct reply reply;

    if ((entry->care & CARE_TOLD) != 0)
        tell_command(c, batch, entry, in);
    if (!conn_may_run(c, req))
        return c->state == CONN_RUNNING && !c->finishing;
    if ((entry->care & CARE_NO_BODY) != 0 && op_has(req->op, PROP_STORES)) {
        struct slice head = slice_make(in.ptr + entry->start_off, entry->head_bytes);

        set_apart(batch);
        conn_upload_begin(c, req, head, &entry->before);
        return false;
    }
    if (c->server->watchers.topics != 0 && (entry->care & CARE_BAD_END) == 0)
        watch_line_lookup(c, req);
    execute(c, batch, entry, &reply);
    if (c->server->watchers.topics != 0)
        watch_line_request(c, req, &reply);
    if (reply.status < REPLY_SELDOM && (entry->care & CARE_NO_BODY) == 0)
        conn_reply(c, req, &reply);
    else
        conn_answer_seldom(c, batch, entry, in, &reply);
    if (!op_has(req->op, PROP_KEYED) || (req->flags & REQ_CLOSE) != 0)
        conn_after_command(c, req, reply.status);
    return c->task == NULL && c->state == CONN_RUNNING && !c->finishing;
}
