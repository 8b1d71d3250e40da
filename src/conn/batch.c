/*
 * Parses up to 32 requests, prefetches what they will look at, then executes them one after the
 * other. What cannot be executed now is rewound, and will be parsed again.
 */
#include "batch.h"

#include "careful.h"
#include "command.h"
#include "conn.h"
#include "discard.h"
#include "join.h"
#include "output.h"
#include "scan.h"
#include "server_state.h"
#include "task.h"
#include "upload.h"
#include "watch.h"

_Static_assert((int)BATCH_REQUESTS <= 32, "one has a bit in batch.far");
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
    if (!proto->value_ends(body + entry->req.value_bytes))
        entry->care = CARE_BAD_END;
}

/* Parse one entry at batch->end_off. False when the batch ends before it. */
static bool
parse_entry(struct conn *c, struct batch *batch, struct slice in)
{
    struct batch_entry *entry = &batch->entries[batch->count];
    struct slice rest = slice_make(in.ptr + batch->end_off, in.len - batch->end_off);
    uint64_t after_head;
    size_t used;
    bool body_here;

    entry->before = c->proto_state;
    entry->start_off = batch->end_off;
    entry->care = 0;
    if (c->proto->parse(&c->proto_state, &c->session, rest, &entry->req, &used) ==
        PARSE_PARTIAL) {
        batch->end_off += (uint32_t)used;
        batch->needs_input = true;
        return false;
    }
    entry->head_bytes = (uint32_t)used;
    after_head = rest.len - used;
    body_here = entry->req.body_bytes <= after_head;
    if (!body_here && wait_for_all(c, &entry->req, used)) {
        c->proto_state = entry->before;
        batch->needs_input = true;
        return false;
    }
    batch->end_off += (uint32_t)used;
    batch->count++;
    if (!body_here) {
        entry->care = CARE_NO_BODY;
        return false;
    }
    if (entry->req.body_bytes > 0) {
        attach_value(entry, c->proto, rest.ptr + used);
        batch->end_off += (uint32_t)entry->req.body_bytes;
    }
    return !op_has(entry->req.op, PROP_BARRIER);
}

/* Behind a get, which is the last entry so far: at most COUNT more. */
static void
parse_gets(struct conn *c, struct batch *batch, struct slice in, uint32_t count)
{
    struct batch_entry *last = &batch->entries[batch->count - 1];
    uint32_t taken = c->proto->parse_gets(&c->proto_state, in, last, count);

    batch->count += taken;
    batch->end_off = last[taken].start_off + last[taken].head_bytes;
}

static bool
may_go_on(const struct batch *batch, struct slice in, uint32_t max)
{
    return batch->count < max && batch->end_off < in.len;
}

static void
parse_batch(struct conn *c, struct batch *batch, struct slice in, uint32_t max)
{
    bool on = true;

    while (on && may_go_on(batch, in, max)) {
        on = parse_entry(c, batch, in);
        if (on && batch->entries[batch->count - 1].req.op == OP_GET &&
            c->proto->parse_gets != NULL && may_go_on(batch, in, max))
            parse_gets(c, batch, in, max - batch->count);
    }
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
    batch->fetched = 0;
    batch->end_off = 0;
    batch->apart = false;
    batch->needs_input = false;
    batch->parsed = true;
    batch->before = c->proto_state;
    if (UNLIKELY(c->proto == NULL) && c->session.role == ROLE_CLIENT)
        c->proto = c->server->config.only_proto;
    if (UNLIKELY(c->proto == NULL))
        c->proto = proto_detect(c->session.role, (unsigned char)in.ptr[0]);
    parse_batch(c, batch, in, max);
    for (uint32_t i = 0, count = batch->count; i < count; i++)
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
    struct batch *batch = &dispatch->batch;
    struct cmd *cmd = c->server->cmd;
    uint32_t count = batch->count, far = 0;

    for (uint32_t i = 0; i < count; i++)
        far |= (uint32_t)cmd_prefetch(cmd, &batch->entries[i].req) << i;
    batch->far = far;
}

void
conn_prefetch_far(struct conn *c, const struct dispatch *dispatch)
{
    for (uint32_t far = dispatch->batch.far; far != 0; far &= far - 1)
        cmd_prefetch_far(c->server->cmd, &dispatch->batch.entries[__builtin_ctz(far)].req);
}

bool
conn_prefetch_values(const struct server *server, const struct batch_entry *entries,
                     uint32_t count)
{
    if (server->long_batches == 0)
        return false;
    for (uint32_t i = 0; i < VALUES_AHEAD && i < count; i++)
        cmd_prefetch_value(server->cmd, &entries[i].req);
    return true;
}

/* What was formatted into C's buffer; each reference stands for a long value. */
static size_t
written(const struct conn *c)
{
    return c->wbuf->write_off + c->wbuf->ref_count * (size_t)COPY_BYTES_MAX;
}

