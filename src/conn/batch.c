/*
 * Parses up to 16 requests, prefetches what they will look at, then executes them one after the
 * other. What cannot be executed now is rewound, and will be parsed again.
 */
#include "batch.h"

#include "admission.h"
#include "command.h"
#include "conn.h"
#include "discard.h"
#include "join.h"
#include "lombard/base/log.h"
#include "output.h"
#include "notice.h"
#include "permission.h"
#include "scan.h"
#include "scan_words.h"
#include "server_state.h"
#include "shed.h"
#include "task.h"
#include "upload.h"
#include "watch.h"

_Static_assert((int)SMALL_BODY_BYTES <= (int)BUF_BYTES / 2,
               "such a command fits into a buffer");

/* --- Parsing ahead --- */

/*
 * Whether to wait until a command with its body is there, instead of receiving it in place. One
 * that will be denied is not waited for.
 */
static bool
wait_for_all(const struct conn *c, const struct request *req, size_t head_bytes)
{
    if (!session_trusts(&c->session, req->op))
        return false;
    if (op_has(req->op, PROP_WHOLE))
        return true;
    return op_has(req->op, PROP_STORES) &&
           head_bytes + req->body_bytes <= DRAWN(SMALL_BODY_BYTES);
}

static void
attach_value(struct batch_entry *entry, const struct proto_ops *proto, const char *body)
{
    if (!op_has(entry->req.op, PROP_VALUE))
        return; /* discarded */
    entry->req.value = slice_make(body, entry->req.value_bytes);
    entry->bad_end = !proto->value_ends(body + entry->req.value_bytes);
}

/* Parse one entry at batch->end_off. False when the batch ends before it. */
static bool
parse_entry(struct conn *c, struct batch *batch, struct slice in)
{
    struct batch_entry *entry = &batch->entries[batch->count];
    struct slice rest = slice_make(in.ptr + batch->end_off, in.len - batch->end_off);
    uint64_t after_head;
    size_t used;

    entry->before = c->proto_state;
    entry->start_off = batch->end_off;
    entry->bad_end = false;
    if (c->proto->parse(&c->proto_state, &c->session, rest, &entry->req, &used) ==
        PARSE_PARTIAL) {
        batch->end_off += (uint32_t)used;
        batch->needs_input = true;
        return false;
    }
    entry->head_bytes = (uint32_t)used;
    after_head = rest.len - used;
    entry->body_here = entry->req.body_bytes <= after_head;
    if (!entry->body_here && wait_for_all(c, &entry->req, used)) {
        c->proto_state = entry->before;
        batch->needs_input = true;
        return false;
    }
    batch->end_off += (uint32_t)used;
    batch->count++;
    if (!entry->body_here)
        return false;
    if (entry->req.body_bytes > 0) {
        attach_value(entry, c->proto, rest.ptr + used);
        batch->end_off += (uint32_t)entry->req.body_bytes;
    }
    return !op_has(entry->req.op, PROP_BARRIER);
}

static void
parse_batch(struct conn *c, struct batch *batch, struct slice in, uint32_t max)
{
    bool on = true;

    while (on && batch->count < max && batch->end_off < in.len)
        on = parse_entry(c, batch, in);
    if (batch->end_off == in.len)
        batch->needs_input = true;
}

void
conn_parse_ahead(struct conn *c, struct dispatch *dispatch)
{
    struct batch *batch = &dispatch->batch;
    struct budget *budget = &dispatch->budget;
    struct slice in = conn_input(c);
    uint32_t batch_max = DRAWN(BATCH_REQUESTS);
    uint32_t max = budget->requests < batch_max ? budget->requests : batch_max;

    batch->count = 0;
    batch->end_off = 0;
    batch->needs_input = false;
    batch->parsed = true;
    batch->before = c->proto_state;
    if (UNLIKELY(c->proto == NULL) && c->session.role == ROLE_CLIENT)
        c->proto = c->server->config.only_proto;
    if (UNLIKELY(c->proto == NULL))
        c->proto = proto_detect(c->session.role, (unsigned char)in.ptr[0]);
    parse_batch(c, batch, in, max);
    for (uint32_t i = 0; i < batch->count; i++)
        cmd_prepare(c->server->cmd, &batch->entries[i].req);
}

