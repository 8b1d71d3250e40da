/* The classic text protocol (memcached's protocol.txt): commands to bytes, lines to outcomes. */
#include "wire/wire_parts.h"

#include <string.h>

/* "get", each key behind a blank, the end of the line. */
static void
write_get(struct out *out, const struct keys *keys, const struct query *query)
{
    char *start = (char *)out_at(out);
    char *p = start;

    if (query->kind == QUERY_GAT) {
        WIRE_PUT(p, "gat ");
        p = wire_put_number(p, query->ttl_s);
    } else if (query->kind == QUERY_CAS) {
        WIRE_PUT(p, "gets");
    } else {
        WIRE_PUT(p, "get");
    }
    for (uint32_t i = 0; i < query->key_count; i++) {
        *p++ = ' ';
        p += keys_name(keys, query->keys[i].id, p);
    }
    if (UNLIKELY(query->flags & QUERY_GROWING))
        p = start + 4 + wire_key_name(keys, query, start + 4);
    WIRE_PUT(p, "\r\n");
    out_wrote(out, (size_t)(p - start));
}

/* "set key", likewise for every command of one key; where the next byte goes. */
static char *
put_name_and_key(char *p, const struct keys *keys, const struct query *query)
{
    const char *name = query_kind_name((enum query_kind)query->kind);
    size_t name_len = strlen(name);

    memcpy(p, name, name_len);
    p += name_len;
    *p++ = ' ';
    return p + wire_key_name(keys, query, p);
}

/* "set key flags ttl bytes [cas] [noreply]", the value, the end of the line. */
static void
write_store(struct out *out, const struct keys *keys, const struct query *query)
{
    char *start = (char *)out_at(out);
    char *p = put_name_and_key(start, keys, query);

    *p++ = ' ';
    p = wire_put_number(p, keys_flags(keys, query->keys[0].id));
    *p++ = ' ';
    p = wire_put_number(p, query->ttl_s);
    *p++ = ' ';
    p = wire_put_number(p, query->value_bytes);
    if (query->kind == QUERY_CAS) {
        *p++ = ' ';
        p = wire_put_number(p, query->cas);
    }
    if (query->flags & QUERY_QUIET)
        WIRE_PUT(p, " noreply");
    WIRE_PUT(p, "\r\n");
    out_wrote(out, (size_t)(p - start));
    wire_write_block(out, keys, query);
}

/* "delete key", "touch key ttl", "incr key delta". */
static void
write_plain(struct out *out, const struct keys *keys, const struct query *query)
{
    char *start = (char *)out_at(out);
    char *p = put_name_and_key(start, keys, query);

    if (query_is_counter((enum query_kind)query->kind)) {
        WIRE_PUT(p, " 1");
    } else if (query->kind == QUERY_TOUCH) {
        *p++ = ' ';
        p = wire_put_number(p, query->ttl_s);
    }
    if (query->flags & QUERY_QUIET)
        WIRE_PUT(p, " noreply");
    WIRE_PUT(p, "\r\n");
    out_wrote(out, (size_t)(p - start));
}

static void
write_noop(struct out *out)
{
    memcpy(out_at(out), "version\r\n", 9);
    out_wrote(out, 9);
}

static void
text_write(struct out *out, const struct keys *keys, struct query *query)
{
    size_t before = out->total;

    switch ((enum query_kind)query->kind) {
    case QUERY_GET:
    case QUERY_GAT: write_get(out, keys, query); break;
    case QUERY_CAS:
        if (query->cas == 0)
            write_get(out, keys, query);
        else
            write_store(out, keys, query);
        break;
    case QUERY_SET:
    case QUERY_ADD:
    case QUERY_REPLACE:
    case QUERY_APPEND:
    case QUERY_PREPEND: write_store(out, keys, query); break;
    case QUERY_DELETE:
    case QUERY_TOUCH:
    case QUERY_INCR:
    case QUERY_DECR: write_plain(out, keys, query); break;
    case QUERY_NOOP: write_noop(out); break;
    }
    query->wire_bytes = (uint32_t)(out->total - before);
}

