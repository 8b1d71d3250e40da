/*
 * Formats what comes line by line: statistics, and listings of all items. Source: protocol.txt,
 * "LRU_Crawler", and memcached's own output.
 */
#include <string.h>

#include "base64_priv.h"
#include "lombard/base/put.h"
#include "lombard/base/stats.h"
#include "prefix_priv.h"
#include "text_priv.h"

size_t
text_stream_begin(const struct request *req, uint32_t piece, char *dst)
{
    char *p = dst;

    if (piece == 0 && (req->op == OP_DUMP || req->op == OP_DUMP_KEYS))
        p = put_slice(p, SLICE("OK\r\n"));
    return (size_t)(p - dst);
}

size_t
text_stat_line(const struct request *req, const char *name, const char *value, char *dst)
{
    char *p = put_slice(dst, SLICE("STAT "));

    (void)req;
    p = put_slice(p, slice_make(name, strnlen(name, STAT_NAME_BYTES)));
    p = put_byte(p, ' ');
    p = put_slice(p, slice_make(value, strnlen(value, STAT_VALUE_BYTES)));
    p = put_slice(p, SLICE("\r\n"));
    return (size_t)(p - dst);
}

size_t
text_stream_end(const struct request *req, uint32_t piece, char *dst)
{
    struct slice end = req->op == OP_DUMP_KEYS ? SLICE("EN\r\n") : SLICE("END\r\n");

    return piece == 0 ? (size_t)(put_slice(dst, end) - dst) : 0;
}

/* --- Dumps --- */

enum { URI_BYTES_MAX = 3 * KEY_BYTES_MAX };

/* Whether no line could hold this key: it was sent in base64, or by the binary protocol. */
static bool
is_binary(struct slice key)
{
    for (size_t i = 0; i < key.len; i++)
        if ((unsigned char)key.ptr[i] <= ' ' || key.ptr[i] == 0x7f)
            return true;
    return false;
}

static char *
put_name_i64(char *p, struct slice name, int64_t number)
{
    return put_i64(put_slice(p, name), number);
}

/*
 * key=<uri> exp=<unix|-1> la=<unix> cas=<cas> fetch=<yes|no> cls=1 size=<bytes> flags=<flags> \n:
 * with that blank in memcached, too.
 */
static char *
put_metadump(char *p, const struct dump_item *item)
{
    p = put_uri(put_slice(p, SLICE("key=")), item->key);
    p = put_name_i64(p, SLICE(" exp="), item->expires_unix_s);
    p = put_name_i64(p, SLICE(" la="), item->accessed_unix_s);
    p = put_u64(put_slice(p, SLICE(" cas=")), item->cas);
    p = put_slice(p, item->was_hit ? SLICE(" fetch=yes") : SLICE(" fetch=no"));
    p = put_name_i64(p, SLICE(" cls=1 size="), (int64_t)(item->key.len + item->value_bytes));
    p = put_name_i64(p, SLICE(" flags="), item->client_flags);
    return put_slice(p, SLICE(" \n"));
}

/* mg <key>[ b]\r\n: to be sent back as it is */
static char *
put_mgdump(char *p, const struct dump_item *item)
{
    p = put_slice(p, SLICE("mg "));
    if (!is_binary(item->key))
        return put_slice(put_slice(p, item->key), SLICE("\r\n"));
    return put_slice(p + base64_encode(p, item->key), SLICE(" b\r\n"));
}

/* ITEM <key> [<bytes> b; <unix> s]\r\n */
static char *
put_cachedump(char *p, const struct dump_item *item)
{
    bool never = item->expires_unix_s < 0;

    p = put_slice(p, SLICE("ITEM "));
    /* What would break the line is shown as metadump shows it. */
    p = is_binary(item->key) ? put_uri(p, item->key) : put_slice(p, item->key);
    p = put_name_i64(p, SLICE(" ["), (int64_t)item->value_bytes);
    p = put_name_i64(p, SLICE(" b; "), never ? 0 : item->expires_unix_s);
    return put_slice(p, SLICE(" s]\r\n"));
}

size_t
text_prefix_line(const struct request *req, const struct prefix_line *line, char *dst)
{
    struct prefix_line shown = *line;
    char name[URI_BYTES_MAX];

    (void)req;
    if (is_binary(line->name)) /* what would break the line */
        shown.name = slice_make(name, (size_t)(put_uri(name, line->name) - name));
    return (size_t)(put_prefix(dst, &shown) - dst);
}

size_t
text_dump_line(const struct request *req, const struct dump_item *item, char *dst)
{
    char *p = dst;

    if (req->op == OP_DUMP_KEYS)
        p = put_mgdump(dst, item);
    else if (req->op == OP_DUMP_CLASS)
        p = put_cachedump(dst, item);
    else
        p = put_metadump(dst, item);
    return (size_t)(p - dst);
}
