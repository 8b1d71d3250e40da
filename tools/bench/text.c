#include "proto.h"

#include <string.h>

#include "lombard/base/num.h"

/* Append a literal at P. */
#define PUT(p, literal)                                                                        \
    do {                                                                                       \
        memcpy((p), (literal), sizeof(literal) - 1);                                           \
        (p) += sizeof(literal) - 1;                                                            \
    } while (0)

#define STARTS(p, len, literal)                                                                \
    ((len) >= sizeof(literal) - 1 && memcmp((p), (literal), sizeof(literal) - 1) == 0)

static inline char *
put_number(char *p, uint64_t v)
{
    if (v < 10) {
        *p = (char)('0' + v);
        return p + 1;
    }
    return p + num_format_u64(p, v);
}

/* "get", each key behind a blank, the end of the line. */
static void
write_get(struct out *out, const struct keys *keys, const struct op *op)
{
    char *start = (char *)out_at(out);
    char *p = start;

    if (op->kind == OP_GAT) {
        PUT(p, "gat ");
        p = put_number(p, op->ttl_s);
    } else if (op->kind == OP_CAS) {
        PUT(p, "gets");
    } else {
        PUT(p, "get");
    }
    for (uint32_t i = 0; i < op->key_count; i++) {
        *p++ = ' ';
        p += keys_name(keys, op->keys[i].id, p);
    }
    PUT(p, "\r\n");
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
    p += keys_name(keys, op->keys[0].id, p);
    PUT(p, " 0 ");
    p = put_number(p, op->ttl_s);
    *p++ = ' ';
    p = put_number(p, op->value_bytes);
    if (op->kind == OP_CAS) {
        *p++ = ' ';
        p = put_number(p, op->cas);
    }
    if (op->flags & OP_QUIET)
        PUT(p, " noreply");
    PUT(p, "\r\n");
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
    char *key;

    memcpy(p, name, name_len);
    p += name_len;
    *p++ = ' ';
    key = p;
    p += keys_name(keys, op->keys[0].id, p);
    if (op_is_counter((enum op_kind)op->kind)) {
        *key = 'n'; /* counters are no self-verifying values: they have names of their own */
        PUT(p, " 1");
    } else if (op->kind == OP_TOUCH) {
        *p++ = ' ';
        p = put_number(p, op->ttl_s);
    }
    if (op->flags & OP_QUIET)
        PUT(p, " noreply");
    PUT(p, "\r\n");
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

static enum read_result
garbled(struct reader *r, const char *why)
{
    r->why = why;
    return READ_GARBLED;
}

static enum read_result
done(struct reader *r, enum outcome outcome)
{
    r->outcome = outcome;
    r->next_key = 0;
    return READ_DONE;
}

/* Digits up to END or a blank; *P moves behind them. False when there are none, or too many. */
static inline bool
take_number(const char **p, const char *end, uint64_t *out)
{
    const char *start = *p;
    uint64_t v = 0;

    while (*p < end && (unsigned char)(**p - '0') <= 9)
        v = v * 10 + (uint64_t)(*(*p)++ - '0');
    *out = v;
    return *p > start && *p - start <= NUM_U64_DIGITS_MAX;
}

static inline bool
names_key(const struct reader *r, uint32_t id, const char *p, size_t len)
{
    char name[KEY_TEXT_MAX];
    size_t name_len = keys_name(r->keys, id, name);

    return len > name_len && p[name_len] == ' ' && memcmp(p, name, name_len) == 0;
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
        return garbled(r, "a VALUE line with a key that was not asked for");
    p = memchr(p, ' ', (size_t)(end - p));
    if (p == NULL)
        return garbled(r, "a malformed VALUE line");
    p++;
    if (!take_number(&p, end, &flags) || p == end || *p++ != ' ' ||
        !take_number(&p, end, &bytes) || bytes > UINT32_MAX)
        return garbled(r, "a malformed VALUE line");
    if (op->kind == OP_CAS && (p == end || *p++ != ' ' || !take_number(&p, end, &r->cas)))
        return garbled(r, "a VALUE line without its cas");
    if (p != end)
        return garbled(r, "a VALUE line with too much in it");
    value_check_init(&r->check, op->keys[r->key_index].id, bytes);
    r->value_left = (uint32_t)bytes;
    r->state = READER_VALUE;
    return READ_VALUE;
}

static enum read_result
read_value(struct reader *r, const unsigned char **p, const unsigned char *end)
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
        return garbled(r, "a value longer than announced");
    *p += 2;
    r->state = READER_LINE;
    return READ_VALUE;
}

static enum read_result
read_error(struct reader *r, const char *line, size_t len)
{
    if (!STARTS(line, len, "ERROR") && !STARTS(line, len, "CLIENT_ERROR") &&
        !STARTS(line, len, "SERVER_ERROR"))
        return garbled(r, "an unexpected line");
    r->error = line;
    r->error_len = (uint32_t)len;
    return done(r, OUTCOME_ERROR);
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
            return done(r, table[i].outcome);
    }
    if (op->kind == OP_NOOP && STARTS(line, len, "VERSION "))
        return done(r, OUTCOME_STORED);
    if (op_is_counter((enum op_kind)op->kind) && take_number(&p, line + len, &r->number)) {
        while (p < line + len && *p == ' ') /* decr pads what became shorter */
            p++;
        if (p == line + len)
            return done(r, OUTCOME_NUMBER);
    }
    return read_error(r, line, len);
}

static enum read_result
read_line(struct reader *r, const struct op *op, const unsigned char **p,
          const unsigned char *end)
{
    size_t room = (size_t)(end - *p) < PROTO_LINE_MAX ? (size_t)(end - *p) : PROTO_LINE_MAX;
    const char *line = (const char *)*p;
    const char *newline = memchr(line, '\n', room);
    bool is_get =
        op->kind == OP_GET || op->kind == OP_GAT || (op->kind == OP_CAS && op->cas == 0);
    size_t len;

    if (newline == NULL)
        return room == PROTO_LINE_MAX ? garbled(r, "a line without end") : READ_MORE;
    len = (size_t)(newline - line);
    if (len == 0 || line[len - 1] != '\r')
        return garbled(r, "a line that does not end in \\r\\n");
    len--;
    *p += len + 2;
    if (!is_get)
        return read_status(r, op, line, len);
    if (LIKELY(STARTS(line, len, "VALUE ")))
        return begin_value(r, op, line, line + len);
    if (len == 3 && memcmp(line, "END", 3) == 0)
        return done(r, OUTCOME_GET_END);
    return read_error(r, line, len);
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
    return read_value(r, p, end);
}

const struct proto proto_text = {"text", text_write, text_read};
