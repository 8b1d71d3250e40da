/*
 * The binary protocol (memcached's protocol-binary.txt).
 *
 *     | magic | opcode | key len | extras len | 0 | status | body len | opaque | cas |
 *
 * A get of many keys is a batch of getkq, ended by noop; the opaque says which
 * key it was, and the key itself comes back too.
 */
#include "wire/wire_parts.h"

#include <endian.h>

enum { HEADER_BYTES = 24, REQUEST_MAGIC = 0x80, REPLY_MAGIC = 0x81 };

enum opcode {
    OPCODE_GET = 0x00,
    OPCODE_SET = 0x01,
    OPCODE_ADD = 0x02,
    OPCODE_REPLACE = 0x03,
    OPCODE_DELETE = 0x04,
    OPCODE_INCR = 0x05,
    OPCODE_DECR = 0x06,
    OPCODE_NOOP = 0x0a,
    OPCODE_GETKQ = 0x0d,
    OPCODE_APPEND = 0x0e,
    OPCODE_PREPEND = 0x0f,
    OPCODE_SETQ = 0x11, /* the quiet forms of 0x01 to 0x06 follow each other */
    OPCODE_APPENDQ = 0x19,
    OPCODE_PREPENDQ = 0x1a,
    OPCODE_TOUCH = 0x1c,
    OPCODE_GAT = 0x1d,
};

enum status {
    STATUS_OK = 0x00,
    STATUS_NOT_FOUND = 0x01,
    STATUS_EXISTS = 0x02,
    STATUS_NOT_STORED = 0x05,
};

struct header {
    uint8_t opcode;
    uint8_t extras_bytes;
    uint16_t key_bytes;
    uint16_t status;
    uint32_t body_bytes;
    uint32_t opaque;
    uint64_t cas;
};

static uint8_t
opcode_of(const struct query *query)
{
    bool quiet = (query->flags & QUERY_QUIET) != 0;

    switch ((enum query_kind)query->kind) {
    case QUERY_GET: return query->key_count > 1 ? OPCODE_GETKQ : OPCODE_GET;
    case QUERY_GAT: return OPCODE_GAT;
    case QUERY_SET: return quiet ? OPCODE_SETQ : OPCODE_SET;
    case QUERY_ADD: return quiet ? OPCODE_SETQ + 1 : OPCODE_ADD;
    case QUERY_REPLACE: return quiet ? OPCODE_SETQ + 2 : OPCODE_REPLACE;
    case QUERY_CAS: return query->cas == 0 ? OPCODE_GET : quiet ? OPCODE_SETQ : OPCODE_SET;
    case QUERY_APPEND: return quiet ? OPCODE_APPENDQ : OPCODE_APPEND;
    case QUERY_PREPEND: return quiet ? OPCODE_PREPENDQ : OPCODE_PREPEND;
    case QUERY_DELETE: return quiet ? OPCODE_SETQ + 3 : OPCODE_DELETE;
    case QUERY_TOUCH: return OPCODE_TOUCH;
    case QUERY_INCR: return OPCODE_INCR;
    case QUERY_DECR: return OPCODE_DECR;
    case QUERY_NOOP: return OPCODE_NOOP;
    }
    BUG("query_kind out of range");
}

static void
put16(unsigned char *p, uint16_t v)
{
    v = htobe16(v);
    memcpy(p, &v, sizeof(v));
}

static void
put32(unsigned char *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof(v));
}

static void
put64(unsigned char *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof(v));
}

static uint16_t
get16(const unsigned char *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return be16toh(v);
}

static uint32_t
get32(const unsigned char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return be32toh(v);
}

static void
put_header(unsigned char *p, const struct header *h)
{
    memset(p, 0, HEADER_BYTES);
    p[0] = REQUEST_MAGIC;
    p[1] = h->opcode;
    put16(p + 2, h->key_bytes);
    p[4] = h->extras_bytes;
    put32(p + 8, h->body_bytes);
    put32(p + 12, h->opaque);
    put64(p + 16, h->cas);
}