/* The replies to BATCH, of BYTES in all: whether values of those that come next are worth prefetching. */
static void
note_length(struct server *server, const struct batch *batch, size_t bytes)
{
    if (bytes > batch->count * (size_t)SHORT_REPLY_BYTES)
        server->long_batches = LONG_BATCHES;
    else if (server->long_batches > 0)
        server->long_batches--;
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

/* It means nothing for its connection. */
static inline bool
is_simple(const struct request *req)
{
    return op_has(req->op, PROP_KEYED) && (req->flags & REQ_CLOSE) == 0;
}

/* True when the next entry of the batch may follow: after most it may, and no look at C is needed. */
static inline bool __attribute__((always_inline))
run_entry(struct conn *c, struct batch *batch, const struct batch_entry *entry, struct slice in)
{
    const struct request *req = &entry->req;
    struct reply reply;

    if (UNLIKELY(entry->care != 0))
        return conn_run_carefully(c, batch, entry, in);
    cmd_execute(c->server->cmd, &c->session, req, &reply);
    if (UNLIKELY(reply.status >= REPLY_SELDOM))
        conn_answer_seldom(c, batch, entry, in, &reply);
    else if (LIKELY(conn_reply(c, req, &reply)) && LIKELY(is_simple(req)))
        return true;
    if (UNLIKELY(!is_simple(req)))
        conn_after_command(c, req, reply.status);
    return c->task == NULL && c->state == CONN_RUNNING && !c->finishing;
}

/* Of BATCH those before the END-th have their replies, the last of them of one operation. */
static void
note_run(struct conn *c, struct batch *batch, uint32_t end)
{
    latency_note(&c->server->latency, batch->op, end - batch->noted);
    batch->noted = end;
}

/* Count those of BATCH that were executed: all but one that will be answered later has its reply. */
static void
count_executed(struct conn *c, struct batch *batch)
{
    if (UNLIKELY(batch->count == 0))
        return;
    conn_count(c, batch->count, batch->op);
    note_run(c, batch, batch->count - batch->apart);
}

/*
 * Execute in order, as long as there is room for a reply. STEP_NEED_OUTPUT: there was none for
 * one of them; it and the ones behind it will be parsed again. batch->count is of those executed, then.
 */
static enum step
run_entries(struct conn *c, struct batch *batch, struct slice in)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        bool go_on;

        if (i + VALUES_AHEAD < batch->fetched)
            cmd_prefetch_value(c->server->cmd, &batch->entries[i + VALUES_AHEAD].req);
        if (!conn_has_reply_room(c)) {
            rewind_to(c, batch, &batch->entries[i]);
            batch->count = i;
            return STEP_NEED_OUTPUT;
        }
        if (UNLIKELY(batch->entries[i].req.op != batch->op)) {
            note_run(c, batch, i);
            batch->op = batch->entries[i].req.op;
        }
        go_on = run_entry(c, batch, &batch->entries[i], in);
        if (!go_on) {
            if (i + 1 < batch->count)
                rewind_to(c, batch, &batch->entries[i + 1]);
            batch->count = i + 1;
            return STEP_ON;
        }
    }
    return batch->needs_input ? STEP_NEED_INPUT : STEP_ON;
}

/* A key that was decoded lies with its request. */
static struct answered
answered(const struct request *req)
{
    bool has_key = op_has(req->op, PROP_KEYED) && req->key.ptr != req->key_decoded;

    return (struct answered){true, req->op, has_key ? req->key : slice_make("", 0)};
}

static enum step
batch_step(struct conn *c, struct dispatch *dispatch)
{
    struct batch *batch = &dispatch->batch;
    struct slice in = conn_input(c);
    enum step step;
    uint32_t parsed;
    size_t before;

    if (in.len == 0)
        return STEP_NEED_INPUT;
    if (!batch->parsed) {
        batch->entries = c->server->batch; /* in the group's, other connections' follow */
        conn_parse_ahead(c, dispatch);
        if (batch->count > 1) { /* else there is nothing to overlap with */
            conn_prefetch_ahead(c, dispatch);
            conn_prefetch_far(c, dispatch);
            if (conn_prefetch_values(c->server, batch->entries, batch->count))
                batch->fetched = batch->count;
        }
    }
    batch->parsed = false;
    batch->op = batch->entries[0].req.op;
    batch->noted = 0;
    dispatch->budget.requests -= batch->count;
    conn_care_begin(c, batch);
    parsed = batch->count;
    before = written(c);
    step = run_entries(c, batch, in);
    note_length(c->server, batch, written(c) - before);
    if (UNLIKELY(batch->count < parsed || batch->apart))
        cmd_look_again(c->server->cmd);
    count_executed(c, batch);
    if (LIKELY(batch->count > 0 && !batch->apart))
        dispatch->last = answered(&batch->entries[batch->count - 1].req);
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
        case TASK_UPLOAD: return conn_upload_step(c, &dispatch->budget);
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
