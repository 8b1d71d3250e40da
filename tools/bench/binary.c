/*
 * The binary protocol (memcached's protocol-binary.txt).
 *
 *     | magic | opcode | key len | extras len | 0 | status | body len | opaque | cas |
 *
 * A get of many keys is a batch of getkq, ended by noop; the opaque says which
 * key it was, and the key itself comes back too.
 */
#include "line.h"

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
opcode_of(const struct op *op)
{
    bool quiet = (op->flags & OP_QUIET) != 0;

    switch ((enum op_kind)op->kind) {
    case OP_GET: return op->key_count > 1 ? OPCODE_GETKQ : OPCODE_GET;
    case OP_GAT: return OPCODE_GAT;
    case OP_SET: return quiet ? OPCODE_SETQ : OPCODE_SET;
    case OP_ADD: return quiet ? OPCODE_SETQ + 1 : OPCODE_ADD;
    case OP_REPLACE: return quiet ? OPCODE_SETQ + 2 : OPCODE_REPLACE;
    case OP_CAS: return op->cas == 0 ? OPCODE_GET : quiet ? OPCODE_SETQ : OPCODE_SET;
    case OP_APPEND: return quiet ? OPCODE_APPENDQ : OPCODE_APPEND;
    case OP_PREPEND: return quiet ? OPCODE_PREPENDQ : OPCODE_PREPEND;
    case OP_DELETE: return quiet ? OPCODE_SETQ + 3 : OPCODE_DELETE;
    case OP_TOUCH: return OPCODE_TOUCH;
    case OP_INCR: return OPCODE_INCR;
    case OP_DECR: return OPCODE_DECR;
    case OP_NOOP: return OPCODE_NOOP;
    }
    BUG("op_kind out of range");
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
put_extras(unsigned char *p, const struct op *op)
{
    switch ((enum op_kind)op->kind) {
    case OP_CAS:
        if (op->cas == 0)
            return 0;
        __attribute__((fallthrough));
    case OP_SET:
    case OP_ADD:
    case OP_REPLACE:
        put32(p, 0);
        put32(p + 4, op->ttl_s);
        return 8;
    case OP_GAT:
    case OP_TOUCH: put32(p, op->ttl_s); return 4;
    case OP_INCR:
    case OP_DECR:
        put64(p, 1);
        put64(p + 8, 0);
        put32(p + 16, UINT32_MAX); /* do not create it */
        return 20;
    case OP_GET:
    case OP_APPEND:
    case OP_PREPEND:
    case OP_DELETE:
    case OP_NOOP: return 0;
    }
    BUG("op_kind out of range");
}

/* The opaque of a request: which key of a batch, or something of the key to know it again. */
static uint32_t
opaque_of(const struct op *op, uint32_t i)
{
    return op->key_count > 1 ? i : op->key_count == 0 ? 0 : op->keys[0].id;
}

/* Header, extras and key number I. */
static void
write_head(struct out *out, const struct keys *keys, const struct op *op, uint32_t i)
{
    unsigned char *p = out_at(out);
    struct header h = {.opcode = opcode_of(op), .opaque = opaque_of(op, i), .cas = op->cas};
    char *key;

    h.extras_bytes = put_extras(p + HEADER_BYTES, op);
    key = (char *)p + HEADER_BYTES + h.extras_bytes;
    if (op->key_count == 1)
        h.key_bytes = (uint16_t)proto_key_name(keys, op, key);
    else if (op->key_count > 1)
        h.key_bytes = (uint16_t)keys_name(keys, op->keys[i].id, key);
    h.body_bytes = h.extras_bytes + h.key_bytes;
    if (op_has_value((enum op_kind)op->kind) && !(op->kind == OP_CAS && op->cas == 0))
        h.body_bytes += op->value_bytes;
    put_header(p, &h);
    out_wrote(out, (size_t)HEADER_BYTES + h.extras_bytes + h.key_bytes);
}

static void
binary_write(struct out *out, const struct keys *keys, struct op *op)
{
    struct header noop = {.opcode = OPCODE_NOOP, .opaque = op->key_count};
    size_t before = out->total;

    if (op->key_count <= 1) {
        write_head(out, keys, op, 0);
        if (op_has_value((enum op_kind)op->kind) && !(op->kind == OP_CAS && op->cas == 0))
            proto_write_value(out, keys, op);
    } else {
        for (uint32_t i = 0; i < op->key_count; i++)
            write_head(out, keys, op, i);
        put_header(out_at(out), &noop);
        out_wrote(out, HEADER_BYTES);
    }
    op->wire_bytes = (uint32_t)(out->total - before);
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

/* Whether a reply with this opcode can be to OP, or to a part of a batch. */
static bool
fits_opcode(const struct op *op, uint8_t opcode)
{
    return opcode == opcode_of(op) || (op->key_count > 1 && opcode == OPCODE_NOOP);
}

/* A reply that carries a value: its key and where it begins. */
static enum read_result
begin_value(struct reader *r, const struct op *op, const struct header *h,
            const unsigned char *key)
{
    bool batch = op->key_count > 1;

    r->key_index = batch ? h->opaque : 0;
    if (r->key_index >= op->key_count)
        return line_garbled(r, "a reply to a key that was not asked for");
    if (batch && !line_names_key(r, op->keys[r->key_index].id, (const char *)key, h->key_bytes))
        return line_garbled(r, "a reply with another key");
    r->cas = h->cas;
    r->flags = h->extras_bytes == 4 ? get32(key - 4) : UINT32_MAX;
    line_begin_value(r, op, h->body_bytes - h->extras_bytes - h->key_bytes);
    return READ_VALUE;
}

/* What a reply without a value means. */
static enum read_result
end_request(struct reader *r, const struct op *op, const struct header *h,
            const unsigned char *body)
{
    bool is_get =
        op->kind == OP_GET || op->kind == OP_GAT || (op->kind == OP_CAS && op->cas == 0);

    if (h->status == STATUS_OK)
        return line_done(r, is_get ? OUTCOME_GET_END : OUTCOME_STORED);
    if (h->status == STATUS_NOT_FOUND)
        return line_done(r, is_get ? OUTCOME_GET_END : OUTCOME_NOT_FOUND);
    if (h->status == STATUS_EXISTS || h->status == STATUS_NOT_STORED)
        return line_done(r, OUTCOME_NOT_STORED);
    r->error = (const char *)body;
    r->error_len = h->body_bytes;
    return line_done(r, OUTCOME_ERROR);
}

static enum read_result
read_reply(struct reader *r, const struct op *op, const unsigned char **p,
           const unsigned char *end)
{
    const unsigned char *start = *p;
    bool is_get =
        op->kind == OP_GET || op->kind == OP_GAT || (op->kind == OP_CAS && op->cas == 0);
    struct header h;
    size_t head;

    if (end - start < HEADER_BYTES)
        return READ_MORE;
    get_header(start, &h);
    if (start[0] != REPLY_MAGIC || h.body_bytes < (uint32_t)h.extras_bytes + h.key_bytes)
        return line_garbled(r, "no header of a reply");
    is_get = is_get && h.status == STATUS_OK && h.opcode != OPCODE_NOOP;
    head = HEADER_BYTES + (is_get ? (size_t)h.extras_bytes + h.key_bytes : h.body_bytes);
    if (head > PROTO_LINE_MAX)
        return line_garbled(r, "too long a reply");
    if ((size_t)(end - start) < head)
        return READ_MORE;
    *p += head;
    if (is_quiet_store(h.opcode)) {
        r->error = (const char *)start + HEADER_BYTES;
        r->error_len = h.body_bytes;
        return READ_STRAY_ERROR;
    }
    if (!fits_opcode(op, h.opcode) || (op->key_count <= 1 && h.opaque != opaque_of(op, 0)))
        return line_garbled(r, "a reply to another request");
    if (is_get)
        return begin_value(r, op, &h, start + HEADER_BYTES + h.extras_bytes);
    return end_request(r, op, &h, start + HEADER_BYTES);
}

static enum read_result
binary_read(struct reader *r, const struct op *op, const unsigned char **p,
            const unsigned char *end)
{
    size_t n;

    if (r->state == READER_LINE) {
        enum read_result result = read_reply(r, op, p, end);

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
    if (op->key_count > 1)
        return READ_VALUE;
    (void)line_done(r, OUTCOME_GET_END);
    return READ_LAST_VALUE;
}

const struct proto proto_binary = {"binary", false, binary_write, binary_read};
