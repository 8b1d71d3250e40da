#include <errno.h>
#include <string.h>

#include "lombard/base/log.h"
#include "lombard/base/sys.h"
#include "server_priv.h"

/* --- Receiving --- */

enum fill
conn_received(struct conn *c, ssize_t got, size_t wanted, struct budget *budget)
{
    uint64_t bytes = got > 0 ? (uint64_t)got : 0;

    if (got == 0) {
        c->flags = (uint8_t)((c->flags | CONN_EOF) & ~CONN_MORE_INPUT);
        return FILL_END;
    }
    if (got < 0 && errno == EINTR)
        return FILL_SOME;
    if (got < 0 && errno == EAGAIN) {
        c->flags &= (uint8_t)~CONN_MORE_INPUT;
        return FILL_LAST;
    }
    if (got < 0) {
        conn_broke(c, errno);
        return FILL_END;
    }
    c->bytes_in += bytes;
    c->active_s = c->server->attended_s;
    c->server->stats.bytes_read += bytes;
    budget->bytes -= bytes < budget->bytes ? bytes : budget->bytes;
    if (bytes < wanted) {
        /* All there was: no second call only to hear EAGAIN. */
        c->flags &= (uint8_t)~CONN_MORE_INPUT;
        return FILL_LAST;
    }
    return FILL_SOME;
}

enum fill
conn_fill(struct conn *c, struct budget *budget)
{
    size_t room = buf_room(c->rbuf);
    ssize_t got;

    if (c->task != NULL && c->task->kind == TASK_UPLOAD && buf_is_empty(c->rbuf))
        return conn_upload_fill(c, budget);
    if (room < BUF_BYTES / 2) {
        buf_pack(c->rbuf);
        room = buf_room(c->rbuf);
    }
    if (room == 0) {
        /* Every parser is bounded well below a buffer: it should have said no. */
        conn_mark_dead(c, CLOSE_INTERNAL);
        return FILL_END;
    }
    got = sys_recv(c->watch.fd, buf_tail(c->rbuf), room);
    if (got > 0)
        buf_produced(c->rbuf, (size_t)got);
    return conn_received(c, got, room, budget);
}

/* --- The stash of a sleeper --- */

struct stash {
    uint32_t bytes;
    char data[];
};

void
conn_stash_input(struct conn *c)
{
    struct server *server = c->server;
    struct slice in = conn_input(c);
    struct stash *stash;

    BUG_ON(c->stash != NULL);
    if (in.len > DRAWN(STASH_BYTES_MAX) ||
        server->stats.stash_bytes + in.len > server->config.buffer_bytes)
        return;
    stash = sys_malloc(sizeof(*stash) + in.len);
    if (stash == NULL)
        return; /* it keeps the buffer instead */
    stash->bytes = (uint32_t)in.len;
    memcpy(stash->data, in.ptr, in.len);
    server->stats.stash_bytes += in.len;
    c->stash = stash;
    buf_consumed(c->rbuf, in.len, NULL);
    pool_return(server->pool, LOAN_FOR_INPUT, &c->rbuf);
}

void
conn_unstash_input(struct conn *c)
{
    if (c->stash == NULL)
        return;
    buf_append(c->rbuf, slice_make(c->stash->data, c->stash->bytes));
    conn_drop_stash(c);
}

uint32_t
conn_stash_bytes(const struct conn *c)
{
    return c->stash == NULL ? 0 : c->stash->bytes;
}

void
conn_drop_stash(struct conn *c)
{
    if (c->stash == NULL)
        return;
    c->server->stats.stash_bytes -= c->stash->bytes;
    sys_free(c->stash);
    c->stash = NULL;
}

/* --- A batch: parse up to 16 requests, hash and prefetch them, then execute --- */

/* Whether to wait until a command with its body is there, instead of receiving it in place. */
static bool
wait_for_all(const struct request *req, size_t head_bytes)
{
    return req->op != OP_REFUSED && head_bytes + req->body_bytes <= DRAWN(SMALL_BODY_BYTES);
}

static void
attach_value(struct batch_entry *entry, const struct proto_state *state, const char *body)
{
    if (entry->req.op == OP_REFUSED)
        return;
    entry->req.value = slice_make(body, entry->req.value_bytes);
    entry->bad_end = !proto_value_ends(state, body + entry->req.value_bytes);
}

