/* Formats replies into the write buffer. */
#include "output.h"

#include <string.h>

#include "conn.h"
#include "server_state.h"
#include "task.h"

enum {
    /* What any one reply may need: its parts, or one line of a stream. */
    REPLY_ROOM_BYTES =
        PROTO_HEAD_BYTES_MAX + COPY_BYTES_MAX + sizeof(struct buf_ref) + PROTO_TAIL_BYTES_MAX,
};

_Static_assert((int)REPLY_ROOM_BYTES >= (int)PROTO_LINE_BYTES_MAX, "a line fits");
_Static_assert((int)REPLY_ROOM_BYTES * 2 <= (int)BUF_BYTES, "more than one reply fits");

bool
conn_has_reply_room(const struct conn *c)
{
    return buf_room(c->wbuf) >= REPLY_ROOM_BYTES;
}

/*
 * Queue ITEM's bytes from *OFF on by reference, as far as there is room for
 * references and a tail behind them. True when that was all; false as well when C is dead.
 */
static bool
queue_value(struct conn *c, const void *handle, uint64_t *off, uint64_t total)
{
    struct cmd *cmd = c->server->cmd;

    while (*off < total) {
        struct slice part;

        if (buf_room(c->wbuf) < sizeof(struct buf_ref) + PROTO_TAIL_BYTES_MAX)
            return false;
        part = cmd_value_at(cmd, handle, *off);
        if (CONN_BROKEN(c, part.len == 0))
            return false;
        cmd_pin(cmd, part.ptr);
        buf_append_ref(c->wbuf, part);
        *off += part.len;
    }
    return !CONN_BROKEN(c, *off != total); /* what is sent is as long as was announced */
}

/*
 * Copying costs less than a reference, which takes a pin and more of the kernel's time. But a long value
 * shall not take the room of many further replies that one call could send.
 */
static bool
shall_copy(const struct conn *c, const struct reply_item *item)
{
    uint64_t bytes = item->value_bytes;

    if (item->value.len != bytes)
        return false;
    return bytes <= DRAWN(COPY_BYTES_MAX) ||
           (bytes <= DRAWN(COPY_LONG_MAX) && bytes + COPY_LEAVES_BYTES <= buf_room(c->wbuf));
}

/* The buffer is full of references to parts of the value: the rest has to wait. */
static void
leave_value_task(struct conn *c, const struct reply_item *item, uint64_t off,
                 const struct reply_parts *parts)
{
    struct task *task = task_create(c, TASK_VALUE, slice_make(NULL, 0), &c->proto_state);

    if (task == NULL) {
        conn_mark_dead(c, CLOSE_NO_MEMORY);
        return;
    }
    task->item = item->handle;
    task->off = off;
    task->total = item->value_bytes;
    memcpy(task->tail, parts->tail, sizeof(task->tail));
    task->tail_bytes = parts->tail_bytes;
    cmd_pin_item(c->server->cmd, item->handle);
    c->task = task;
}

size_t
conn_format_refusal(const struct conn *c, const struct request *req, const struct reply *reply,
                    char *dst)
{
    struct reply_parts parts = c->proto->reply(req, reply, dst);

    return BROKEN(parts.has_value) ? 0 : parts.head_bytes;
}

/*
 * The value behind a head of HEAD_BYTES, and the reply's tail. There is room for all of the tail's
 * bytes, of which some may not count: copies of a known length are short.
 */
static void
copy_value(struct buf *buf, struct slice value, const struct reply_parts *parts)
{
    char *p = buf_tail(buf) + parts->head_bytes;

    bytes_copy(p, value.ptr, value.len);
    memcpy(p + value.len, parts->tail, sizeof(parts->tail));
    buf_produced(buf, parts->head_bytes + value.len + parts->tail_bytes);
}

static inline bool
is_short(const struct reply_item *item)
{
    return item->value_bytes <= DRAWN(COPY_BYTES_MAX) && item->value.len == item->value_bytes;
}

/* ITEM's value, which is no short one, behind a head; and the tail of PARTS. */
static NOINLINE bool
put_value(struct conn *c, const struct reply_item *item, const struct reply_parts *parts)
{
    uint64_t off = 0;

    if (shall_copy(c, item)) {
        buf_append(c->wbuf, item->value);
    } else if (!queue_value(c, item->handle, &off, item->value_bytes)) {
        if (!conn_is_dead(c))
            leave_value_task(c, item, off, parts);
        return false;
    }
    memcpy(buf_tail(c->wbuf), parts->tail, sizeof(parts->tail)); /* as above */
    buf_produced(c->wbuf, parts->tail_bytes);
    return true;
}

/* A reply whose parts are put together here. */
static NOINLINE bool
reply_by_parts(struct conn *c, const struct request *req, const struct reply *reply)
{
    const struct reply_item *item = &reply->item;
    struct reply_parts parts = c->proto->reply(req, reply, buf_tail(c->wbuf));

    if (LIKELY(parts.has_value && is_short(item))) {
        copy_value(c->wbuf, item->value, &parts);
        return true;
    }
    buf_produced(c->wbuf, parts.head_bytes);
    return !parts.has_value || put_value(c, item, &parts);
}

