#include "line.h"

#include <string.h>

/* "get", each key behind a blank, the end of the line. */
static void
write_get(struct out *out, const struct keys *keys, const struct op *op)
{
    char *start = (char *)out_at(out);
    char *p = start;

    if (op->kind == OP_GAT) {
        LINE_PUT(p, "gat ");
        p = line_put_number(p, op->ttl_s);
    } else if (op->kind == OP_CAS) {
        LINE_PUT(p, "gets");
    } else {
        LINE_PUT(p, "get");
    }
    for (uint32_t i = 0; i < op->key_count; i++) {
        *p++ = ' ';
        p += keys_name(keys, op->keys[i].id, p);
    }
    LINE_PUT(p, "\r\n");
    out_wrote(out, (size_t)(p - start));
}

/* "set key 0 ttl bytes [cas] [noreply]", the value, the end of the line. */
static void
write_store(struct out *out, const struct keys *keys, const struct op *op)
{
    const char *name = op_kind_name((enum op_kind)op->kind);
    size_t name_len = strlen(name);
    char *start = (char *)out_at(out);
    char *p = start;

    memcpy(p, name, name_len);
    p += name_len;
    *p++ = ' ';
    p += proto_key_name(keys, op, p);
    LINE_PUT(p, " 0 ");
    p = line_put_number(p, op->ttl_s);
    *p++ = ' ';
    p = line_put_number(p, op->value_bytes);
    if (op->kind == OP_CAS) {
        *p++ = ' ';
        p = line_put_number(p, op->cas);
    }
    if (op->flags & OP_QUIET)
        LINE_PUT(p, " noreply");
    LINE_PUT(p, "\r\n");
    out_wrote(out, (size_t)(p - start));
    proto_write_value(out, keys, op);
    memcpy(out_at(out), "\r\n", 2);
    out_wrote(out, 2);
}

/* "delete key", "touch key ttl", "incr key delta". */
static void
write_plain(struct out *out, const struct keys *keys, const struct op *op)
{
    const char *name = op_kind_name((enum op_kind)op->kind);
    size_t name_len = strlen(name);
    char *start = (char *)out_at(out);
    char *p = start;

    memcpy(p, name, name_len);
    p += name_len;
    *p++ = ' ';
    p += proto_key_name(keys, op, p);
    if (op_is_counter((enum op_kind)op->kind)) {
        LINE_PUT(p, " 1");
    } else if (op->kind == OP_TOUCH) {
        *p++ = ' ';
        p = line_put_number(p, op->ttl_s);
    }
    if (op->flags & OP_QUIET)
        LINE_PUT(p, " noreply");
    LINE_PUT(p, "\r\n");
    out_wrote(out, (size_t)(p - start));
}

static void
write_noop(struct out *out)
{
    memcpy(out_at(out), "version\r\n", 9);
    out_wrote(out, 9);
}

static void
text_write(struct out *out, const struct keys *keys, struct op *op)
{
    size_t before = out->total;

    switch ((enum op_kind)op->kind) {
    case OP_GET:
    case OP_GAT: write_get(out, keys, op); break;
    case OP_CAS:
        if (op->cas == 0)
            write_get(out, keys, op);
        else
            write_store(out, keys, op);
        break;
    case OP_SET:
    case OP_ADD:
    case OP_REPLACE:
    case OP_APPEND:
    case OP_PREPEND: write_store(out, keys, op); break;
    case OP_DELETE:
    case OP_TOUCH:
    case OP_INCR:
    case OP_DECR: write_plain(out, keys, op); break;
    case OP_NOOP: write_noop(out); break;
    }
    op->wire_bytes = (uint32_t)(out->total - before);
}

static inline bool
names_key(const struct reader *r, uint32_t id, const char *p, size_t len)
{
    size_t name_len = keys_match(r->keys, id, p, len);

    return name_len > 0 && len > name_len && p[name_len] == ' ';
}