/* Parse one entry at batch->end_off. False when the batch ends before it. */
static bool
parse_entry(struct conn *c, struct batch *batch, struct slice in)
{
    struct batch_entry *entry = &batch->entries[batch->count];
    struct slice rest = slice_make(in.ptr + batch->end_off, in.len - batch->end_off);
    uint64_t after_head;
    size_t used;

    entry->before = c->proto;
    entry->start_off = batch->end_off;
    entry->bad_end = false;
    if (proto_parse(&c->proto, rest, &entry->req, &used) == PARSE_PARTIAL) {
        batch->end_off += (uint32_t)used;
        batch->starved = true;
        return false;
    }
    entry->head_bytes = (uint32_t)used;
    after_head = rest.len - used;
    entry->body_here = entry->req.body_bytes <= after_head;
    if (!entry->body_here && wait_for_all(&entry->req, used)) {
        c->proto = entry->before;
        batch->starved = true;
        return false;
    }
    batch->end_off += (uint32_t)used;
    batch->count++;
    if (!entry->body_here)
        return false;
    if (entry->req.body_bytes > 0) {
        attach_value(entry, &c->proto, rest.ptr + used);
        batch->end_off += (uint32_t)entry->req.body_bytes;
    }
    return true;
}

static void
parse_batch(struct conn *c, struct batch *batch, struct slice in, uint32_t max)
{
    bool on = true;

    while (on && batch->count < max && batch->end_off < in.len)
        on = parse_entry(c, batch, in);
    if (batch->end_off == in.len)
        batch->starved = true;
}

void
conn_parse_ahead(struct conn *c, struct turn *turn)
{
    struct batch *batch = &turn->batch;
    struct budget *budget = &turn->budget;
    uint32_t batch_max = DRAWN(BATCH_REQUESTS);
    uint32_t max = budget->requests < batch_max ? budget->requests : batch_max;

    batch->count = 0;
    batch->end_off = 0;
    batch->starved = false;
    batch->parsed = true;
    batch->before = c->proto;
    parse_batch(c, batch, conn_input(c), max);
    for (uint32_t i = 0; i < batch->count; i++)
        cmd_prepare(c->server->cmd, &batch->entries[i].req);
}

void
conn_parse_back(struct conn *c, struct turn *turn)
{
    if (turn->batch.parsed)
        c->proto = turn->batch.before;
    turn->batch.parsed = false;
}

void
conn_prefetch_ahead(struct conn *c, struct turn *turn)
{
    for (uint32_t i = 0; i < turn->batch.count; i++)
        cmd_prefetch(c->server->cmd, &turn->batch.entries[i].req);
}

/* Un-parse everything from ENTRY on: there is no room or no right to execute it now. */
static void
take_back(struct conn *c, struct batch *batch, const struct batch_entry *entry)
{
    c->proto = entry->before;
    batch->end_off = entry->start_off;
    batch->starved = false;
}

/* What a command means for the connection and the process. */
static void
after_command(struct conn *c, const struct request *req, const struct reply *reply)
{
    if (req->op == OP_QUIT)
        conn_finish(c, CLOSE_QUIT);
    else if (req->flags & REQ_CLOSE)
        conn_finish(c, CLOSE_PROTOCOL);
    else if (req->op == OP_VERBOSITY)
        log_ask_level(req->delta == 0 ? LOG_INFO : req->delta == 1 ? LOG_DEBUG : LOG_TRACE);
    else if (req->op == OP_SHUTDOWN && reply->status == REPLY_NOTHING) {
        conn_finish(c, CLOSE_SHUTDOWN);
        server_shutdown(c->server);
    }
}

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
}

/* Execute; where storing fails because stalled clients hold the memory, they give way. */
static void
execute(struct conn *c, const struct batch_entry *entry, struct reply *reply)
{
    struct cmd *cmd = c->server->cmd;
    uint32_t closed = 0;

    if (entry->bad_end) {
        cmd_refuse_value(cmd, &entry->req, reply);
        return;
    }
    cmd_execute(cmd, &entry->req, reply);
    while (UNLIKELY(reply->status == REPLY_OUT_OF_MEMORY) &&
           server_make_room(c->server, &closed))
        cmd_execute(cmd, &entry->req, reply);
    if (UNLIKELY(reply->status == REPLY_OUT_OF_MEMORY))
        cmd_give_up(cmd, &entry->req, reply);
}

static void
trace_command(const struct conn *c, const struct batch_entry *entry, struct slice in)
{
    char text[256];
    struct slice head = slice_make(in.ptr + entry->start_off, entry->head_bytes);

    log_line(LOG_TRACE, "<%d %s", c->watch.fd, log_escape(text, sizeof(text), head));
}

/* Over -c there is one place more, for an operator who looks: not for a cache client. */
static bool
may_run(struct conn *c, const struct request *req)
{
    bool looks = req->op == OP_STATS || req->op == OP_VERSION || req->op == OP_VERBOSITY ||
                 req->op == OP_SHUTDOWN || req->op == OP_QUIT;

    if (LIKELY(!(c->flags & CONN_OPERATOR)))
        return true;
    if (looks)
        c->flags |= CONN_ADMITTED;
    return looks || server_make_client(c->server, c);
}

