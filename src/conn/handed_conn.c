/* Makes one connection of what another process has described. */
#include <string.h>

#include "conn.h"
#include "conn_image.h"
#include "handover_priv.h"
#include "limits.h"
#include "lombard/base/sys.h"
#include "lombard/event/listen.h"
#include "scan_words.h"
#include "stash.h"

static const char no_memory[] = "no memory for all connections";

/* --- Tasks --- */

static const struct {
    enum handed_task number;
    enum task_kind kind;
    bool has_request; /* its head can be parsed */
} kinds[] = {
    {HANDED_UPLOAD, TASK_UPLOAD, true},    {HANDED_VALUE, TASK_VALUE, false},
    {HANDED_JOIN, TASK_JOIN, true},        {HANDED_STREAM, TASK_STREAM, true},
    {HANDED_SCAN, TASK_SCAN, true},        {HANDED_WATCH, TASK_WATCH, false},
    {HANDED_REFUSAL, TASK_REFUSAL, false},
};

/* What it holds of the store. */
static const char *
take_item(struct conn *c, const struct conn_image *image)
{
    struct cmd *cmd = c->server->cmd;
    struct task *task = c->task;
    bool reserved = task->kind != TASK_VALUE;

    if (image->off > image->total || (image->item == 0 && task->kind != TASK_JOIN))
        return "an item that is under way is not there";
    task->off = image->off;
    task->total = image->total;
    if (image->item == 0)
        return NULL;
    task->handle = cmd_held_item(cmd, image->item - 1, image->total, reserved);
    return task->handle == NULL ? "an item that is under way is not held" : NULL;
}

/* Where the statistics of this version are others, what has been said is all that is said. */
static const char *
take_stream(const struct arrival *arrival, struct task *task, const struct conn_image *image)
{
    bool same = arrival->registry == handover_registry_sum(arrival->server);
    struct stat_cursor *at = &task->stream.stats;

    if (image->lines > STREAM_PREFIXES)
        return "a stream is of no kind";
    task->lines = (enum stream_kind)image->lines;
    if (task->lines == STREAM_ITEMS) {
        task->stream.left = image->items_left;
        task->stream.cursor = image->items_cursor;
        return NULL;
    }
    if (task->lines == STREAM_REGISTRY) {
        at = &task->stream.walk.at;
        task->stream.walk.part = (uint32_t)image->walk_part;
        task->stream.walk.step = (uint32_t)image->walk_step;
    }
    if ((!same || task->lines == STREAM_PREFIXES) && task->part == STREAM_LINES)
        task->part = STREAM_TAIL;
    if (task->lines == STREAM_PREFIXES)
        return NULL;
    *at = (struct stat_cursor){
        .position = image->stat_position,
        .left = image->stat_left,
        .source = (uint16_t)image->stat_source,
        .entry = (uint16_t)image->stat_entry,
        .ended = image->stat_ended != 0,
    };
    return NULL;
}

static const char *
take_scan(struct arrival *arrival, struct conn *c, const struct conn_image *image)
{
    uint32_t count = (uint32_t)(image->tops.len / sizeof(struct handed_top));
    struct task *task = c->task;
    enum reply_status why;
    struct request req;
    struct scan *scan;

    if (!task_request(c, &req))
        return "a question about connections cannot be read";
    scan = scan_create(req.op, req.value, &why);
    if (scan == NULL)
        return no_memory;
    task->scan = scan;
    arrival->has_scan = true; /* its numbers are of connections until all have come */
    if (count > scan->top_max || image->top_next > count)
        return "a question about connections cannot be that";
    scan->cursor = image->scan_cursor;
    scan->over = image->scan_over != 0;
    scan->killed = image->killed;
    scan->shown_id = (uint32_t)image->shown_id;
    scan->line = (uint32_t)image->line;
    scan->top_next = (uint32_t)image->top_next;
    for (uint32_t i = 0; i < count; i++) {
        struct handed_top top;

        memcpy(&top, image->tops.ptr + i * sizeof(top), sizeof(top));
        scan->top[i] = (struct scan_top){top.value, top.position, (uint32_t)top.id};
    }
    scan->top_count = count;
    return NULL;
}

static const char *
take_kind(struct arrival *arrival, struct conn *c, const struct conn_image *image)
{
    struct task *task = c->task;

    switch (task->kind) {
    case TASK_UPLOAD:
    case TASK_JOIN:
    case TASK_VALUE: return take_item(c, image);
    case TASK_STREAM: return take_stream(arrival, task, image);
    case TASK_SCAN: return take_scan(arrival, c, image);
    case TASK_WATCH: /* until server_go_on() */
        task->total = image->topics;
        task->off = image->skipped;
        return NULL;
    case TASK_REFUSAL: return NULL;
    }
    BUG("task_kind out of range");
}