/* What stands before the key: flags and time, time, or delta, start and time. */
static uint8_t
put_extras(unsigned char *p, const struct keys *keys, const struct query *query)
{
    switch ((enum query_kind)query->kind) {
    case QUERY_CAS:
        if (query->cas == 0)
            return 0;
        __attribute__((fallthrough));
    case QUERY_SET:
    case QUERY_ADD:
    case QUERY_REPLACE:
        put32(p, keys_flags(keys, query->keys[0].id));
        put32(p + 4, query->ttl_s);
        return 8;
    case QUERY_GAT:
    case QUERY_TOUCH: put32(p, query->ttl_s); return 4;
    case QUERY_INCR:
    case QUERY_DECR:
        put64(p, 1);
        put64(p + 8, 0);
        put32(p + 16, UINT32_MAX); /* do not create it */
        return 20;
    case QUERY_GET:
    case QUERY_APPEND:
    case QUERY_PREPEND:
    case QUERY_DELETE:
    case QUERY_NOOP: return 0;
    }
    BUG("query_kind out of range");
}

/* The opaque of a request: which key of a batch, or something of the key to know it again. */
static uint32_t
opaque_of(const struct query *query, uint32_t i)
{
    return query->key_count > 1 ? i : query->key_count == 0 ? 0 : query->keys[0].id;
}

/* Header, extras and key number I. */
static void
write_head(struct out *out, const struct keys *keys, const struct query *query, uint32_t i)
{
    unsigned char *p = out_at(out);
    struct header h = {
        .opcode = opcode_of(query), .opaque = opaque_of(query, i), .cas = query->cas};
    char *key;

    h.extras_bytes = put_extras(p + HEADER_BYTES, keys, query);
    key = (char *)p + HEADER_BYTES + h.extras_bytes;
    if (query->key_count == 1)
        h.key_bytes = (uint16_t)wire_key_name(keys, query, key);
    else if (query->key_count > 1)
        h.key_bytes = (uint16_t)keys_name(keys, query->keys[i].id, key);
    h.body_bytes = h.extras_bytes + h.key_bytes;
    if (query_has_value((enum query_kind)query->kind) &&
        !(query->kind == QUERY_CAS && query->cas == 0))
        h.body_bytes += query->value_bytes;
    put_header(p, &h);
    out_wrote(out, (size_t)HEADER_BYTES + h.extras_bytes + h.key_bytes);
}

static void
binary_write(struct out *out, const struct keys *keys, struct query *query)
{
    struct header noop = {.opcode = OPCODE_NOOP, .opaque = query->key_count};
    size_t before = out->total;

    if (query->key_count <= 1) {
        write_head(out, keys, query, 0);
        if (query_has_value((enum query_kind)query->kind) &&
            !(query->kind == QUERY_CAS && query->cas == 0))
            wire_write_value(out, keys, query);
    } else {
        for (uint32_t i = 0; i < query->key_count; i++)
            write_head(out, keys, query, i);
        put_header(out_at(out), &noop);
        out_wrote(out, HEADER_BYTES);
    }
    query->wire_bytes = (uint32_t)(out->total - before);
}

static bool
is_quiet_store(uint8_t opcode)
{
    return (opcode >= OPCODE_SETQ && opcode <= OPCODE_SETQ + 3) || opcode == OPCODE_APPENDQ ||
           opcode == OPCODE_PREPENDQ;
}

static void
get_header(const unsigned char *p, struct header *h)
{
    uint64_t cas;

    memcpy(&cas, p + 16, sizeof(cas));
    h->opcode = p[1];
    h->key_bytes = get16(p + 2);
    h->extras_bytes = p[4];
    h->status = get16(p + 6);
    h->body_bytes = get32(p + 8);
    h->opaque = get32(p + 12);
    h->cas = be64toh(cas);
}

/* Whether a reply with this opcode can be to QUERY, or to a part of a batch. */
static bool
fits_opcode(const struct query *query, uint8_t opcode)
{
    return opcode == opcode_of(query) || (query->key_count > 1 && opcode == OPCODE_NOOP);
}

