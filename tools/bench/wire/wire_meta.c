/*
 * The meta commands (memcached's protocol.txt, "Meta Commands"). A get of many
 * keys is a batch of quiet mg, ended by mn; the key comes back with each value.
 */
#include "wire/wire_parts.h"

static size_t
write_mg(const struct keys *keys, const struct query *query, uint32_t i, char *start)
{
    char *p = start;

    WIRE_PUT(p, "mg ");
    if (UNLIKELY(query->flags & QUERY_GROWING))
        p += wire_key_name(keys, query, p);
    else
        p += keys_name(keys, query->keys[i].id, p);
    if (query->kind != QUERY_TOUCH)
        WIRE_PUT(p, " v");
    if (keys->flagged && query->kind != QUERY_TOUCH)
        WIRE_PUT(p, " f");
    if (query->key_count > 1)
        WIRE_PUT(p, " k q");
    if (query->kind == QUERY_CAS)
        WIRE_PUT(p, " c");
    if (query->flags & QUERY_LEASE) {
        WIRE_PUT(p, " N");
        p = wire_put_number(p, WIRE_LEASE_TTL_S);
        if (query->recache_s > 0) {
            WIRE_PUT(p, " R");
            p = wire_put_number(p, query->recache_s);
        }
    }
    if (query->kind == QUERY_GAT || query->kind == QUERY_TOUCH) {
        WIRE_PUT(p, " T");
        p = wire_put_number(p, query->ttl_s);
    }
    WIRE_PUT(p, "\r\n");
    return (size_t)(p - start);
}

static void
write_gets(struct out *out, const struct keys *keys, const struct query *query)
{
    for (uint32_t i = 0; i < query->key_count; i++)
        out_wrote(out, write_mg(keys, query, i, (char *)out_at(out)));
    if (query->key_count > 1) {
        memcpy(out_at(out), "mn\r\n", 4);
        out_wrote(out, 4);
    }
}

/* The mode of ms, or 0 for a plain set. */
static char
store_mode(enum query_kind kind)
{
    switch (kind) {
    case QUERY_ADD: return 'E';
    case QUERY_REPLACE: return 'R';
    case QUERY_APPEND: return 'A';
    case QUERY_PREPEND: return 'P';
    case QUERY_SET:
    case QUERY_CAS:
    case QUERY_GET:
    case QUERY_GAT:
    case QUERY_DELETE:
    case QUERY_TOUCH:
    case QUERY_INCR:
    case QUERY_DECR:
    case QUERY_NOOP: return 0;
    }
    BUG("query_kind out of range");
}

static void
write_ms(struct out *out, const struct keys *keys, const struct query *query)
{
    char mode = store_mode((enum query_kind)query->kind);
    char *start = (char *)out_at(out);
    char *p = start;

    WIRE_PUT(p, "ms ");
    p += wire_key_name(keys, query, p);
    *p++ = ' ';
    p = wire_put_number(p, query->value_bytes);
    if (query->ttl_s != 0) {
        WIRE_PUT(p, " T");
        p = wire_put_number(p, query->ttl_s);
    }
    if (keys->flagged) {
        WIRE_PUT(p, " F");
        p = wire_put_number(p, keys_flags(keys, query->keys[0].id));
    }
    if (mode != 0) {
        WIRE_PUT(p, " M");
        *p++ = mode;
    }
    if (query->kind == QUERY_CAS) {
        WIRE_PUT(p, " C");
        p = wire_put_number(p, query->cas);
    }
    if (query->flags & QUERY_QUIET)
        WIRE_PUT(p, " q");
    WIRE_PUT(p, "\r\n");
    out_wrote(out, (size_t)(p - start));
    wire_write_block(out, keys, query);
}

/* "md key", "ma key", "ma key MD". */
static void
write_plain(struct out *out, const struct keys *keys, const struct query *query)
{
    char *start = (char *)out_at(out);
    char *p = start;

    if (query->kind == QUERY_DELETE)
        WIRE_PUT(p, "md ");
    else
        WIRE_PUT(p, "ma ");
    p += wire_key_name(keys, query, p);
    if (query->kind == QUERY_DECR)
        WIRE_PUT(p, " MD");
    if (query->flags & QUERY_LEASE) {
        WIRE_PUT(p, " I T");
        p = wire_put_number(p, WIRE_LEASE_TTL_S);
    }
    if (query->kind != QUERY_DELETE)
        WIRE_PUT(p, " v");
    if (query->flags & QUERY_QUIET)
        WIRE_PUT(p, " q");
    WIRE_PUT(p, "\r\n");
    out_wrote(out, (size_t)(p - start));
}

static void
meta_write(struct out *out, const struct keys *keys, struct query *query)
{
    size_t before = out->total;

    switch ((enum query_kind)query->kind) {
    case QUERY_GET:
    case QUERY_GAT:
    case QUERY_TOUCH: write_gets(out, keys, query); break;
    case QUERY_CAS:
        if (query->cas == 0)
            write_gets(out, keys, query);
        else
            write_ms(out, keys, query);
        break;
    case QUERY_SET:
    case QUERY_ADD:
    case QUERY_REPLACE:
    case QUERY_APPEND:
    case QUERY_PREPEND: write_ms(out, keys, query); break;
    case QUERY_DELETE:
    case QUERY_INCR:
    case QUERY_DECR: write_plain(out, keys, query); break;
    case QUERY_NOOP:
        memcpy(out_at(out), "mn\r\n", 4);
        out_wrote(out, 4);
        break;
    }
    query->wire_bytes = (uint32_t)(out->total - before);
}