static const char *
take_task(struct arrival *arrival, struct conn *c, const struct conn_image *image)
{
    enum handed_task number = (enum handed_task)image->task;
    struct proto_state state;
    struct request req;
    size_t i = 0;

    while (kinds[i].number != number)
        i++; /* the image was checked */
    if (!conn_image_get_parser((enum handed_protocol)image->protocol, image->task_parser,
                               kinds[i].has_request ? image->head.len : UINT32_MAX, &state))
        return "a request that is under way was not parsed like that";
    c->task = task_create(c, kinds[i].kind, image->head, &state);
    if (c->task == NULL)
        return no_memory;
    c->task->closed = (uint32_t)image->closed;
    c->task->join.restarts = (uint32_t)image->restarts;
    c->task->part = (enum stream_part)image->part;
    c->task->piece = (uint32_t)image->piece;
    if (image->tail.len > 0)
        memcpy(c->task->tail, image->tail.ptr, image->tail.len);
    c->task->tail_bytes = (uint8_t)image->tail.len;
    if (kinds[i].has_request && !task_request(c, &req))
        return "a request that is under way cannot be read";
    return take_kind(arrival, c, image);
}

/* --- Buffers --- */

/* Only to be set free again: nothing waits for it. */
static bool
lend(struct conn *c, enum loan_purpose purpose, struct buf **slot)
{
    enum loan_result result = pool_loan(c->server->pool, &c->link, purpose, slot);

    if (result == LOAN_WAITING)
        pool_forget(c->server->pool, &c->link);
    return result == LOAN_LOANED || result == LOAN_ALLOCATED;
}

static const char *
take_input(struct conn *c, const struct conn_image *image)
{
    if (image->input.len == 0)
        return NULL;
    if (image->stashed != 0)
        return conn_keep_input(c, image->input) ? NULL : no_memory;
    if (!lend(c, LOAN_FOR_INPUT, &c->rbuf))
        return no_memory;
    buf_append(c->rbuf, image->input);
    return NULL;
}

/* One reference, and the bytes before it from *OFF on. */
static const char *
take_ref(struct conn *c, const struct handed_ref *ref, struct slice output, size_t *off)
{
    const void *base = cmd_held_at(c->server->cmd, ref->loc, ref->bytes);

    if (base == NULL)
        return "a value that is being sent is not held";
    if (ref->at < *off || ref->at > output.len || ref->bytes == 0 || ref->sent >= ref->bytes ||
        (ref->sent > 0 && (ref->at > 0 || !buf_is_empty(c->wbuf))))
        return "a value that is being sent is at no place";
    buf_append(c->wbuf, slice_make(output.ptr + *off, ref->at - *off));
    buf_append_ref(c->wbuf, slice_make(base, ref->bytes));
    if (ref->sent > 0)
        buf_consumed(c->wbuf, ref->sent, &c->server->owner);
    *off = ref->at;
    return NULL;
}

static const char *
take_output(struct conn *c, const struct conn_image *image)
{
    size_t count = image->refs.len / sizeof(struct handed_ref);
    const char *why = NULL;
    size_t off = 0;

    if (image->output.len == 0 && count == 0 && !conn_is_watching(c))
        return NULL;
    if (!lend(c, LOAN_FOR_OUTPUT, &c->wbuf))
        return no_memory;
    for (size_t i = 0; i < count && why == NULL; i++) {
        struct handed_ref ref;

        memcpy(&ref, image->refs.ptr + i * sizeof(ref), sizeof(ref));
        why = take_ref(c, &ref, image->output, &off);
    }
    if (why == NULL && off < image->output.len)
        buf_append(c->wbuf, slice_make(image->output.ptr + off, image->output.len - off));
    return why;
}

/* --- A connection --- */

static const struct proto_ops *
protocol_of(enum handed_protocol number)
{
    switch (number) {
    case HANDED_NONE: return NULL;
    case HANDED_TEXT: return &proto_text;
    case HANDED_BINARY: return &proto_binary;
    case HANDED_HTTP: return &proto_http;
    }
    BUG("handed_protocol out of range");
}

static void
take_session(struct conn *c, const struct conn_image *image)
{
    struct server *server = c->server;

    session_init(&c->session, (enum session_role)image->role,
                 (image->session & SESSION_AUTHENTICATED) != 0);
    c->session.over_limit = (image->session & SESSION_OVER_LIMIT) != 0;
    c->session.no_admin = (image->session & SESSION_NO_ADMIN) != 0;
    c->session.sasl_begun = (image->session & SESSION_SASL_BEGUN) != 0;
    c->session.features = (uint8_t)image->features;
    c->session.bucket = (uint8_t)image->bucket;
    server->role_conns[c->session.role]++;
    if (c->session.over_limit)
        server->operator_conn = c;
    /* It is only for an operator to read: where fewer may be kept now, it is lost. */
    if (image->name.len > 0)
        c->session.named = client_names_set(&server->names, c->id, image->name) == NAME_SET;
}