void
conn_rewind(struct conn *c, struct dispatch *dispatch)
{
    if (dispatch->batch.parsed)
        c->proto_state = dispatch->batch.before;
    dispatch->batch.parsed = false;
}

void
conn_prefetch_ahead(struct conn *c, struct dispatch *dispatch)
{
    for (uint32_t i = 0; i < dispatch->batch.count; i++)
        cmd_prefetch(c->server->cmd, &dispatch->batch.entries[i].req);
}

/* Rewind everything from ENTRY on: there is no room or no right to execute it now. */
static void
rewind_to(struct conn *c, struct batch *batch, const struct batch_entry *entry)
{
    c->proto_state = entry->before;
    batch->end_off = entry->start_off;
    batch->needs_input = false;
}

/* --- Executing --- */

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
    c->task = task;
    latency_note(&c->server->latency, entry->req.op);
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

/* Execute; where storing fails because stalled clients hold the memory, they are closed. */
static void
execute(struct conn *c, const struct batch_entry *entry, struct reply *reply)
{
    struct cmd *cmd = c->server->cmd;
    uint32_t closed = 0;

    if (entry->bad_end) {
        cmd_refuse_value(cmd, &entry->req, reply);
        return;
    }
    do
        cmd_execute(cmd, &c->session, &entry->req, reply);
    while (UNLIKELY(reply->status == REPLY_OUT_OF_MEMORY) &&
           server_make_room(c->server, &closed));
    if (UNLIKELY(reply->status == REPLY_OUT_OF_MEMORY))
        cmd_give_up(cmd, &entry->req, reply);
}

static void
trace_command(const struct conn *c, const struct batch_entry *entry, struct slice in)
{
    char text[256];
    struct slice head = slice_make(in.ptr + entry->start_off, entry->head_bytes);
    const char *newline = memchr(head.ptr, '\n', head.len);

    /* What follows the line of a request by HTTP may be a password. */
    if (c->session.role == ROLE_HTTP && newline != NULL)
        head.len = (size_t)(newline - head.ptr);
    /* Where a client counts wrongly, its password is a line like any other. */
    if (!c->session.authenticated) {
        log_line(LOG_TRACE, "<%d not authenticated: a command of %zu bytes", c->watch.fd,
                 head.len);
        return;
    }
    log_line(LOG_TRACE, "<%d %s", c->watch.fd, log_escape(text, sizeof(text), head));
}

/* Its head, and its body. */
static struct slice
bytes_of(const struct batch_entry *entry, struct slice in)
{
    return slice_make(in.ptr + entry->start_off,
                      entry->head_bytes + (size_t)entry->req.body_bytes);
}

/* What is no answer yet, or an error, or has a body that is still to come. */
static NOINLINE void
answer_seldom(struct conn *c, const struct batch_entry *entry, struct slice in,
              struct reply *reply)
{
    const struct request *req = &entry->req;

    if (reply->status == REPLY_CONN && !is_scan(req))
        conn_command(c, req, reply);
    if (reply->status == REPLY_JOIN) {
        conn_join_begin(c, req, bytes_of(entry, in), &entry->before);
        return;
    }
    if (is_scan(req) && (reply->status == REPLY_STREAM || reply->status == REPLY_CONN))
        begin_scan(c, entry, in, reply);
    else if (reply->status == REPLY_STREAM)
        begin_stream(c, entry, in, reply);
    if (reply->status == REPLY_STREAM)
        return;
    if (!entry->body_here) {
        conn_refuse(c, req, reply, req->body_bytes);
        return;
    }
    if (reply->status >= REPLY_SELDOM)
        conn_notice_error(c, req, reply->status);
    latency_note(&c->server->latency, req->op);
    conn_reply(c, req, reply);
}

