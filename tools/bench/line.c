#include "line.h"

enum line_result
line_take(struct reader *r, const unsigned char **p, const unsigned char *end,
          struct slice *line)
{
    size_t room = (size_t)(end - *p) < PROTO_LINE_MAX ? (size_t)(end - *p) : PROTO_LINE_MAX;
    const char *start = (const char *)*p;
    const char *newline = memchr(start, '\n', room);

    if (newline == NULL) {
        r->why = "a line without end";
        return room == PROTO_LINE_MAX ? LINE_BAD : LINE_PARTIAL;
    }
    if (newline == start || newline[-1] != '\r') {
        r->why = "a line that does not end in \\r\\n";
        return LINE_BAD;
    }
    *line = slice_make(start, (size_t)(newline - start) - 1);
    *p += line->len + 2;
    return LINE_TAKEN;
}

void
line_begin_value(struct reader *r, const struct op *op, uint32_t bytes)
{
    value_check_init(&r->check, op->keys[r->key_index].id, bytes);
    r->value_left = bytes;
    r->state = READER_VALUE;
}

enum read_result
line_read_value(struct reader *r, const unsigned char **p, const unsigned char *end)
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
        return line_garbled(r, "a value longer than announced");
    *p += 2;
    r->state = READER_LINE;
    return READ_VALUE;
}

enum read_result
line_read_error(struct reader *r, const char *line, size_t len)
{
    if (!LINE_STARTS(line, len, "ERROR") && !LINE_STARTS(line, len, "CLIENT_ERROR") &&
        !LINE_STARTS(line, len, "SERVER_ERROR"))
        return line_garbled(r, "an unexpected line");
    r->error = line;
    r->error_len = (uint32_t)len;
    return line_done(r, OUTCOME_ERROR);
}

bool
line_names_key(const struct reader *r, uint32_t id, const char *p, size_t len)
{
    return len > 0 && keys_match(r->keys, id, p, len) == len;
}
