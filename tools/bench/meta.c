/*
 * The meta commands (memcached's protocol.txt, "Meta Commands"). A get of many
 * keys is a batch of quiet mg, ended by mn; the key comes back with each value.
 */
#include "line.h"

static size_t
write_mg(const struct keys *keys, const struct op *op, uint32_t i, char *start)
{
    char *p = start;

    LINE_PUT(p, "mg ");
    p += keys_name(keys, op->keys[i].id, p);
    if (op->kind != OP_TOUCH)
        LINE_PUT(p, " v");
    if (op->key_count > 1)
        LINE_PUT(p, " k q");
    if (op->kind == OP_CAS)
        LINE_PUT(p, " c");
    if (op->kind == OP_GAT || op->kind == OP_TOUCH) {
        LINE_PUT(p, " T");
        p = line_put_number(p, op->ttl_s);
    }
    LINE_PUT(p, "\r\n");
    return (size_t)(p - start);
}

static void
write_gets(struct out *out, const struct keys *keys, const struct op *op)
{
    for (uint32_t i = 0; i < op->key_count; i++)
        out_wrote(out, write_mg(keys, op, i, (char *)out_at(out)));
    if (op->key_count > 1) {
        memcpy(out_at(out), "mn\r\n", 4);
        out_wrote(out, 4);
    }
}

/* The mode of ms, or 0 for a plain set. */
static char
store_mode(enum op_kind kind)
{
    switch (kind) {
    case OP_ADD: return 'E';
    case OP_REPLACE: return 'R';
    case OP_APPEND: return 'A';
    case OP_PREPEND: return 'P';
    case OP_SET:
    case OP_CAS:
    case OP_GET:
    case OP_GAT:
    case OP_DELETE:
    case OP_TOUCH:
    case OP_INCR:
    case OP_DECR:
    case OP_NOOP: return 0;
    }
    BUG("op_kind out of range");
}

static void
write_ms(struct out *out, const struct keys *keys, const struct op *op)
{
    char mode = store_mode((enum op_kind)op->kind);
    char *start = (char *)out_at(out);
    char *p = start;

    LINE_PUT(p, "ms ");
    p += proto_key_name(keys, op, p);
    *p++ = ' ';
    p = line_put_number(p, op->value_bytes);
    if (op->ttl_s != 0) {
        LINE_PUT(p, " T");
        p = line_put_number(p, op->ttl_s);
    }
    if (mode != 0) {
        LINE_PUT(p, " M");
        *p++ = mode;
    }
    if (op->kind == OP_CAS) {
        LINE_PUT(p, " C");
        p = line_put_number(p, op->cas);
    }
    if (op->flags & OP_QUIET)
        LINE_PUT(p, " q");
    LINE_PUT(p, "\r\n");
    out_wrote(out, (size_t)(p - start));
    proto_write_value(out, keys, op);
    memcpy(out_at(out), "\r\n", 2);
    out_wrote(out, 2);
}

/* "md key", "ma key", "ma key MD". */
static void
write_plain(struct out *out, const struct keys *keys, const struct op *op)
{
    char *start = (char *)out_at(out);
    char *p = start;

    if (op->kind == OP_DELETE)
        LINE_PUT(p, "md ");
    else
        LINE_PUT(p, "ma ");
    p += proto_key_name(keys, op, p);
    if (op->kind == OP_DECR)
        LINE_PUT(p, " MD");
    if (op->flags & OP_QUIET)
        LINE_PUT(p, " q");
    LINE_PUT(p, "\r\n");
    out_wrote(out, (size_t)(p - start));
}

static void
meta_write(struct out *out, const struct keys *keys, struct op *op)
{
    size_t before = out->total;

    switch ((enum op_kind)op->kind) {
    case OP_GET:
    case OP_GAT:
    case OP_TOUCH: write_gets(out, keys, op); break;
    case OP_CAS:
        if (op->cas == 0)
            write_gets(out, keys, op);
        else
            write_ms(out, keys, op);
        break;
    case OP_SET:
    case OP_ADD:
    case OP_REPLACE:
    case OP_APPEND:
    case OP_PREPEND: write_ms(out, keys, op); break;
    case OP_DELETE:
    case OP_INCR:
    case OP_DECR: write_plain(out, keys, op); break;
    case OP_NOOP:
        memcpy(out_at(out), "mn\r\n", 4);
        out_wrote(out, 4);
        break;
    }
    op->wire_bytes = (uint32_t)(out->total - before);
}

/* Which key of a batch is named; they come in order, less those that are missing. */
static bool
find_key(struct reader *r, const struct op *op, const char *name, size_t len)
{
    for (uint32_t i = r->next_key; i < op->key_count; i++) {
        if (line_names_key(r, op->keys[i].id, name, len)) {
            r->key_index = i;
            r->next_key = i + 1;
            return true;
        }
    }
    return false;
}

/* "VA bytes [kname] [ccas]". */
static enum read_result
begin_value(struct reader *r, const struct op *op, const char *p, const char *end)
{
    bool named = false;
    uint64_t bytes;

    r->key_index = 0;
    if (!line_take_number(&p, end, &bytes) || bytes > UINT32_MAX)
        return line_garbled(r, "a malformed VA line");
    while (p < end) {
        const char *word = ++p;

        p = memchr(p, ' ', (size_t)(end - p));
        if (p == NULL)
            p = end;
        if (word == p)
            return line_garbled(r, "a malformed VA line");
        if (*word == 'k') {
            if (!find_key(r, op, word + 1, (size_t)(p - word) - 1))
                return line_garbled(r, "a VA line with a key that was not asked for");
            named = true;
        } else if (*word == 'c') {
            word++;
            if (!line_take_number(&word, p, &r->cas))
                return line_garbled(r, "a VA line with a malformed cas");
        }
    }
    if (op->key_count > 1 && !named)
        return line_garbled(r, "a VA line without its key");
    line_begin_value(r, op, (uint32_t)bytes);
    return READ_VALUE;
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
    if (is_get && LINE_STARTS(line.ptr, line.len, "VA "))
        return begin_value(r, op, line.ptr + 3, line.ptr + line.len);
    if (slice_equal(line, SLICE("EN")) && op->key_count == 1)
        return line_done(r, is_get ? OUTCOME_GET_END : OUTCOME_NOT_FOUND);
    if (slice_equal(line, SLICE("MN")) && (op->key_count != 1))
        return line_done(r, is_get ? OUTCOME_GET_END : OUTCOME_STORED);
    if (!is_get && line.len >= 2 && (line.len == 2 || line.ptr[2] == ' ')) {
        if (memcmp(line.ptr, "HD", 2) == 0)
            return line_done(r, OUTCOME_STORED);
        if (memcmp(line.ptr, "NS", 2) == 0 || memcmp(line.ptr, "EX", 2) == 0)
            return line_done(r, OUTCOME_NOT_STORED);
        if (memcmp(line.ptr, "NF", 2) == 0)
            return line_done(r, OUTCOME_NOT_FOUND);
    }
    return line_read_error(r, line.ptr, line.len);
}

static enum read_result
meta_read(struct reader *r, const struct op *op, const unsigned char **p,
          const unsigned char *end)
{
    enum read_result result = READ_VALUE;

    if (r->state == READER_LINE)
        result = read_line(r, op, p, end);
    if (result == READ_VALUE)
        result = line_read_value(r, p, end);
    if (result == READ_VALUE && op->key_count == 1) {
        (void)line_done(r, OUTCOME_GET_END);
        return READ_LAST_VALUE;
    }
    return result;
}

const struct proto proto_meta = {"meta", true, meta_write, meta_read};