/* True when the next entry of the batch may follow. */
static bool
run_entry(struct conn *c, const struct batch_entry *entry, struct slice in)
{
    const struct request *req = &entry->req;
    struct reply reply;

    if (UNLIKELY(log_get_level() >= LOG_TRACE))
        trace_command(c, entry, in);
    if (!conn_may_run(c, req))
        return c->state == CONN_RUNNING && !c->finishing;
    if (UNLIKELY(!entry->body_here) && op_has(req->op, PROP_STORES)) {
        struct slice head = slice_make(in.ptr + entry->start_off, entry->head_bytes);

        conn_upload_begin(c, req, head, &entry->before);
        return false;
    }
    execute(c, entry, &reply);
    if (UNLIKELY(c->server->watchers.topics != 0))
        watch_line_request(c, req, &reply);
    if (LIKELY(reply.status < REPLY_SELDOM && entry->body_here)) {
        latency_note(&c->server->latency, req->op);
        conn_reply(c, req, &reply);
    } else {
        answer_seldom(c, entry, in, &reply);
    }
    if (UNLIKELY(!op_has(req->op, PROP_KEYED) || (req->flags & REQ_CLOSE) != 0))
        conn_after_command(c, req, reply.status);
    return c->task == NULL && c->state == CONN_RUNNING && !c->finishing;
}

/*
 * Execute in order, as long as there is room for a reply. STEP_NEED_OUTPUT: there was none for
 * one of them; it and the ones behind it will be parsed again. batch->count is of those executed, then.
 */
static enum step
run_batch(struct conn *c, struct batch *batch, struct slice in)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        bool go_on;

        if (!conn_has_reply_room(c)) {
            rewind_to(c, batch, &batch->entries[i]);
            batch->count = i;
            return STEP_NEED_OUTPUT;
        }
        go_on = run_entry(c, &batch->entries[i], in);
        if (!go_on) {
            if (i + 1 < batch->count)
                rewind_to(c, batch, &batch->entries[i + 1]);
            batch->count = i + 1;
            return STEP_ON;
        }
    }
    return batch->needs_input ? STEP_NEED_INPUT : STEP_ON;
}

static enum step
batch_step(struct conn *c, struct dispatch *dispatch)
{
    struct batch *batch = &dispatch->batch;
    struct slice in = conn_input(c);
    enum step step;

    if (in.len == 0)
        return STEP_NEED_INPUT;
    if (!batch->parsed) {
        batch->entries = c->server->batch; /* in the group's, other connections' follow */
        conn_parse_ahead(c, dispatch);
        if (batch->count > 1) /* else there is nothing to overlap with */
            conn_prefetch_ahead(c, dispatch);
    }
    batch->parsed = false;
    dispatch->budget.requests -= batch->count;
    step = run_batch(c, batch, in);
    if (LIKELY(batch->count > 0)) {
        c->requests += batch->count;
        c->last_op = batch->entries[batch->count - 1].req.op;
    }
    if (conn_is_dead(c))
        return STEP_STOP;
    buf_consumed(c->rbuf, batch->end_off, NULL);
    return step;
}

enum step
conn_step(struct conn *c, struct dispatch *dispatch)
{
    if (c->state != CONN_RUNNING || c->finishing)
        return STEP_STOP;
    if (c->task != NULL) {
        switch (c->task->kind) {
        case TASK_UPLOAD: return conn_upload_step(c);
        case TASK_VALUE: return conn_value_step(c);
        case TASK_JOIN: return conn_join_step(c, &dispatch->budget);
        case TASK_STREAM: return conn_stream_step(c);
        case TASK_SCAN: return conn_scan_step(c);
        case TASK_WATCH: return conn_watch_step(c);
        case TASK_REFUSAL: return conn_refusal_step(c);
        }
    }
    if (c->discard_bytes > 0)
        return conn_discard_step(c);
    return batch_step(c, dispatch);
}