static void
take_numbers(const struct arrival *arrival, struct conn *c, const struct conn_image *image)
{
    uint64_t errors = image->errors << TALLY_OP_BITS;

    c->id = (uint32_t)image->id;
    c->tally = (image->requests << TALLY_SHIFT) + errors + arrival->numbers.op[image->last_op];
    c->bytes_in = image->bytes_in;
    c->bytes_out = image->bytes_out;
    c->proto = protocol_of((enum handed_protocol)image->protocol);
    c->discard_bytes = (uint32_t)image->discard_bytes;
    c->active_s = (uint32_t)image->active_s;
    c->accepted_s = (uint32_t)image->accepted_s;
    c->stalled_ms = (uint32_t)image->since;
    c->stall_mark = (uint32_t)image->mark;
    c->eof = (image->marks & CONN_EOF) != 0;
    c->more_input = (image->marks & CONN_MORE_INPUT) != 0;
    c->blocked = (image->marks & CONN_BLOCKED) != 0;
    c->finishing = (image->marks & CONN_FINISHING) != 0;
    c->has_looked = (image->marks & CONN_HAS_LOOKED) != 0;
    c->was_stalled = (image->marks & CONN_WAS_STALLED) != 0;
    if (c->finishing)
        c->close_reason = (enum close_reason)arrival->numbers.reason[image->close_reason];
}

/* Its state is what server_go_on() makes true. */
static enum conn_state
state_of(enum handed_state number)
{
    switch (number) {
    case HANDED_IDLE: return CONN_IDLE;
    case HANDED_READY: return CONN_READY;
    case HANDED_STALLED: return CONN_STALLED;
    }
    BUG("handed_state out of range");
}

static const char *
take_contents(struct arrival *arrival, struct conn *c, const struct conn_image *image)
{
    const char *why = NULL;

    if (!conn_image_get_parser((enum handed_protocol)image->protocol, image->parser,
                               image->input.len, &c->proto_state))
        return "a connection's input was not parsed like that";
    if (image->task != HANDED_NO_TASK)
        why = take_task(arrival, c, image);
    if (why == NULL)
        why = take_input(c, image);
    if (why == NULL)
        why = take_output(c, image);
    return why;
}

/* Its peer heard from the other process that it is closed. */
static void
drop_expected(struct server *server, struct conn *c)
{
    loop_forget(server->loop, &c->watch);
    (void)sys_close(c->watch.fd);
    table_give(&server->table, c);
}

/* Both processes have them in the same order. */
struct conn *
handover_meet(struct arrival *arrival, uint32_t id)
{
    struct server *server = arrival->server;
    struct conn *c;

    while ((c = table_next(&server->table, &arrival->cursor)) != NULL) {
        if (!c->watch.early)
            continue;
        if (c->id == id) {
            c->watch.early = false;
            return c;
        }
        drop_expected(server, c);
    }
    return NULL;
}

/* Of connections that did not go ahead the places say nothing of the order that there was. */
static void
note_place(struct arrival *arrival, struct conn *c, bool early)
{
    uint64_t n = arrival->place_count++;
    struct handed_place *place = &arrival->places[n];

    place->at = table_position(c);
    place->behind = early || !arrival->expects ? place->at + 1 : n > 0 ? place[-1].behind : 0;
}

/* NULL, and *WHY. */
static struct conn *
find_conn(struct arrival *arrival, const struct conn_image *image, const char **why)
{
    struct handed *in = arrival->in;
    struct conn *c;
    int fd;

    *why = "a connection came without its descriptor";
    if (image->early != 0)
        return handover_meet(arrival, (uint32_t)image->id);
    if (in->used == in->count)
        return NULL;
    *why = no_memory;
    c = table_take(&arrival->server->table);
    if (c == NULL)
        return NULL;
    fd = in->fds[in->used++];
    conn_init(c, arrival->server, fd, listen_is_unix(fd));
    c->watch.shared = true; /* until the other process has ended, which is not waited for */
    return c;
}

const char *
handover_take_conn(struct arrival *arrival, struct slice bytes)
{
    struct conn_image image;
    const char *why = conn_image_read(bytes, &image);
    struct conn *c;

    if (why != NULL)
        return why;
    c = find_conn(arrival, &image, &why);
    if (c == NULL)
        return why;
    arrival->in->conns++;
    note_place(arrival, c, image.early != 0);
    take_numbers(arrival, c, &image);
    take_session(c, &image);
    why = take_contents(arrival, c, &image);
    c->state = state_of((enum handed_state)image.state);
    if (why != NULL)
        return why;
    if (!loop_want(arrival->server->loop, &c->watch, c->blocked ? WATCH_OUT : WATCH_IN))
        return "no memory to watch all connections";
    return NULL;
}
