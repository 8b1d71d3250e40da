/* Formats the packets of the binary protocol. */
#include "lombard/base/put.h"
#include "lombard/base/stats.h"
#include "mcbp_priv.h"
#include "prefix_priv.h"

/* What a reply consists of, before its header is written. */
struct packet {
    enum mcbp_status status;
    uint64_t cas;
    struct slice extras;
    struct slice key;     /* key_len counts it */
    struct slice body;    /* formatted as well */
    uint64_t value_bytes; /* follow from the store */
};

static size_t
put_packet(const struct request *req, const struct packet *packet, char *dst)
{
    uint64_t body_bytes =
        packet->extras.len + packet->key.len + packet->body.len + packet->value_bytes;
    char *p;

    dst[0] = (char)MCBP_MAGIC_REPLY;
    dst[1] = (char)req->echo.binary.opcode;
    store_be16(dst + 2, (uint16_t)packet->key.len);
    dst[4] = (char)packet->extras.len;
    dst[5] = 0; /* data type: raw bytes */
    store_be16(dst + 6, (uint16_t)packet->status);
    store_be32(dst + 8, (uint32_t)body_bytes);
    store_be32(dst + 12, req->echo.binary.opaque);
    store_be64(dst + 16, packet->cas);
    p = put_slice(dst + MCBP_HEADER_BYTES, packet->extras);
    p = put_slice(p, packet->key);
    p = put_slice(p, packet->body);
    return (size_t)(p - dst);
}

static struct slice
message_of(enum mcbp_status status)
{
    switch (status) {
    case MCBP_SUCCESS: break;
    case MCBP_KEY_ENOENT: return SLICE("Not found");
    case MCBP_KEY_EEXISTS: return SLICE("Data exists for key.");
    case MCBP_E2BIG: return SLICE("Too large.");
    case MCBP_EINVAL: return SLICE("Invalid arguments");
    case MCBP_NOT_STORED: return SLICE("Not stored.");
    case MCBP_DELTA_BADVAL: return SLICE("Non-numeric server-side value for incr or decr");
    case MCBP_AUTH_ERROR: return SLICE("Auth failure.");
    case MCBP_AUTH_CONTINUE: break;
    case MCBP_EACCESS: return SLICE("No access.");
    case MCBP_UNKNOWN_COMMAND: return SLICE("Unknown command");
    case MCBP_ENOMEM: return SLICE("Out of memory");
    case MCBP_EINTERNAL: return SLICE("Internal error");
    }
    return slice_make(NULL, 0);
}

/* Why nothing was stored depends on what was wanted. */
static enum mcbp_status
status_of_not_stored(const struct request *req)
{
    switch (req->echo.binary.opcode) {
    case MCBP_ADD:
    case MCBP_ADDQ: return MCBP_KEY_EEXISTS;
    case MCBP_REPLACE:
    case MCBP_REPLACEQ: return MCBP_KEY_ENOENT;
    default: return MCBP_NOT_STORED;
    }
}

static enum mcbp_status
status_of(const struct request *req, const struct reply *reply)
{
    switch (reply->status) {
    case REPLY_NOTHING:
    case REPLY_HIT:
    case REPLY_STORED:
    case REPLY_DELETED:
    case REPLY_TOUCHED:
    case REPLY_NUMBER:
    case REPLY_OK:
    case REPLY_RESET:
    case REPLY_TEXT:
    case REPLY_NOOP:
    case REPLY_DEBUG:
    case REPLY_STREAM:
    case REPLY_JOIN:
    case REPLY_CONN:
    case REPLY_AUTHENTICATED: return MCBP_SUCCESS;
    case REPLY_AUTH_CONTINUE: return MCBP_AUTH_CONTINUE;
    case REPLY_AUTH_OFF: return MCBP_UNKNOWN_COMMAND;
    case REPLY_MISS:
    case REPLY_NOT_FOUND:
    case REPLY_NO_STATS: return MCBP_KEY_ENOENT;
    case REPLY_NOT_STORED: return status_of_not_stored(req);
    case REPLY_EXISTS: return MCBP_KEY_EEXISTS;
    case REPLY_NON_NUMERIC: return MCBP_DELTA_BADVAL;
    case REPLY_TOO_LARGE: return MCBP_E2BIG;
    case REPLY_OUT_OF_MEMORY: return MCBP_ENOMEM;
    case REPLY_FLUSH_OFF:
    case REPLY_DUMP_OFF:
    case REPLY_SHUTDOWN_OFF:
    case REPLY_DENIED:
    case REPLY_AUTH_FAILED:
    case REPLY_AUTH_MALFORMED: return MCBP_AUTH_ERROR;
    case REPLY_BAD_CHUNK:
    case REPLY_BAD_NAME:
    case REPLY_BAD_QUERY:
    case REPLY_BAD_ARGUMENT:
    case REPLY_LIMIT_OFF:
    case REPLY_BAD_MODE: return MCBP_EINVAL;
    case REPLY_TOO_MANY_WATCHERS:
    case REPLY_TOO_MANY_NAMES: return MCBP_ENOMEM;
    case REPLY_ADMIN_ONLY: return MCBP_EACCESS;
    case REPLY_STOPPING:
    case REPLY_INTERNAL: return MCBP_EINTERNAL;
    case REPLY_REFUSED: return (enum mcbp_status)req->echo.binary.refusal_status;
    }
    return MCBP_EINVAL;
}

