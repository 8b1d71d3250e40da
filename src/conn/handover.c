/* Describes all connections of a server for another process. */
#include "lombard/conn/handover.h"

#include <string.h>

#include "conn.h"
#include "conn_image.h"
#include "handover_priv.h"
#include "scan_words.h"
#include "server_state.h"
#include "stash.h"

enum {
    CONN_BYTES = 400,   /* of the image: what most connections take */
    OFFER_SLOTS = 2048, /* looked at for one offer */
};

/* --- A connection is described --- */

/* Where a slot is depends on what was given back before: another process is told of a number of connections. */
static void
describe_scan(const struct conn_table *table, const struct scan *scan, struct conn_image *image,
              struct handed_top *tops)
{
    image->scan_cursor = table_rank(table, scan->cursor);
    image->scan_over = scan->over;
    image->killed = scan->killed;
    image->shown_id = scan->shown_id;
    image->line = scan->line;
    image->top_next = scan->top_next;
    for (uint32_t i = 0; i < scan->top_count; i++)
        tops[i] = (struct handed_top){
            scan->top[i].value, table_rank(table, scan->top[i].position), scan->top[i].id};
    image->tops = slice_make((const char *)tops, scan->top_count * sizeof(*tops));
}

static void
describe_stream(const struct task *task, struct conn_image *image)
{
    const struct stat_cursor *at = &task->stream.stats;

    image->lines = task->lines;
    if (task->lines == STREAM_ITEMS || task->lines == STREAM_PREFIXES) {
        image->items_left = task->stream.left;
        image->items_cursor = task->stream.cursor;
        return;
    }
    if (task->lines == STREAM_REGISTRY) {
        at = &task->stream.walk.at;
        image->walk_part = task->stream.walk.part;
        image->walk_step = task->stream.walk.step;
    }
    image->stat_position = at->position;
    image->stat_left = at->left;
    image->stat_source = at->source;
    image->stat_entry = at->entry;
    image->stat_ended = at->ended;
}

static uint64_t
topics_of(const struct server *server, const struct conn *c, uint64_t *skipped)
{
    for (uint32_t i = 0; i < server->watchers.count; i++) {
        if (server->watchers.at[i].conn != c)
            continue;
        *skipped = server->watchers.at[i].skipped;
        return server->watchers.at[i].topics;
    }
    return 0;
}

static enum handed_task
task_number(enum task_kind kind)
{
    switch (kind) {
    case TASK_UPLOAD: return HANDED_UPLOAD;
    case TASK_VALUE: return HANDED_VALUE;
    case TASK_JOIN: return HANDED_JOIN;
    case TASK_STREAM: return HANDED_STREAM;
    case TASK_SCAN: return HANDED_SCAN;
    case TASK_WATCH: return HANDED_WATCH;
    case TASK_REFUSAL: return HANDED_REFUSAL;
    }
    BUG("task_kind out of range");
}

static struct slice
describe_parser(const struct conn_image *image, const struct proto_state *state,
                struct handed_parser *parser)
{
    static const struct handed_parser nothing;

    *parser = conn_image_put_parser((enum handed_protocol)image->protocol, state);
    return slice_make((const char *)parser,
                      memcmp(parser, &nothing, sizeof(nothing)) == 0 ? 0 : sizeof(nothing));
}

/* What the slices of a task's description point to. */
struct parts {
    struct handed_parser parser;
    struct handed_top tops[SCAN_TOP_MAX];
};

static void
describe_task(const struct conn *c, struct conn_image *image, struct parts *parts)
{
    const struct task *task = c->task;
    const void *item = task_pinned_item(task);

    image->task = task_number(task->kind);
    image->task_parser = describe_parser(image, &task->state, &parts->parser);
    image->head = slice_make(task->head, task->head_bytes);
    image->item = item == NULL ? 0 : cmd_loc(c->server->cmd, item) + 1;
    image->off = task->off;
    image->total = task->total;
    image->closed = task->closed;
    image->tail = slice_make(task->tail, task->tail_bytes);
    image->restarts = task->join.restarts;
    image->part = task->part;
    image->piece = task->piece;
    if (task->kind == TASK_STREAM)
        describe_stream(task, image);
    else if (task->kind == TASK_SCAN)
        describe_scan(&c->server->table, task->scan, image, parts->tops);
    else if (task->kind == TASK_WATCH)
        image->topics = topics_of(c->server, c, &image->skipped);
}

static void
describe_output(const struct conn *c, struct conn_image *image, struct handed_ref *refs)
{
    const struct buf *buf = c->wbuf;
    struct buf_ref ref;
    uint32_t count = 0;

    while (buf_next_ref(buf, &count, &ref))
        refs[count - 1] = (struct handed_ref){cmd_loc(c->server->cmd, ref.base), ref.bytes,
                                              ref.sent, ref.at_off - buf->read_off, 0};
    image->output = buf_pending(buf);
    image->refs = slice_make((const char *)refs, count * sizeof(*refs));
}

static void
describe_session(const struct conn *c, struct conn_image *image)
{
    const struct session *s = &c->session;

    image->role = s->role;
    image->session = (s->authenticated ? (unsigned)SESSION_AUTHENTICATED : 0) |
                     (s->over_limit ? (unsigned)SESSION_OVER_LIMIT : 0) |
                     (s->no_admin ? (unsigned)SESSION_NO_ADMIN : 0) |
                     (s->sasl_begun ? (unsigned)SESSION_SASL_BEGUN : 0);
    image->features = s->features;
    image->bucket = s->bucket;
    if (s->named) {
        const char *name = client_names_get(&c->server->names, c->id);

        image->name = slice_make(name, strlen(name));
    }
}

