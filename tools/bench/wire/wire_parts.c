/* Lines, values and names of keys: what several protocols are made of. */
#include "wire/wire_parts.h"

enum wire_line
wire_take_line(struct reader *r, const unsigned char **p, const unsigned char *end,
               struct slice *line)
{
    size_t room = (size_t)(end - *p) < WIRE_LINE_MAX ? (size_t)(end - *p) : WIRE_LINE_MAX;
    const char *start = (const char *)*p;
    const char *newline = memchr(start, '\n', room);

    if (newline == NULL) {
        r->why = "a line without end";
        return room == WIRE_LINE_MAX ? WIRE_LINE_BAD : WIRE_LINE_PARTIAL;
    }
    if (newline == start || newline[-1] != '\r') {
        r->why = "a line that does not end in \\r\\n";
        return WIRE_LINE_BAD;
    }
    *line = slice_make(start, (size_t)(newline - start) - 1);
    *p += line->len + 2;
    return WIRE_LINE_TAKEN;
}

void
wire_begin_value(struct reader *r, const struct query *query, uint32_t bytes)
{
    if (UNLIKELY(query->flags & QUERY_GROWING))
        value_check_init_grown(&r->check, query->keys[r->key_index].id, bytes,
                               query->value_bytes);
    else
        value_check_init(&r->check, query->keys[r->key_index].id, bytes);
    r->value_left = bytes;
    r->state = READER_VALUE;
}

enum read_result
wire_read_value(struct reader *r, const unsigned char **p, const unsigned char *end)
{
    size_t n = (size_t)(end - *p);

    if (r->state == READER_VALUE) {
        if (n > r->value_left)
            n = r->value_left;
        value_check_feed(&r->check, *p, n);
        *p += n;
        r->value_left -= (uint32_t)n;
        if (r->value_left > 0)
            return READ_MORE;
        r->state = READER_VALUE_END;
    }
    if (end - *p < 2)
        return READ_MORE;
    if (memcmp(*p, "\r\n", 2) != 0)
        return wire_garbled(r, "a value longer than announced");
    *p += 2;
    r->state = READER_LINE;
    return READ_VALUE;
}

enum read_result
wire_read_error(struct reader *r, const char *line, size_t len)
{
    if (!WIRE_STARTS(line, len, "ERROR") && !WIRE_STARTS(line, len, "CLIENT_ERROR") &&
        !WIRE_STARTS(line, len, "SERVER_ERROR"))
        return wire_garbled(r, "an unexpected line");
    r->error = line;
    r->error_len = (uint32_t)len;
    return wire_done(r, OUTCOME_ERROR);
}

bool
wire_names_key(const struct reader *r, uint32_t id, const char *p, size_t len)
{
    return len > 0 && keys_match(r->keys, id, p, len) == len;
}

size_t
wire_key_name(const struct keys *keys, const struct query *query, char *dst)
{
    size_t len = keys_name(keys, query->keys[0].id, dst);

    if (query_is_counter((enum query_kind)query->kind) || (query->flags & QUERY_COUNTER))
        dst[0] = 'n';
    else if (query_has_own_names((enum query_kind)query->kind) ||
             (query->flags & QUERY_GROWING))
        dst[0] = 'a';
    return len;
}

size_t
wire_match_grown(const struct reader *r, const struct query *query, const char *p, size_t len)
{
    char name[KEY_TEXT_MAX];
    size_t name_len = wire_key_name(r->keys, query, name);

    return len >= name_len && memcmp(name, p, name_len) == 0 ? name_len : 0;
}

/* A piece of a value that grows. */
static void
write_piece(struct out *out, const struct query *query)
{
    unsigned char letter = query->kind == QUERY_APPEND    ? VALUE_APPENDED
                           : query->kind == QUERY_PREPEND ? VALUE_PREPENDED
                                                          : VALUE_BASE;
    size_t off = 1;

    *out_at(out) = letter;
    out_wrote(out, 1);
    while (off < query->value_bytes) {
        size_t len;
        const unsigned char *src =
            value_piece_filler(query->keys[0].id, letter, off, query->value_bytes - off, &len);

        if (query->value_bytes <= OUT_COPY_MAX) {
            memcpy(out_at(out), src, len);
            out_wrote(out, len);
        } else {
            out_reference(out, src, len);
        }
        off += len;
    }
}

void
wire_write_value(struct out *out, const struct keys *keys, const struct query *query)
{
    struct value_id id = {query->keys[0].id, query->version, keys->writer, query->value_bytes};
    size_t off;

    if (query->flags & QUERY_COUNTER) {
        memcpy(out_at(out), "1000000000", WIRE_COUNTER_BYTES);
        out_wrote(out, WIRE_COUNTER_BYTES);
        return;
    }
    if (query_has_own_names((enum query_kind)query->kind) || (query->flags & QUERY_GROWING)) {
        write_piece(out, query);
        return;
    }
    if (id.bytes <= OUT_COPY_MAX) {
        value_write(out_at(out), &id);
        out_wrote(out, id.bytes);
        return;
    }
    off = value_write_head(out_at(out), &id);
    out_wrote(out, off);
    while (off < id.bytes) {
        size_t len;
        const unsigned char *src = value_filler(&id, off, &len);

        out_reference(out, src, len);
        off += len;
    }
}

void
wire_write_block(struct out *out, const struct keys *keys, const struct query *query)
{
    wire_write_value(out, keys, query);
    memcpy(out_at(out), "\r\n", 2);
    out_wrote(out, 2);
}