/* What a quiet command does not say: a miss of a get, the success of all others. */
static bool
is_hidden(const struct request *req, const struct reply *reply, enum mcbp_status status)
{
    if ((req->flags & REQ_QUIET) == 0)
        return reply->status == REPLY_NOTHING;
    if (op_has(req->op, PROP_READS))
        return reply->status == REPLY_MISS;
    return status == MCBP_SUCCESS;
}

static size_t
put_hit(const struct request *req, const struct reply_item *item, char *dst)
{
    char extras[4];
    struct packet packet = {
        .status = MCBP_SUCCESS,
        .cas = item->cas,
        .extras = {extras, sizeof(extras)},
        .value_bytes = item->value_bytes,
    };

    store_be32(extras, item->client_flags);
    if ((req->flags & REQ_WITH_KEY) != 0)
        packet.key = req->key;
    return put_packet(req, &packet, dst);
}

/* As memcached has it: the client flags come with it, as in a get without a value. */
static size_t
put_touched(const struct request *req, const struct reply *reply, char *dst)
{
    char extras[4];
    struct packet packet = {.cas = reply->cas, .extras = {extras, sizeof(extras)}};

    store_be32(extras, reply->item.client_flags);
    return put_packet(req, &packet, dst);
}

static size_t
put_number(const struct request *req, const struct reply *reply, char *dst)
{
    char number[8];
    struct packet packet = {.cas = reply->cas, .body = {number, sizeof(number)}};

    store_be64(number, reply->number);
    return put_packet(req, &packet, dst);
}

static size_t
put_failure(const struct request *req, enum mcbp_status status, char *dst)
{
    struct packet packet = {.status = status, .body = message_of(status)};

    /* A miss that says which key it was says nothing else. */
    if ((req->flags & REQ_WITH_KEY) != 0 && status == MCBP_KEY_ENOENT) {
        packet.key = req->key;
        packet.body = slice_make(NULL, 0);
    }
    return put_packet(req, &packet, dst);
}

static size_t
put_success(const struct request *req, const struct reply *reply, char *dst)
{
    struct packet packet = {.cas = reply->cas};

    if (reply->status == REPLY_TEXT)
        packet.body = slice_make(reply->text, reply->text_bytes);
    if (reply->status == REPLY_AUTHENTICATED)
        packet.body = SLICE("Authenticated");
    return put_packet(req, &packet, dst);
}

/* A reply that is no hit. */
static size_t
put_reply(const struct request *req, const struct reply *reply, char *dst)
{
    enum mcbp_status status = status_of(req, reply);

    if (is_hidden(req, reply, status))
        return 0;
    if (status != MCBP_SUCCESS)
        return put_failure(req, status, dst);
    if (reply->status == REPLY_TOUCHED)
        return put_touched(req, reply, dst);
    if (reply->status == REPLY_NUMBER)
        return put_number(req, reply, dst);
    return put_success(req, reply, dst);
}

struct reply_parts
mcbp_reply(const struct request *req, const struct reply *reply, char *dst)
{
    struct reply_parts parts = {.has_value = reply->status == REPLY_HIT};
    size_t head_bytes;

    head_bytes =
        LIKELY(parts.has_value) ? put_hit(req, &reply->item, dst) : put_reply(req, reply, dst);
    parts.head_bytes = (uint32_t)head_bytes;
    return parts;
}

size_t
mcbp_stream_begin(const struct request *req, uint32_t piece, char *dst)
{
    (void)req;
    (void)piece;
    (void)dst;
    return 0;
}

size_t
mcbp_stat_line(const struct request *req, const char *name, const char *value, char *dst)
{
    struct packet packet = {
        .key = {name, strnlen(name, STAT_NAME_BYTES)},
        .body = {value, strnlen(value, STAT_VALUE_BYTES)},
    };

    return put_packet(req, &packet, dst);
}

/* As a statistic: the key, and how many bytes its value has. No request asks for one so far. */
size_t
mcbp_dump_line(const struct request *req, const struct dump_item *item, char *dst)
{
    char bytes[NUM_U64_DIGITS_MAX];
    struct packet packet = {
        .key = item->key,
        .body = {bytes, num_format_u64(bytes, item->value_bytes)},
    };

    return put_packet(req, &packet, dst);
}

/* As a statistic; all of a dump in one, as memcached has it, could be of any length. */
size_t
mcbp_prefix_line(const struct request *req, const struct prefix_line *line, char *dst)
{
    char text[PROTO_LINE_BYTES_MAX / 2];
    char *p = put_prefix(text, line);
    struct packet packet = {.key = SLICE("detailed"), .body = {text, (size_t)(p - text)}};

    return put_packet(req, &packet, dst);
}

size_t
mcbp_stream_end(const struct request *req, uint32_t piece, char *dst)
{
    return piece == 0 ? put_packet(req, &(struct packet){.status = MCBP_SUCCESS}, dst) : 0;
}