/* Which of the request's keys is named at P. Servers answer in order; proxies may not. */
static inline bool
find_key(struct reader *r, const struct op *op, const char *p, size_t len)
{
    uint32_t i = r->next_key;

    for (uint32_t n = 0; n < op->key_count; n++, i++) {
        if (i >= op->key_count)
            i = 0;
        if (names_key(r, op->keys[i].id, p, len)) {
            r->key_index = i;
            r->next_key = i + 1;
            return true;
        }
    }
    return false;
}

/* "VALUE key flags bytes [cas]", without its end. */
static enum read_result
begin_value(struct reader *r, const struct op *op, const char *p, const char *end)
{
    uint64_t flags;
    uint64_t bytes;

    p += sizeof("VALUE ") - 1;
    if (!find_key(r, op, p, (size_t)(end - p)))
        return line_garbled(r, "a VALUE line with a key that was not asked for");
    p = memchr(p, ' ', (size_t)(end - p));
    if (p == NULL)
        return line_garbled(r, "a malformed VALUE line");
    p++;
    if (!line_take_number(&p, end, &flags) || p == end || *p++ != ' ' ||
        !line_take_number(&p, end, &bytes) || bytes > UINT32_MAX)
        return line_garbled(r, "a malformed VALUE line");
    if (op->kind == OP_CAS && (p == end || *p++ != ' ' || !line_take_number(&p, end, &r->cas)))
        return line_garbled(r, "a VALUE line without its cas");
    if (p != end)
        return line_garbled(r, "a VALUE line with too much in it");
    r->flags = flags > UINT32_MAX ? UINT32_MAX : (uint32_t)flags;
    line_begin_value(r, op, (uint32_t)bytes);
    return READ_VALUE;
}

/* The one line that answers anything but a get. */
static enum read_result
read_status(struct reader *r, const struct op *op, const char *line, size_t len)
{
    static const struct {
        const char *line;
        enum outcome outcome;
    } table[] = {
        {"STORED", OUTCOME_STORED},       {"DELETED", OUTCOME_STORED},
        {"TOUCHED", OUTCOME_STORED},      {"NOT_STORED", OUTCOME_NOT_STORED},
        {"NOT_FOUND", OUTCOME_NOT_FOUND}, {"EXISTS", OUTCOME_NOT_STORED},
    };
    const char *p = line;

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strlen(table[i].line) == len && memcmp(table[i].line, line, len) == 0)
            return line_done(r, table[i].outcome);
    }
    if (op->kind == OP_NOOP && LINE_STARTS(line, len, "VERSION "))
        return line_done(r, OUTCOME_STORED);
    if (op_is_counter((enum op_kind)op->kind) && line_take_number(&p, line + len, &r->number)) {
        while (p < line + len && *p == ' ') /* decr pads what became shorter */
            p++;
        if (p == line + len)
            return line_done(r, OUTCOME_NUMBER);
    }
    return line_read_error(r, line, len);
}

static enum read_result
read_line(struct reader *r, const struct op *op, const unsigned char **p,
          const unsigned char *end)
{
    bool is_get =
        op->kind == OP_GET || op->kind == OP_GAT || (op->kind == OP_CAS && op->cas == 0);
    struct slice line;

    switch (line_take(r, p, end, &line)) {
    case LINE_TAKEN: break;
    case LINE_PARTIAL: return READ_MORE;
    case LINE_BAD: return READ_GARBLED;
    }
    if (!is_get)
        return read_status(r, op, line.ptr, line.len);
    if (LIKELY(LINE_STARTS(line.ptr, line.len, "VALUE ")))
        return begin_value(r, op, line.ptr, line.ptr + line.len);
    if (slice_equal(line, SLICE("END")))
        return line_done(r, OUTCOME_GET_END);
    return line_read_error(r, line.ptr, line.len);
}

static enum read_result
text_read(struct reader *r, const struct op *op, const unsigned char **p,
          const unsigned char *end)
{
    if (r->state == READER_LINE) {
        enum read_result result = read_line(r, op, p, end);

        if (result != READ_VALUE)
            return result;
    }
    return line_read_value(r, p, end);
}

const struct proto proto_text = {"text", false, text_write, text_read};