/* How long the name of key ID is, with which P and a blank behind it begin; 0: they do not. */
static inline size_t
names_key(const struct reader *r, uint32_t id, const char *p, size_t len)
{
    size_t name_len = keys_match(r->keys, id, p, len);

    return len > name_len && p[name_len] == ' ' ? name_len : 0;
}

/* Which of the request's keys is named at P: how long its name is; 0: none. Servers answer in order; proxies
 * may not. */
static inline size_t
find_key(struct reader *r, const struct query *query, const char *p, size_t len)
{
    uint32_t i = r->next_key;

    if (UNLIKELY(query->flags & QUERY_GROWING)) {
        size_t name_len = wire_match_grown(r, query, p, len);

        r->key_index = 0;
        return len > name_len && p[name_len] == ' ' ? name_len : 0;
    }
    for (uint32_t n = 0; n < query->key_count; n++, i++) {
        size_t name_len;

        if (i >= query->key_count)
            i = 0;
        name_len = names_key(r, query->keys[i].id, p, len);
        if (name_len > 0) {
            r->key_index = i;
            r->next_key = i + 1;
            return name_len;
        }
    }
    return 0;
}

/* "VALUE key flags bytes [cas]", without its end. */
static enum read_result
begin_value(struct reader *r, const struct query *query, const char *p, const char *end)
{
    uint64_t flags;
    uint64_t bytes;
    size_t name_len;

    p += sizeof("VALUE ") - 1;
    name_len = find_key(r, query, p, (size_t)(end - p));
    if (name_len == 0)
        return wire_garbled(r, "a VALUE line with a key that was not asked for");
    p += name_len + 1;
    if (!wire_take_number(&p, end, &flags) || p == end || *p++ != ' ' ||
        !wire_take_number(&p, end, &bytes) || bytes > UINT32_MAX)
        return wire_garbled(r, "a malformed VALUE line");
    if (query->kind == QUERY_CAS &&
        (p == end || *p++ != ' ' || !wire_take_number(&p, end, &r->cas)))
        return wire_garbled(r, "a VALUE line without its cas");
    if (p != end)
        return wire_garbled(r, "a VALUE line with too much in it");
    r->flags = flags > UINT32_MAX ? UINT32_MAX : (uint32_t)flags;
    wire_begin_value(r, query, (uint32_t)bytes);
    return READ_VALUE;
}

#define KIND(name) (UINT32_C(1) << QUERY_##name)
#define STORES                                                                                 \
    (KIND(SET) | KIND(ADD) | KIND(REPLACE) | KIND(CAS) | KIND(APPEND) | KIND(PREPEND))

/* The one line that answers anything but a get. */
static enum read_result
read_status(struct reader *r, const struct query *query, const char *line, size_t len)
{
    static const struct {
        const char *line;
        uint32_t kinds; /* that it may answer */
        enum outcome outcome;
    } table[] = {
        {"STORED", STORES, OUTCOME_STORED},
        {"NOT_STORED", STORES, OUTCOME_NOT_STORED},
        {"EXISTS", KIND(CAS), OUTCOME_NOT_STORED},
        {"DELETED", KIND(DELETE), OUTCOME_STORED},
        {"TOUCHED", KIND(TOUCH), OUTCOME_STORED},
        {"NOT_FOUND", KIND(CAS) | KIND(DELETE) | KIND(TOUCH) | KIND(INCR) | KIND(DECR),
         OUTCOME_NOT_FOUND},
    };
    const char *p = line;

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if ((table[i].kinds & UINT32_C(1) << query->kind) != 0 &&
            strlen(table[i].line) == len && memcmp(table[i].line, line, len) == 0)
            return wire_done(r, table[i].outcome);
    }
    if (query->kind == QUERY_NOOP && WIRE_STARTS(line, len, "VERSION "))
        return wire_done(r, OUTCOME_STORED);
    if (query_is_counter((enum query_kind)query->kind) &&
        wire_take_number(&p, line + len, &r->number)) {
        while (p < line + len && *p == ' ') /* decr pads what became shorter */
            p++;
        if (p == line + len)
            return wire_done(r, OUTCOME_NUMBER);
    }
    return wire_read_error(r, line, len);
}

