/* Writes the replies of the built-in server in all three protocols. */
#include "builtin/stub_reply.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
stub_emit(struct stub_out *out, const void *src, size_t bytes)
{
    BUG_ON(bytes > out->size - out->bytes);
    if (bytes > 0)
        memcpy(out->p + out->bytes, src, bytes);
    out->bytes += bytes;
}

static void
emit_text(struct stub_out *out, const char *text)
{
    stub_emit(out, text, strlen(text));
}

/* Header of a binary reply. */
static void
put_header(struct stub_out *out, const struct stub_request *r, uint16_t status,
           size_t key_bytes, size_t rest)
{
    unsigned char h[STUB_HEADER_BYTES] = {0x81, r->opcode};
    bool value = status == 0 && r->wants_value && !query_is_counter(r->kind);
    uint32_t body = htobe32((uint32_t)(key_bytes + rest));
    uint32_t opaque = htobe32(r->opaque);
    uint64_t cas = htobe64(r->cas);

    h[2] = (unsigned char)(key_bytes >> 8);
    h[3] = (unsigned char)key_bytes;
    h[4] = value ? 4 : 0;
    h[6] = (unsigned char)(status >> 8);
    h[7] = (unsigned char)status;
    memcpy(h + 8, &body, sizeof(body));
    memcpy(h + 12, &opaque, sizeof(opaque));
    memcpy(h + 16, &cas, sizeof(cas));
    stub_emit(out, h, sizeof(h));
}

void
stub_put_value_head(struct stub_out *out, const struct stub_request *r,
                    const struct stub_value_head *head)
{
    size_t key_bytes = r->wants_key ? head->name_len : 0;
    struct stub_request with_cas = *r;
    char line[400];
    char cas[32] = "";
    char flags[16] = "";
    uint32_t big_flags = htobe32(head->flags);
    int n = 0;

    switch (r->protocol) {
    case STUB_TEXT:
        if (r->wants_cas)
            (void)snprintf(cas, sizeof(cas), " %" PRIu64, head->cas);
        n = snprintf(line, sizeof(line), "VALUE %.*s %u %zu%s\r\n", (int)head->name_len,
                     head->name, head->flags, head->bytes, cas);
        break;
    case STUB_META:
        if (r->wants_cas)
            (void)snprintf(cas, sizeof(cas), " c%" PRIu64, head->cas);
        if (r->wants_flags)
            (void)snprintf(flags, sizeof(flags), " f%u", head->flags);
        n = snprintf(line, sizeof(line), "VA %zu%s%s%.*s%s\r\n", head->bytes, flags,
                     r->wants_key ? " k" : "", (int)key_bytes, head->name, cas);
        break;
    case STUB_BINARY:
        with_cas.cas = head->cas;
        put_header(out, &with_cas, 0, key_bytes, 4 + head->bytes);
        stub_emit(out, &big_flags, sizeof(big_flags));
        stub_emit(out, head->name, key_bytes);
        return;
    }
    stub_emit(out, line, (size_t)n);
}

void
stub_put_value_end(struct stub_out *out, const struct stub_request *r)
{
    if (r->protocol != STUB_BINARY)
        emit_text(out, "\r\n");
}

static const char *
text_of(enum stub_status status, enum query_kind kind)
{
    switch (status) {
    case STUB_DONE:
        return kind == QUERY_DELETE  ? "DELETED\r\n"
               : kind == QUERY_TOUCH ? "TOUCHED\r\n"
               : kind == QUERY_NOOP  ? "VERSION 1.6.0\r\n"
                                     : "STORED\r\n";
    case STUB_NOT_STORED: return "NOT_STORED\r\n";
    case STUB_EXISTS: return "EXISTS\r\n";
    case STUB_NOT_FOUND: return "NOT_FOUND\r\n";
    case STUB_FAILED: return "SERVER_ERROR on purpose\r\n";
    }
    BUG("stub_status out of range");
}

static const char *
meta_of(enum stub_status status, const struct stub_request *r)
{
    bool read = r->kind == QUERY_GET || r->kind == QUERY_GAT || r->kind == QUERY_TOUCH;

    switch (status) {
    case STUB_DONE: return r->kind == QUERY_NOOP ? "MN\r\n" : r->quiet ? "" : "HD\r\n";
    case STUB_NOT_STORED: return "NS\r\n";
    case STUB_EXISTS: return "EX\r\n";
    case STUB_NOT_FOUND: return !read ? "NF\r\n" : r->quiet ? "" : "EN\r\n";
    case STUB_FAILED: return "SERVER_ERROR on purpose\r\n";
    }
    BUG("stub_status out of range");
}

static void
put_binary_status(struct stub_out *out, const struct stub_request *r, enum stub_status status)
{
    static const struct {
        uint16_t status;
        const char *text;
    } table[] = {{0, ""},
                 {5, "Not stored."},
                 {2, "Data exists for key."},
                 {1, "Not found"},
                 {0x84, "on purpose"}};
    const char *text = table[status].text;
    struct stub_request plain = *r;

    if (r->quiet && (status == STUB_DONE || (status == STUB_NOT_FOUND && r->kind == QUERY_GET)))
        return;
    plain.wants_value = false;
    put_header(out, &plain, table[status].status, 0, strlen(text));
    emit_text(out, text);
}

void
stub_put_status(struct stub_out *out, const struct stub_request *r, enum stub_status status)
{
    switch (r->protocol) {
    case STUB_TEXT:
        if (!r->quiet)
            emit_text(out, text_of(status, r->kind));
        return;
    case STUB_META: emit_text(out, meta_of(status, r)); return;
    case STUB_BINARY: put_binary_status(out, r, status); return;
    }
}

void
stub_put_get_end(struct stub_out *out, const struct stub_request *r, bool found)
{
    if (r->protocol == STUB_TEXT)
        emit_text(out, "END\r\n");
    else if (!found)
        stub_put_status(out, r, STUB_NOT_FOUND);
}

void
stub_put_number(struct stub_out *out, const struct stub_request *r, uint64_t v)
{
    uint64_t big = htobe64(v);
    char text[32];
    int n = snprintf(text, sizeof(text), "%" PRIu64, v);

    switch (r->protocol) {
    case STUB_TEXT:
        if (r->quiet)
            return;
        stub_emit(out, text, (size_t)n);
        emit_text(out, "\r\n");
        return;
    case STUB_META:
        if (!r->wants_value) {
            stub_put_status(out, r, STUB_DONE);
            return;
        }
        stub_put_value_head(out, r, &(struct stub_value_head){.name = "", .bytes = (size_t)n});
        stub_emit(out, text, (size_t)n);
        emit_text(out, "\r\n");
        return;
    case STUB_BINARY:
        put_header(out, r, 0, 0, sizeof(big));
        stub_emit(out, &big, sizeof(big));
        return;
    }
}