static enum handed_protocol
protocol_number(const struct proto_ops *proto)
{
    return proto == NULL            ? HANDED_NONE
           : proto == &proto_text   ? HANDED_TEXT
           : proto == &proto_binary ? HANDED_BINARY
                                    : HANDED_HTTP;
}

/* One that waits for a buffer asks for it again. */
static enum handed_state
state_number(const struct conn *c)
{
    switch (c->state) {
    case CONN_IDLE: return HANDED_IDLE;
    case CONN_STALLED: return HANDED_STALLED;
    case CONN_READY:
    case CONN_WAITING:
    case CONN_RUNNING:
    case CONN_DEAD: break;
    }
    return HANDED_READY;
}

static void
describe_numbers(const struct conn *c, struct conn_image *image)
{
    image->state = state_number(c);
    image->id = c->id;
    image->early = c->watch.early;
    image->requests = conn_requests(c);
    image->errors = conn_errors(c);
    image->last_op = conn_last_op(c);
    image->bytes_in = c->bytes_in;
    image->bytes_out = c->bytes_out;
    image->protocol = protocol_number(c->proto);
    image->discard_bytes = c->discard_bytes;
    image->active_s = c->active_s;
    image->accepted_s = c->accepted_s;
    image->since = c->stalled_ms;
    image->mark = c->stall_mark;
    image->close_reason = c->close_reason;
    image->marks = (c->eof ? (unsigned)CONN_EOF : 0) |
                   (c->more_input ? (unsigned)CONN_MORE_INPUT : 0) |
                   (c->blocked ? (unsigned)CONN_BLOCKED : 0) |
                   (c->finishing ? (unsigned)CONN_FINISHING : 0) |
                   (c->has_looked ? (unsigned)CONN_HAS_LOOKED : 0) |
                   (c->was_stalled ? (unsigned)CONN_WAS_STALLED : 0);
}

static void
describe(const struct conn *c, struct image *image)
{
    struct handed_parser parser;
    struct handed_ref refs[BUF_BYTES / sizeof(struct buf_ref)];
    struct parts parts;
    struct conn_image conn;
    size_t begun = image_begin(image, ENTRY_CONN);

    memset(&conn, 0, sizeof(conn));
    describe_numbers(c, &conn);
    describe_session(c, &conn);
    conn.parser = describe_parser(&conn, &c->proto_state, &parser);
    conn.stashed = c->stash != NULL;
    if (c->stash != NULL)
        conn.input = conn_stashed_input(c);
    else if (c->rbuf != NULL)
        conn.input = conn_input(c);
    if (c->wbuf != NULL)
        describe_output(c, &conn, refs);
    if (c->task != NULL)
        describe_task(c, &conn, &parts);
    conn_image_write(&conn, image);
    image_end(image, begun);
}

/* --- A server is described --- */

uint32_t
server_descriptor_count(const struct server *server)
{
    return server->table.conns + server->lingerers.count;
}

bool
server_offer(struct server *server, uint64_t *cursor, struct offer *offer)
{
    uint64_t until = *cursor + OFFER_SLOTS;
    struct conn *c;

    offer->count = 0;
    while (offer->count < OFFER_MAX &&
           (c = table_search(&server->table, cursor, until)) != NULL) {
        if (c->state == CONN_DEAD)
            continue;
        c->watch.early = c->watch.shared = true;
        offer->fds[offer->count] = c->watch.fd;
        offer->ids[offer->count++] = c->id;
    }
    return *cursor < table_span(&server->table);
}

static void
add_fd(struct handover *out, int fd)
{
    out->fds[out->count++] = fd;
}

static void
describe_conns(struct server *server, struct handover *out)
{
    uint64_t cursor = 0;
    struct conn *c;

    while ((c = table_next(&server->table, &cursor)) != NULL) {
        /* What an earlier attempt has said of one is said again by this one, or does not count. */
        c->watch.early = c->watch.early && out->early;
        describe(c, out->image);
        c->watch.shared = true; /* if this comes to nothing, the other process may live on */
        if (!c->watch.early)
            add_fd(out, c->watch.fd);
        out->conns++;
    }
}

const char *
server_hand_over(struct server *server, struct handover *out)
{
    struct image *image = out->image;

    if (server->stopping)
        return "it is shutting down";
    if (server->joining != NULL)
        conn_suspend_task(server->joining);
    if (!list_is_empty(&server->dead) || server->newcomer_count > 0)
        return "connections are being closed";
    image_put_number(image, ENTRY_ATTENDED_MS, server->attended_ms);
    image_put_number(image, ENTRY_LAST_ID, server->last_id);
    image_put_number(image, ENTRY_WATCH_GID, server->watchers.gid);
    image_put_bytes(image, ENTRY_OPS, handover_op_names());
    image_put_bytes(image, ENTRY_REASONS, handover_reason_names());
    image_put_number(image, ENTRY_PEER_TIMEOUT | IMAGE_OPTIONAL,
                     server->config.peer_timeout_s + UINT64_C(1));
    image_put_number(image, ENTRY_REGISTRY, handover_registry_sum(server));
    table_count_before(&server->table);
    image_reserve(image, (size_t)server->table.conns * CONN_BYTES);
    describe_conns(server, out);
    for (int i = 0; i < LINGERS_MAX; i++) {
        if (server->lingerers.slots[i].watch.fd < 0)
            continue;
        image_put_number(image, ENTRY_LINGERER, 1);
        add_fd(out, server->lingerers.slots[i].watch.fd);
    }
    return image->failed ? "no memory" : NULL;
}
