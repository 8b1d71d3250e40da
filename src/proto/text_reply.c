#include "lombard/base/stats.h"
#include "lombard/proto/text.h"

#include <string.h>

#include "lombard/base/num.h"
#include "lombard/proto/meta.h"

#include "text_priv.h"

/* Answers that are one constant line. */
static struct slice
constant_line(enum reply_status status)
{
    switch (status) {
    case REPLY_STORED: return SLICE("STORED\r\n");
    case REPLY_NOT_STORED: return SLICE("NOT_STORED\r\n");
    case REPLY_EXISTS: return SLICE("EXISTS\r\n");
    case REPLY_NOT_FOUND: return SLICE("NOT_FOUND\r\n");
    case REPLY_DELETED: return SLICE("DELETED\r\n");
    case REPLY_TOUCHED: return SLICE("TOUCHED\r\n");
    case REPLY_OK: return SLICE("OK\r\n");
    case REPLY_RESET: return SLICE("RESET\r\n");
    case REPLY_VERSION: return SLICE("VERSION " PROTO_VERSION "\r\n");
    case REPLY_NOOP: return SLICE("MN\r\n");
    case REPLY_NON_NUMERIC:
        return SLICE("CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
    case REPLY_TOO_LARGE: return SLICE("SERVER_ERROR object too large for cache\r\n");
    case REPLY_BAD_CHUNK: return SLICE("CLIENT_ERROR bad data chunk\r\n");
    case REPLY_OUT_OF_MEMORY: return SLICE("SERVER_ERROR out of memory storing object\r\n");
    case REPLY_BAD_MODE: return SLICE("CLIENT_ERROR invalid shutdown mode\r\n");
    case REPLY_NO_STATS: return REFUSE_ERROR;
    case REPLY_SHUTDOWN_OFF: return SLICE("SERVER_ERROR: shutdown not enabled\r\n");
    case REPLY_FLUSH_OFF: return SLICE("CLIENT_ERROR flush_all not allowed\r\n");
    case REPLY_DUMP_OFF: return SLICE("ERROR metadump not allowed\r\n");
    case REPLY_CACHEDUMP_OFF: return SLICE("CLIENT_ERROR stats cachedump not allowed\r\n");
    case REPLY_INTERNAL: return SLICE("SERVER_ERROR internal error\r\n");
    case REPLY_NOTHING:
    case REPLY_HIT:
    case REPLY_MISS:
    case REPLY_NUMBER:
    case REPLY_DEBUG:
    case REPLY_STREAM:
    case REPLY_JOIN:
    case REPLY_REFUSED: break;
    }
    return slice_make(NULL, 0);
}

static inline size_t
put_slice(char *dst, struct slice s)
{
    if (s.len > 0)
        memcpy(dst, s.ptr, s.len);
    return s.len;
}

size_t
text_put_constant(char *dst, enum reply_status status)
{
    return put_slice(dst, constant_line(status));
}

/* VALUE <key> <flags> <bytes>[ <cas>]\r\n */
static size_t
put_value_line(const struct request *req, const struct reply_item *item, char *dst)
{
    char *p = dst;

    memcpy(p, "VALUE ", 6);
    p += 6;
    p += put_slice(p, req->key);
    *p++ = ' ';
    p += num_format_u64(p, item->client_flags);
    *p++ = ' ';
    p += num_format_u64(p, item->value_bytes);
    if ((req->flags & REQ_WITH_CAS) != 0) {
        *p++ = ' ';
        p += num_format_u64(p, item->cas);
    }
    *p++ = '\r';
    *p++ = '\n';
    return (size_t)(p - dst);
}

static size_t
put_number_line(uint64_t number, char *dst)
{
    size_t n = num_format_u64(dst, number);

    memcpy(dst + n, "\r\n", 2);
    return n + 2;
}

size_t
text_reply_head(const struct request *req, const struct reply *reply, char *dst)
{
    if (UNLIKELY((req->flags & REQ_META) != 0))
        return meta_reply_head(req, reply, dst);
    if (LIKELY(reply->status == REPLY_HIT))
        return put_value_line(req, &reply->item, dst);
    if ((req->flags & REQ_QUIET) != 0)
        return 0;
    if (reply->status == REPLY_NUMBER)
        return put_number_line(reply->number, dst);
    /* gat: other keys' values may follow, and where an error ends the reply they would be lost. */
    if (reply->status == REPLY_OUT_OF_MEMORY && req->op == OP_GAT)
        return 0;
    if (reply->status == REPLY_REFUSED)
        return put_slice(dst, req->refusal);
    if (reply->status == REPLY_DUMP_OFF && (req->flags & REQ_MGDUMP) != 0)
        return put_slice(dst, SLICE("ERROR key dump not allowed\r\n"));
    return text_put_constant(dst, reply->status);
}

bool
text_reply_has_value(const struct request *req, const struct reply *reply)
{
    if (UNLIKELY((req->flags & REQ_META) != 0))
        return meta_reply_has_value(req, reply);
    return reply->status == REPLY_HIT;
}

struct slice
text_reply_tail(const struct request *req, const struct reply *reply)
{
    bool last = (req->flags & REQ_LAST) != 0;

    if (UNLIKELY((req->flags & REQ_META) != 0))
        return meta_reply_has_value(req, reply) ? SLICE("\r\n") : slice_make(NULL, 0);
    switch (reply->status) {
    case REPLY_HIT: return last ? SLICE("\r\nEND\r\n") : SLICE("\r\n");
    case REPLY_OUT_OF_MEMORY:
    case REPLY_MISS: return last ? SLICE("END\r\n") : slice_make(NULL, 0);
    case REPLY_NOTHING:
    case REPLY_STORED:
    case REPLY_NOT_STORED:
    case REPLY_EXISTS:
    case REPLY_NOT_FOUND:
    case REPLY_DELETED:
    case REPLY_TOUCHED:
    case REPLY_NUMBER:
    case REPLY_OK:
    case REPLY_RESET:
    case REPLY_VERSION:
    case REPLY_NOOP:
    case REPLY_DEBUG:
    case REPLY_NON_NUMERIC:
    case REPLY_TOO_LARGE:
    case REPLY_BAD_CHUNK:
    case REPLY_BAD_MODE:
    case REPLY_NO_STATS:
    case REPLY_SHUTDOWN_OFF:
    case REPLY_STREAM:
    case REPLY_REFUSED:
    case REPLY_FLUSH_OFF:
    case REPLY_DUMP_OFF:
    case REPLY_CACHEDUMP_OFF:
    case REPLY_INTERNAL:
    case REPLY_JOIN: break;
    }
    return slice_make(NULL, 0);
}

size_t
text_stat_line(const char *name, const char *value, char *dst)
{
    char *p = dst;

    p += put_slice(p, SLICE("STAT "));
    p += put_slice(p, slice_make(name, strnlen(name, STAT_NAME_BYTES)));
    *p++ = ' ';
    p += put_slice(p, slice_make(value, strnlen(value, STAT_VALUE_BYTES)));
    p += put_slice(p, SLICE("\r\n"));
    return (size_t)(p - dst);
}

struct slice
text_stream_end(const struct request *req)
{
    return (req->flags & REQ_MGDUMP) != 0 ? SLICE("EN\r\n") : SLICE("END\r\n");
}