static enum read_result
read_line(struct reader *r, const struct query *query, const unsigned char **p,
          const unsigned char *end)
{
    bool is_get = query_is_read(query);
    struct slice line;

    switch (wire_take_line(r, p, end, &line)) {
    case WIRE_LINE_TAKEN: break;
    case WIRE_LINE_PARTIAL: return READ_MORE;
    case WIRE_LINE_BAD: return READ_GARBLED;
    }
    if (!is_get)
        return read_status(r, query, line.ptr, line.len);
    if (LIKELY(WIRE_STARTS(line.ptr, line.len, "VALUE ")))
        return begin_value(r, query, line.ptr, line.ptr + line.len);
    if (slice_equal(line, SLICE("END")))
        return wire_done(r, OUTCOME_GET_END);
    return wire_read_error(r, line.ptr, line.len);
}

/* Where all of "VALUE key flags bytes", the value and the end of its line are at the front of [*P, END), as nearly
 * always: take them, with one look at each byte. False: nothing is taken, and read_line() says what it is. */
static inline bool
take_whole(struct reader *r, const struct query *query, const unsigned char **p,
           const unsigned char *end)
{
    const char *at = (const char *)*p;
    const char *stop = (const char *)end;
    uint64_t flags;
    uint64_t bytes;
    size_t name_len;

    if (!WIRE_STARTS(at, (size_t)(stop - at), "VALUE "))
        return false;
    at += sizeof("VALUE ") - 1;
    name_len = find_key(r, query, at, (size_t)(stop - at));
    if (name_len == 0)
        return false;
    at += name_len + 1;
    if (!wire_take_number(&at, stop, &flags) || at == stop || *at++ != ' ' ||
        !wire_take_number(&at, stop, &bytes) || bytes > UINT32_MAX ||
        (size_t)(stop - at) < bytes + 4 || memcmp(at, "\r\n", 2) != 0 ||
        memcmp(at + 2 + bytes, "\r\n", 2) != 0)
        return false;
    r->flags = flags > UINT32_MAX ? UINT32_MAX : (uint32_t)flags;
    value_check_init(&r->check, query->keys[r->key_index].id, bytes);
    value_check_feed(&r->check, (const unsigned char *)at + 2, bytes);
    *p = (const unsigned char *)at + 4 + bytes;
    return true;
}

/* Whether a value that answers QUERY says no more than that. */
static inline bool
is_plain_get(const struct query *query)
{
    return query->kind == QUERY_GET && !(query->flags & QUERY_GROWING);
}

/* Whether [*P, END) begins with LINE; *P moves behind it then. */
#define TAKE(p, end, line)                                                                     \
    ((size_t)((end) - *(p)) >= sizeof(line) - 1 &&                                             \
     memcmp(*(p), line, sizeof(line) - 1) == 0 && (*(p) += sizeof(line) - 1, true))

/* What is answered most is compared as a whole. */
static enum read_result
text_read(struct reader *r, const struct query *query, const unsigned char **p,
          const unsigned char *end)
{
    enum read_result result = READ_VALUE;

    if (r->state == READER_LINE && query->kind == QUERY_SET &&
        LIKELY(TAKE(p, end, "STORED\r\n")))
        return wire_done(r, OUTCOME_STORED);
    if (r->state != READER_LINE || !is_plain_get(query) || !take_whole(r, query, p, end)) {
        if (r->state == READER_LINE)
            result = read_line(r, query, p, end);
        if (result == READ_VALUE)
            result = wire_read_value(r, p, end);
    }
    if (result != READ_VALUE || !TAKE(p, end, "END\r\n"))
        return result;
    (void)wire_done(r, OUTCOME_GET_END);
    return READ_LAST_VALUE;
}

const struct wire wire_text = {"text", false, text_write, text_read};
