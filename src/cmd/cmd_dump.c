/*
 * Listings of what is in the cache: lru_crawler metadump and mgdump, stats
 * cachedump. Source: protocol.txt, "LRU_Crawler", and memcached's own output.
 */
#include <string.h>

#include "lombard/base/num.h"

#include "cmd_priv.h"

void
cmd_dump(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    if (cmd->config.dump_enabled) {
        reply->status = REPLY_STREAM;
        reply->stream = STREAM_LINES;
    } else {
        reply->status = req->op == OP_STATS ? REPLY_CACHEDUMP_OFF : REPLY_DUMP_OFF;
    }
}

static char *
put(char *p, struct slice s)
{
    if (s.len > 0)
        memcpy(p, s.ptr, s.len);
    return p + s.len;
}

static char *
put_i64(char *p, struct slice name, int64_t number)
{
    p = put(p, name);
    return p + num_format_i64(p, number);
}

static bool
is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

/* A key as in a URI (RFC 3986, 2.1): up to three bytes a byte. */
static char *
put_uri(char *p, struct slice key)
{
    static const char hex[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                 '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'};

    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char)key.ptr[i];

        if (is_unreserved(key.ptr[i])) {
            *p++ = key.ptr[i];
            continue;
        }
        *p++ = '%';
        *p++ = hex[c >> 4];
        *p++ = hex[c & 15];
    }
    return p;
}

/* A second of the cache as one of the epoch. */
static int64_t
unix_s(const struct cmd *cmd, uint32_t s)
{
    return cmd->clock->start_unix_s + (int64_t)s - CLOCK_EPOCH_S;
}

/*
 * key=<uri> exp=<unix|-1> la=<unix> cas=<cas> fetch=<yes|no> cls=1 size=<bytes> flags=<flags> \n:
 * with that blank in memcached, too.
 */
static size_t
put_metadump(const struct cmd *cmd, const struct item *item, char *dst)
{
    bool never = item->expires_s == STORE_NEVER;
    bool fetched = (item->marks & ITEM_FETCHED) != 0;
    char *p = put_uri(put(dst, SLICE("key=")), item->key);

    p = put_i64(p, SLICE(" exp="), never ? -1 : unix_s(cmd, item->expires_s));
    p = put_i64(p, SLICE(" la="), unix_s(cmd, item->accessed_s));
    p = put(p, SLICE(" cas="));
    p += num_format_u64(p, item->cas);
    p = put(p, fetched ? SLICE(" fetch=yes") : SLICE(" fetch=no"));
    p = put_i64(p, SLICE(" cls=1 size="), (int64_t)(item->key.len + item->value_bytes));
    p = put_i64(p, SLICE(" flags="), item->client_flags);
    p = put(p, SLICE(" \n"));
    return (size_t)(p - dst);
}

/* Whether no line could hold this key: it was sent in base64, or by the binary protocol. */
static bool
is_binary(struct slice key)
{
    for (size_t i = 0; i < key.len; i++)
        if ((unsigned char)key.ptr[i] <= ' ' || key.ptr[i] == 0x7f)
            return true;
    return false;
}

/* RFC 4648, section 4. */
static char *
put_base64(char *p, struct slice key)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < key.len; i += 3) {
        size_t left = key.len - i;
        uint32_t bits = 0;

        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < left ? (unsigned char)key.ptr[i + j] : 0);
        *p++ = alphabet[bits >> 18 & 63];
        *p++ = alphabet[bits >> 12 & 63];
        *p++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        *p++ = left > 2 ? alphabet[bits & 63] : '=';
    }
    return p;
}

/* mg <key>[ b]\r\n: to be sent back as it is */
static size_t
put_mgdump(const struct item *item, char *dst)
{
    char *p = put(dst, SLICE("mg "));

    if (is_binary(item->key))
        p = put(put_base64(p, item->key), SLICE(" b\r\n"));
    else
        p = put(put(p, item->key), SLICE("\r\n"));
    return (size_t)(p - dst);
}

/* ITEM <key> [<bytes> b; <unix> s]\r\n */
static size_t
put_cachedump(const struct cmd *cmd, const struct item *item, char *dst)
{
    bool never = item->expires_s == STORE_NEVER;
    char *p = put(dst, SLICE("ITEM "));

    /* What would break the line is shown as metadump shows it. */
    p = is_binary(item->key) ? put_uri(p, item->key) : put(p, item->key);
    p = put_i64(p, SLICE(" ["), (int64_t)item->value_bytes);
    p = put_i64(p, SLICE(" b; "), never ? 0 : unix_s(cmd, item->expires_s));
    p = put(p, SLICE(" s]\r\n"));
    return (size_t)(p - dst);
}

static size_t
put_line(const struct cmd *cmd, enum stream_of kind, const struct item *item, char *dst)
{
    switch (kind) {
    case STREAM_OF_STATS: break;
    case STREAM_OF_METADUMP: return put_metadump(cmd, item, dst);
    case STREAM_OF_MGDUMP: return put_mgdump(item, dst);
    case STREAM_OF_CACHEDUMP: return put_cachedump(cmd, item, dst);
    }
    BUG("stream kind out of range");
}

enum line_result
cmd_stream_line(struct cmd *cmd, struct cmd_stream *stream, char *dst, size_t *len)
{
    struct item item;

    if (stream->kind == STREAM_OF_CACHEDUMP && stream->left == 0)
        return LINE_END;
    if (!stream->begun && stream->kind != STREAM_OF_CACHEDUMP) {
        stream->begun = true;
        *len = (size_t)(put(dst, SLICE("OK\r\n")) - dst);
        return LINE_READY;
    }
    switch (store_next(cmd->store, &stream->cursor, &item)) {
    case WALK_ITEM:
        stream->left -= stream->kind == STREAM_OF_CACHEDUMP;
        *len = put_line(cmd, (enum stream_of)stream->kind, &item, dst);
        return LINE_READY;
    case WALK_ON: return LINE_LATER;
    case WALK_END: return LINE_END;
    }
    BUG("walk_result out of range");
}