/* A reply that carries a value: its key and where it begins. */
static enum read_result
begin_value(struct reader *r, const struct query *query, const struct header *h,
            const unsigned char *key)
{
    bool batch = query->key_count > 1;

    r->key_index = batch ? h->opaque : 0;
    if (r->key_index >= query->key_count)
        return wire_garbled(r, "a reply to a key that was not asked for");
    if (batch &&
        !wire_names_key(r, query->keys[r->key_index].id, (const char *)key, h->key_bytes))
        return wire_garbled(r, "a reply with another key");
    r->cas = h->cas;
    r->flags = h->extras_bytes == 4 ? get32(key - 4) : UINT32_MAX;
    wire_begin_value(r, query, h->body_bytes - h->extras_bytes - h->key_bytes);
    return READ_VALUE;
}

/* What a reply without a value means. */
static enum read_result
end_request(struct reader *r, const struct query *query, const struct header *h,
            const unsigned char *body)
{
    bool is_get = query_is_read(query);

    if (h->status == STATUS_OK && query_is_counter((enum query_kind)query->kind)) {
        if (h->body_bytes != sizeof(r->number))
            return wire_garbled(r, "a number that is not of 8 bytes");
        memcpy(&r->number, body, sizeof(r->number));
        r->number = be64toh(r->number);
        return wire_done(r, OUTCOME_NUMBER);
    }
    if (h->status == STATUS_OK)
        return wire_done(r, is_get ? OUTCOME_GET_END : OUTCOME_STORED);
    if (h->status == STATUS_NOT_FOUND)
        return wire_done(r, is_get ? OUTCOME_GET_END : OUTCOME_NOT_FOUND);
    if (h->status == STATUS_EXISTS || h->status == STATUS_NOT_STORED)
        return wire_done(r, OUTCOME_NOT_STORED);
    r->error = (const char *)body;
    r->error_len = h->body_bytes;
    return wire_done(r, OUTCOME_ERROR);
}

static enum read_result
read_reply(struct reader *r, const struct query *query, const unsigned char **p,
           const unsigned char *end)
{
    const unsigned char *start = *p;
    bool is_get = query_is_read(query);
    struct header h;
    size_t head;

    if (end - start < HEADER_BYTES)
        return READ_MORE;
    get_header(start, &h);
    if (start[0] != REPLY_MAGIC || h.body_bytes < (uint32_t)h.extras_bytes + h.key_bytes)
        return wire_garbled(r, "no header of a reply");
    is_get = is_get && h.status == STATUS_OK && h.opcode != OPCODE_NOOP;
    head = HEADER_BYTES + (is_get ? (size_t)h.extras_bytes + h.key_bytes : h.body_bytes);
    if (head > WIRE_LINE_MAX)
        return wire_garbled(r, "too long a reply");
    if ((size_t)(end - start) < head)
        return READ_MORE;
    *p += head;
    if (is_quiet_store(h.opcode)) {
        r->error = (const char *)start + HEADER_BYTES;
        r->error_len = h.body_bytes;
        return READ_STRAY_ERROR;
    }
    if (!fits_opcode(query, h.opcode) ||
        (query->key_count <= 1 && h.opaque != opaque_of(query, 0)))
        return wire_garbled(r, "a reply to another request");
    if (is_get)
        return begin_value(r, query, &h, start + HEADER_BYTES + h.extras_bytes);
    return end_request(r, query, &h, start + HEADER_BYTES);
}

static enum read_result
binary_read(struct reader *r, const struct query *query, const unsigned char **p,
            const unsigned char *end)
{
    size_t n;

    if (r->state == READER_LINE) {
        enum read_result result = read_reply(r, query, p, end);

        if (result != READ_VALUE)
            return result;
    }
    n = (size_t)(end - *p) < r->value_left ? (size_t)(end - *p) : r->value_left;
    value_check_feed(&r->check, *p, n);
    *p += n;
    r->value_left -= (uint32_t)n;
    if (r->value_left > 0)
        return READ_MORE;
    r->state = READER_LINE;
    if (query->key_count > 1)
        return READ_VALUE;
    (void)wire_done(r, OUTCOME_GET_END);
    return READ_LAST_VALUE;
}

const struct wire wire_binary = {"binary", false, binary_write, binary_read};