bool
conn_reply(struct conn *c, const struct request *req, const struct reply *reply)
{
    if (reply->status != REPLY_HIT || req->op != OP_GET || c->proto->short_hit == NULL ||
        !is_short(&reply->item))
        return reply_by_parts(c, req, reply);
    buf_produced(c->wbuf, c->proto->short_hit(req, &reply->item, buf_tail(c->wbuf)));
    return true;
}

enum step
conn_value_step(struct conn *c)
{
    struct task *task = c->task;

    if (!queue_value(c, task->item, &task->off, task->total))
        return conn_is_dead(c) ? STEP_STOP : STEP_NEED_OUTPUT;
    buf_append(c->wbuf, slice_make(task->tail, task->tail_bytes));
    cmd_unpin_item(c->server->cmd, task->item);
    c->task = NULL;
    task_destroy(c, task);
    return STEP_ON;
}

/* Statistics as the protocol renders them. */
static enum line_result
next_piece_of_registry(struct conn *c, const struct request *req, char *dst, size_t *len)
{
    struct task *task = c->task;
    const struct rendering_source source = {c->proto, req, cmd_registry(c->server->cmd)};

    if (CONN_BROKEN(c, c->proto->registry_piece == NULL))
        return LINE_END;
    switch (rendering_piece(&task->reader, &source, &task->stream.walk, dst, len)) {
    case STAT_FOUND: return LINE_READY;
    case STAT_SEARCHING: return LINE_LATER;
    case STAT_END: return LINE_END;
    }
    (void)CONN_BROKEN(c, true); /* stat_step out of range */
    return LINE_END;
}

/* One more line of the stream at DST. */
static enum line_result
next_line(struct conn *c, const struct request *req, char *dst, size_t *len)
{
    struct task *task = c->task;
    struct stat_line line;
    struct prefix_line prefix;
    struct dump_item item;
    enum line_result result;

    switch (task->lines) {
    case STREAM_STATS:
        result = cmd_stream_stat(c->server->cmd, &task->stream, &line);
        if (result == LINE_READY)
            *len = c->proto->stat_line(req, line.name, line.value.text, dst);
        return result;
    case STREAM_ITEMS:
        result = cmd_stream_item(c->server->cmd, &task->stream, &item);
        if (result == LINE_READY)
            *len = c->proto->dump_line(req, &item, dst);
        return result;
    case STREAM_REGISTRY: return next_piece_of_registry(c, req, dst, len);
    case STREAM_PREFIXES:
        result = cmd_stream_prefix(c->server->cmd, &task->stream, &prefix);
        if (result == LINE_READY)
            *len = c->proto->prefix_line(req, &prefix, dst);
        return result;
    }
    (void)CONN_BROKEN(c, true); /* stream_kind out of range */
    return LINE_END;
}

bool
conn_stream_frame(struct conn *c, const struct request *req)
{
    struct task *task = c->task;

    while (conn_has_reply_room(c)) {
        char *dst = buf_tail(c->wbuf);
        size_t len = task->part == STREAM_HEAD ? c->proto->stream_begin(req, task->piece, dst)
                                               : c->proto->stream_end(req, task->piece, dst);

        if (len == 0) {
            task->piece = 0;
            return true;
        }
        task->piece++;
        buf_produced(c->wbuf, len);
    }
    return false;
}

enum step
conn_stream_end(struct conn *c, const struct request *req)
{
    c->task->part = STREAM_TAIL;
    if (!conn_stream_frame(c, req))
        return STEP_NEED_OUTPUT;
    conn_drop_task(c);
    conn_finish_after(c, req);
    return STEP_ON;
}

/* As many lines as there is room for, but not too many at a time. */
static enum step
put_lines(struct conn *c, const struct request *req)
{
    for (int lines = 0; lines < STREAM_LINES_MAX; lines++) {
        size_t len = 0;

        if (!conn_has_reply_room(c))
            return STEP_NEED_OUTPUT;
        switch (next_line(c, req, buf_tail(c->wbuf), &len)) {
        case LINE_READY: buf_produced(c->wbuf, len); break;
        case LINE_LATER: return STEP_ON;
        case LINE_END: return conn_stream_end(c, req);
        }
    }
    return STEP_ON;
}

enum step
conn_stream_step(struct conn *c)
{
    struct task *task = c->task;
    struct request req;

    if (CONN_BROKEN(c, !task_request(c, &req)))
        return STEP_STOP;
    switch (task->part) {
    case STREAM_HEAD:
        if (!conn_stream_frame(c, &req))
            return STEP_NEED_OUTPUT;
        task->part = STREAM_LINES;
        return put_lines(c, &req);
    case STREAM_LINES: return put_lines(c, &req);
    case STREAM_TAIL: return conn_stream_end(c, &req);
    }
    (void)CONN_BROKEN(c, true); /* stream_part out of range */
    return STEP_STOP;
}
