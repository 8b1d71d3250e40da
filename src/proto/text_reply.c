/* Formats replies to the classic commands of the text protocol. */
#include "lombard/base/put.h"
#include "text_priv.h"

#define CRLF      SLICE("\r\n")
#define END_LINE  SLICE("END\r\n")
#define VALUE_END "\r\nEND\r\n"

/* VALUE <key> <flags> <bytes>[ <cas>]\r\n */
static inline char *
put_value_line(char *p, const struct request *req, const struct reply_item *item)
{
    p = put_slice(p, SLICE("VALUE "));
    p = put_byte(put_short(p, req->key), ' ');
    p = put_byte(put_u64(p, item->client_flags), ' ');
    p = put_u64(p, item->value_bytes);
    if ((req->flags & REQ_WITH_CAS) != 0)
        p = put_u64(put_byte(p, ' '), item->cas);
    return put_slice(p, CRLF);
}

/* What ends a multiget, behind its last key. */
static char *
put_get_end(char *p, const struct request *req)
{
    return (req->flags & REQ_LAST) != 0 ? put_slice(p, END_LINE) : p;
}

/* The text of a command's own; what it is of, if that is not clear. */
static char *
put_text(char *p, const struct request *req, const struct reply *reply)
{
    if (req->op == OP_VERSION)
        p = put_slice(p, SLICE("VERSION "));
    return put_slice(put_slice(p, slice_make(reply->text, reply->text_bytes)), CRLF);
}

static struct slice
dump_off(enum request_op op)
{
    if (op == OP_DETAIL)
        return SLICE("CLIENT_ERROR stats detail not allowed\r\n");
    if (op == OP_STATS)
        return SLICE("CLIENT_ERROR statistics of keys not allowed\r\n");
    if (op == OP_DUMP_CLASS)
        return SLICE("CLIENT_ERROR stats cachedump not allowed\r\n");
    return op == OP_DUMP_KEYS ? SLICE("ERROR key dump not allowed\r\n")
                              : SLICE("ERROR metadump not allowed\r\n");
}

/* As memcached says it, and what would do. */
static char *
put_limit_off(char *p, const struct request *req, const struct reply *reply)
{
    p = put_slice(p, SLICE("MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust: at "));
    p = put_slice(p, req->delta < reply->number ? SLICE("least ") : SLICE("most "));
    return put_slice(put_u64(p, reply->number), SLICE("m\r\n"));
}