/* Which key of a batch is named; they come in order, less those that are missing. */
static bool
find_key(struct reader *r, const struct query *query, const char *name, size_t len)
{
    for (uint32_t i = r->next_key; i < query->key_count; i++) {
        if (wire_names_key(r, query->keys[i].id, name, len)) {
            r->key_index = i;
            r->next_key = i + 1;
            return true;
        }
    }
    return false;
}

/* "VA bytes [kname] [ccas] [fflags]". */
static enum read_result
begin_value(struct reader *r, const struct query *query, const char *p, const char *end)
{
    bool named = false;
    uint64_t bytes;
    uint64_t flags = 0;

    r->key_index = 0;
    r->lease = 0;
    if (!wire_take_number(&p, end, &bytes) || bytes > UINT32_MAX)
        return wire_garbled(r, "a malformed VA line");
    while (p < end) {
        const char *word = ++p;

        p = memchr(p, ' ', (size_t)(end - p));
        if (p == NULL)
            p = end;
        if (word == p)
            return wire_garbled(r, "a malformed VA line");
        if (p == word + 1 && (*word == 'W' || *word == 'Z' || *word == 'X')) {
            r->lease |= *word == 'W' ? LEASE_WON : *word == 'Z' ? LEASE_WAIT : LEASE_STALE;
        } else if (*word == 'k') {
            if (!find_key(r, query, word + 1, (size_t)(p - word) - 1))
                return wire_garbled(r, "a VA line with a key that was not asked for");
            named = true;
        } else if (*word == 'c') {
            word++;
            if (!wire_take_number(&word, p, &r->cas))
                return wire_garbled(r, "a VA line with a malformed cas");
        } else if (*word == 'f') {
            word++;
            if (!wire_take_number(&word, p, &flags))
                return wire_garbled(r, "a VA line with malformed flags");
        }
    }
    if (query->key_count > 1 && !named)
        return wire_garbled(r, "a VA line without its key");
    r->flags = flags > UINT32_MAX ? UINT32_MAX : (uint32_t)flags;
    wire_begin_value(r, query, (uint32_t)bytes);
    return READ_VALUE;
}

/* "VA bytes\r\nnumber\r\n", whose first line is taken: the reply to ma. START is where it began. */
static enum read_result
read_number(struct reader *r, const unsigned char **p, const unsigned char *end,
            const unsigned char *start)
{
    struct slice line;
    const char *digit;

    switch (wire_take_line(r, p, end, &line)) {
    case WIRE_LINE_TAKEN: break;
    case WIRE_LINE_PARTIAL: *p = start; return READ_MORE;
    case WIRE_LINE_BAD: return READ_GARBLED;
    }
    digit = line.ptr;
    if (!wire_take_number(&digit, line.ptr + line.len, &r->number))
        return wire_garbled(r, "no number");
    return wire_done(r, OUTCOME_NUMBER);
}

static enum read_result
read_line(struct reader *r, const struct query *query, const unsigned char **p,
          const unsigned char *end)
{
    bool is_get = query_is_read(query);
    const unsigned char *start = *p;
    struct slice line;

    switch (wire_take_line(r, p, end, &line)) {
    case WIRE_LINE_TAKEN: break;
    case WIRE_LINE_PARTIAL: return READ_MORE;
    case WIRE_LINE_BAD: return READ_GARBLED;
    }
    if (is_get && WIRE_STARTS(line.ptr, line.len, "VA "))
        return begin_value(r, query, line.ptr + 3, line.ptr + line.len);
    if (query_is_counter((enum query_kind)query->kind) &&
        WIRE_STARTS(line.ptr, line.len, "VA "))
        return read_number(r, p, end, start);
    if (slice_equal(line, SLICE("EN")) && query->key_count == 1)
        return wire_done(r, is_get ? OUTCOME_GET_END : OUTCOME_NOT_FOUND);
    if (slice_equal(line, SLICE("MN")) && (query->key_count != 1))
        return wire_done(r, is_get ? OUTCOME_GET_END : OUTCOME_STORED);
    if (!is_get && line.len >= 2 && (line.len == 2 || line.ptr[2] == ' ')) {
        if (memcmp(line.ptr, "HD", 2) == 0)
            return wire_done(r, OUTCOME_STORED);
        if (memcmp(line.ptr, "NS", 2) == 0 || memcmp(line.ptr, "EX", 2) == 0)
            return wire_done(r, OUTCOME_NOT_STORED);
        if (memcmp(line.ptr, "NF", 2) == 0)
            return wire_done(r, OUTCOME_NOT_FOUND);
    }
    return wire_read_error(r, line.ptr, line.len);
}

static enum read_result
meta_read(struct reader *r, const struct query *query, const unsigned char **p,
          const unsigned char *end)
{
    enum read_result result = READ_VALUE;

    if (r->state == READER_LINE)
        result = read_line(r, query, p, end);
    if (result == READ_VALUE)
        result = wire_read_value(r, p, end);
    if (result == READ_VALUE && query->key_count == 1) {
        (void)wire_done(r, OUTCOME_GET_END);
        return READ_LAST_VALUE;
    }
    return result;
}

const struct wire wire_meta = {"meta", true, meta_write, meta_read};