static void
reject_command(struct conn *c)
{
    c->server->stats.rejected_connections++;
    buf_append(c->wbuf, server_reject_text());
    conn_finish(c, CLOSE_REJECTED);
}

/* Its head, and its body. */
static struct slice
bytes_of(const struct batch_entry *entry, struct slice in)
{
    return slice_make(in.ptr + entry->start_off,
                      entry->head_bytes + (size_t)entry->req.body_bytes);
}

/* True when the next entry of the batch may follow. */
static bool
run_entry(struct conn *c, const struct batch_entry *entry, struct slice in)
{
    const struct request *req = &entry->req;
    struct reply reply;

    if (UNLIKELY(log_get_level() >= LOG_TRACE))
        trace_command(c, entry, in);
    if (!may_run(c, req)) {
        reject_command(c);
        return false;
    }
    if (UNLIKELY(!entry->body_here) && req->op != OP_REFUSED) {
        struct slice head = slice_make(in.ptr + entry->start_off, entry->head_bytes);

        conn_upload_begin(c, req, head, &entry->before);
        return false;
    }
    execute(c, entry, &reply);
    if (reply.status == REPLY_STREAM)
        begin_stream(c, entry, in, &reply);
    else if (UNLIKELY(reply.status == REPLY_JOIN))
        conn_join_begin(c, req, bytes_of(entry, in), &entry->before);
    else if (UNLIKELY(!entry->body_here))
        conn_refuse(c, req, &reply, req->body_bytes);
    else
        conn_reply(c, req, &reply);
    after_command(c, req, &reply);
    return c->task == NULL && c->state == CONN_RUNNING && !(c->flags & CONN_FINISHING);
}

/*
 * Execute in order, as far as replies have room. Returns STEP_FULL when one had
 * none: it and those behind it will be parsed again.
 */
static enum step
run_batch(struct conn *c, struct batch *batch, struct slice in)
{
    uint64_t since_ns = server_latency_now(c->server);

    for (uint32_t i = 0; i < batch->count; i++) {
        bool go_on;

        if (!conn_has_reply_room(c)) {
            take_back(c, batch, &batch->entries[i]);
            return STEP_FULL;
        }
        go_on = run_entry(c, &batch->entries[i], in);
        server_latency_add(c->server, server_latency_class(batch->entries[i].req.op),
                           &since_ns);
        if (!go_on) {
            if (i + 1 < batch->count)
                take_back(c, batch, &batch->entries[i + 1]);
            return STEP_ON;
        }
    }
    return batch->starved ? STEP_HUNGRY : STEP_ON;
}

static enum step
batch_step(struct conn *c, struct turn *turn)
{
    struct batch *batch = &turn->batch;
    struct slice in = conn_input(c);
    enum step step;

    if (in.len == 0)
        return STEP_HUNGRY;
    if (!batch->parsed) {
        batch->entries = c->server->batch; /* not those of the group: others' are behind */
        conn_parse_ahead(c, turn);
        if (batch->count > 1) /* else there is nothing to overlap with */
            conn_prefetch_ahead(c, turn);
    }
    batch->parsed = false;
    turn->budget.requests -= batch->count;
    step = run_batch(c, batch, in);
    if (conn_is_dead(c))
        return STEP_STOP;
    buf_consumed(c->rbuf, batch->end_off, NULL);
    return step;
}

static enum step
upload_step(struct conn *c)
{
    uint64_t since_ns = server_latency_now(c->server);
    enum step step = conn_upload_step(c);

    server_latency_add(c->server, LATENCY_UPLOAD, &since_ns);
    return step;
}

static enum step
join_step(struct conn *c, struct budget *budget)
{
    uint64_t since_ns = server_latency_now(c->server);
    enum step step = conn_join_step(c, budget);

    server_latency_add(c->server, LATENCY_UPLOAD, &since_ns);
    return step;
}

enum step
conn_step(struct conn *c, struct turn *turn)
{
    if (c->state != CONN_RUNNING || (c->flags & CONN_FINISHING))
        return STEP_STOP;
    if (c->task != NULL) {
        switch (c->task->kind) {
        case TASK_UPLOAD: return upload_step(c);
        case TASK_VALUE: return conn_value_step(c);
        case TASK_JOIN: return join_step(c, &turn->budget);
        case TASK_STREAM: return conn_stream_step(c);
        case TASK_REFUSAL: return conn_refusal_step(c);
        }
    }
    if (c->swallow_bytes > 0)
        return conn_swallow_step(c);
    return batch_step(c, turn);
}