char *
text_put_line(char *p, const struct request *req, const struct reply *reply)
{
    switch (reply->status) {
    case REPLY_HIT: return put_value_line(p, req, &reply->item);
    case REPLY_MISS: return put_get_end(p, req);
    case REPLY_STORED: return put_slice(p, SLICE("STORED\r\n"));
    case REPLY_NOT_STORED: return put_slice(p, SLICE("NOT_STORED\r\n"));
    case REPLY_EXISTS: return put_slice(p, SLICE("EXISTS\r\n"));
    case REPLY_NOT_FOUND: return put_slice(p, SLICE("NOT_FOUND\r\n"));
    case REPLY_DELETED: return put_slice(p, SLICE("DELETED\r\n"));
    case REPLY_TOUCHED: return put_slice(p, SLICE("TOUCHED\r\n"));
    case REPLY_NUMBER: return put_slice(put_u64(p, reply->number), CRLF);
    case REPLY_OK: return put_slice(p, SLICE("OK\r\n"));
    case REPLY_RESET: return put_slice(p, SLICE("RESET\r\n"));
    case REPLY_TEXT: return put_text(p, req, reply);
    case REPLY_NOOP: return put_slice(p, SLICE("MN\r\n"));
    case REPLY_NON_NUMERIC:
        return put_slice(
            p, SLICE("CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"));
    case REPLY_TOO_LARGE:
        return put_slice(p, SLICE("SERVER_ERROR object too large for cache\r\n"));
    case REPLY_BAD_CHUNK:
        if (req->op == OP_AUTH)
            return put_slice(p, SLICE("CLIENT_ERROR bad command line termination\r\n"));
        return put_slice(p, SLICE("CLIENT_ERROR bad data chunk\r\n"));
    case REPLY_OUT_OF_MEMORY:
        /* Other keys' values may follow, and where an error ends the reply they would be lost. */
        if (req->op == OP_GAT)
            return put_get_end(p, req);
        return put_slice(p, SLICE("SERVER_ERROR out of memory storing object\r\n"));
    case REPLY_BAD_MODE: return put_slice(p, SLICE("CLIENT_ERROR invalid shutdown mode\r\n"));
    case REPLY_NO_STATS: return put_slice(p, REFUSE_ERROR);
    case REPLY_BAD_ARGUMENT: return put_slice(p, REFUSE_BAD_FORMAT);
    case REPLY_SHUTDOWN_OFF:
        return put_slice(p, SLICE("SERVER_ERROR: shutdown not enabled\r\n"));
    case REPLY_FLUSH_OFF: return put_slice(p, SLICE("CLIENT_ERROR flush_all not allowed\r\n"));
    case REPLY_LIMIT_OFF: return put_limit_off(p, req, reply);
    case REPLY_DUMP_OFF: return put_slice(p, dump_off(req->op));
    case REPLY_REFUSED: return put_slice(p, req->refusal);
    case REPLY_DENIED: return put_slice(p, SLICE("CLIENT_ERROR unauthenticated\r\n"));
    case REPLY_BAD_NAME: return put_slice(p, SLICE("CLIENT_ERROR bad client name\r\n"));
    case REPLY_TOO_MANY_NAMES:
        return put_slice(p, SLICE("SERVER_ERROR too many client names\r\n"));
    case REPLY_TOO_MANY_WATCHERS:
        return put_slice(p, SLICE("WATCHER_TOO_MANY log watcher limit reached\r\n"));
    case REPLY_BAD_QUERY:
        return put_slice(p, SLICE("CLIENT_ERROR bad choice of connections\r\n"));
    case REPLY_ADMIN_ONLY:
        if (reply->number > 0)
            return put_slice(p,
                             SLICE("CLIENT_ERROR only allowed on an admin listener, and there "
                                   "is none (--admin)\r\n"));
        return put_slice(p, SLICE("CLIENT_ERROR only allowed on the admin listener\r\n"));
    case REPLY_AUTHENTICATED: return put_slice(p, SLICE("STORED\r\n"));
    case REPLY_AUTH_FAILED:
        return put_slice(p, SLICE("CLIENT_ERROR authentication failure\r\n"));
    case REPLY_AUTH_MALFORMED:
        return put_slice(p, SLICE("CLIENT_ERROR bad authentication token format\r\n"));
    case REPLY_AUTH_OFF: return put_slice(p, REFUSE_ERROR);
    case REPLY_INTERNAL: return put_slice(p, SLICE("SERVER_ERROR internal error\r\n"));
    case REPLY_NOTHING:
    case REPLY_DEBUG:
    case REPLY_STREAM:
    case REPLY_STOPPING:
    case REPLY_JOIN:
    case REPLY_CONN:
    case REPLY_AUTH_CONTINUE: return p;
    }
    BUG("reply_status out of range");
}

_Static_assert(sizeof(VALUE_END) == PROTO_TAIL_BYTES_MAX, "it is copied as a whole");

/* Of VALUE_END, behind a value. */
static inline uint8_t
value_end_bytes(const struct request *req)
{
    return (req->flags & REQ_LAST) != 0 ? sizeof(VALUE_END) - 1 : 2;
}

size_t
text_short_hit(const struct request *req, const struct reply_item *item, char *dst)
{
    char *p = put_short(put_value_line(dst, req, item), item->value);

    memcpy(p, VALUE_END, sizeof(VALUE_END));
    return (size_t)(p - dst) + value_end_bytes(req);
}

MERGED struct reply_parts
text_reply_hit(const struct request *req, const struct reply_item *item, char *dst)
{
    struct reply_parts parts;

    parts.head_bytes = (uint32_t)(put_value_line(dst, req, item) - dst);
    parts.has_value = true;
    memcpy(parts.tail, VALUE_END, sizeof(parts.tail));
    parts.tail_bytes = value_end_bytes(req);
    return parts;
}

struct reply_parts
text_reply_other(const struct request *req, const struct reply *reply, char *dst)
{
    struct reply_parts parts = {.head_bytes = 0};

    if ((req->flags & REQ_QUIET) == 0)
        parts.head_bytes = (uint32_t)(text_put_line(dst, req, reply) - dst);
    return parts;
}
