/* Formats replies to the meta commands, in their form. */
#include <string.h>

#include "base64_priv.h"
#include "lombard/base/put.h"
#include "text_priv.h"

static char *
put_letter(char *p, char letter)
{
    p[0] = ' ';
    p[1] = letter;
    return p + 2;
}

static char *
put_flag_u64(char *p, char letter, uint64_t v)
{
    return put_u64(put_letter(p, letter), v);
}

static char *
put_flag_i64(char *p, char letter, int64_t v)
{
    return put_i64(put_letter(p, letter), v);
}

static char *
put_key(char *p, const struct request *req)
{
    if (req->echo.meta.base64)
        return p + base64_encode(p, req->key);
    return put_slice(p, req->key);
}

/* Flags that any reply gives back: those that name the request. False: not one of them. */
static bool
put_echo(char **p, const struct request *req, struct slice flag)
{
    switch (flag.ptr[0]) {
    case 'O':
        *(*p)++ = ' ';
        *p = put_slice(*p, flag);
        return true;
    case 'k':
        *p = put_key(put_letter(*p, 'k'), req);
        if (req->echo.meta.base64)
            *p = put_slice(*p, SLICE(" b"));
        return true;
    default: return false;
    }
}

/* What mg is asked for of an item. */
static char *
put_item_flag(char *p, const struct reply_item *item, char letter)
{
    switch (letter) {
    case 'c': return put_flag_u64(p, 'c', item->cas);
    case 'f': return put_flag_u64(p, 'f', item->client_flags);
    case 'h': return put_flag_u64(p, 'h', item->was_hit ? 1 : 0);
    case 'l': return put_flag_u64(p, 'l', item->idle_s);
    case 's': return put_flag_u64(p, 's', item->value_bytes);
    case 't': return put_flag_i64(p, 't', item->ttl_s);
    default: return p;
    }
}

/* What ms and ma are asked for of what they stored; where nothing was there is no CAS, and the size is what came. */
static char *
put_change_flag(char *p, const struct request *req, const struct reply *reply, char letter)
{
    bool changed = reply->status == REPLY_STORED || reply->status == REPLY_NUMBER;

    if (letter == 'c')
        return put_flag_u64(p, 'c', changed ? reply->cas : 0);
    if (letter == 't' && req->op == OP_META_ARITH)
        return put_flag_i64(p, 't', reply->item.ttl_s);
    if (letter == 's' && req->op != OP_META_ARITH)
        return put_flag_u64(p, 's', changed ? reply->item.value_bytes : req->value_bytes);
    return p;
}

/* Which of the flags asked for a reply carries. */
enum flags_of { FLAGS_OF_REQUEST, FLAGS_OF_ITEM, FLAGS_OF_CHANGE };

/* Return flags, in the order in which they were asked for. */
static char *
put_flags(char *p, const struct request *req, const struct reply *reply, enum flags_of which)
{
    const char *at = req->echo.meta.flags.ptr;
    const char *end;

    if (req->echo.meta.flags.len == 0)
        return p;
    end = at + req->echo.meta.flags.len;
    while (at < end) {
        const char *stop = memchr(at, ' ', (size_t)(end - at));
        struct slice flag;

        if (stop == NULL)
            stop = end;
        flag = slice_make(at, (size_t)(stop - at));
        at = stop + 1;
        if (flag.len == 0 || put_echo(&p, req, flag))
            continue;
        switch (which) {
        case FLAGS_OF_REQUEST: break;
        case FLAGS_OF_ITEM: p = put_item_flag(p, &reply->item, flag.ptr[0]); break;
        case FLAGS_OF_CHANGE: p = put_change_flag(p, req, reply, flag.ptr[0]); break;
        }
    }
    return p;
}

/* v, unless C names the CAS that the item has: then the client has the value already. */
static bool
shows_value(const struct request *req, const struct reply_item *item)
{
    return req->echo.meta.value && !(req->meta.compares && req->cas == item->cas);
}

/* HD, or VA with the value's length; flags; which client has to recache. */
static char *
put_hit(char *p, const struct request *req, const struct reply *reply)
{
    if (shows_value(req, &reply->item)) {
        p = put_u64(put_slice(p, SLICE("VA ")), reply->item.value_bytes);
    } else {
        p = put_slice(p, SLICE("HD"));
    }
    p = put_flags(p, req, reply, FLAGS_OF_ITEM);
    if (reply->item.already_won)
        p = put_letter(p, 'Z');
    if (reply->item.stale)
        p = put_letter(p, 'X');
    if (reply->item.won)
        p = put_letter(p, 'W');
    return p;
}

/* The number is formatted here: nothing of it has to be kept in the store for that. */
static char *
put_number(char *p, const struct request *req, const struct reply *reply)
{
    char digits[NUM_U64_DIGITS_MAX];
    size_t len;

    if (!req->echo.meta.value)
        return put_flags(put_slice(p, SLICE("HD")), req, reply, FLAGS_OF_CHANGE);
    len = num_format_u64(digits, reply->number);
    p = put_u64(put_slice(p, SLICE("VA ")), len);
    p = put_flags(p, req, reply, FLAGS_OF_CHANGE);
    p = put_slice(p, SLICE("\r\n"));
    return put_slice(p, slice_make(digits, len));
}

/* exp: the seconds left, -1 where there is no end. */
static char *
put_debug(char *p, const struct request *req, const struct reply_item *item)
{
    p = put_key(put_slice(p, SLICE("ME ")), req);
    p = put_i64(put_slice(p, SLICE(" exp=")), item->ttl_s);
    p = put_u64(put_slice(p, SLICE(" la=")), item->idle_s);
    p = put_u64(put_slice(p, SLICE(" cas=")), item->cas);
    p = put_slice(p, item->was_hit ? SLICE(" fetch=yes") : SLICE(" fetch=no"));
    return put_u64(put_slice(p, SLICE(" cls=1 size=")), item->key.len + item->value_bytes);
}

/* The line with its end. What the meta commands have no code for is answered as in classic text. */
static char *
put_line(char *p, const struct request *req, const struct reply *reply)
{
    /* Whatever became of it, a store command answers all that it is asked for. */
    enum flags_of which = op_has(req->op, PROP_STORES) ? FLAGS_OF_CHANGE : FLAGS_OF_REQUEST;

    switch (reply->status) {
    case REPLY_HIT: p = put_hit(p, req, reply); break;
    case REPLY_NUMBER: p = put_number(p, req, reply); break;
    case REPLY_DEBUG: p = put_debug(p, req, &reply->item); break;
    case REPLY_MISS: p = put_flags(put_slice(p, SLICE("EN")), req, reply, which); break;
    case REPLY_STORED:
    case REPLY_DELETED: p = put_flags(put_slice(p, SLICE("HD")), req, reply, which); break;
    case REPLY_NOT_STORED: p = put_flags(put_slice(p, SLICE("NS")), req, reply, which); break;
    case REPLY_EXISTS: p = put_flags(put_slice(p, SLICE("EX")), req, reply, which); break;
    case REPLY_NOT_FOUND: p = put_flags(put_slice(p, SLICE("NF")), req, reply, which); break;
    case REPLY_NOTHING:
    case REPLY_TOUCHED:
    case REPLY_OK:
    case REPLY_RESET:
    case REPLY_TEXT:
    case REPLY_NOOP:
    case REPLY_NON_NUMERIC:
    case REPLY_TOO_LARGE:
    case REPLY_BAD_CHUNK:
    case REPLY_OUT_OF_MEMORY:
    case REPLY_BAD_MODE:
    case REPLY_NO_STATS:
    case REPLY_BAD_ARGUMENT:
    case REPLY_SHUTDOWN_OFF:
    case REPLY_STREAM:
    case REPLY_REFUSED:
    case REPLY_FLUSH_OFF:
    case REPLY_LIMIT_OFF:
    case REPLY_DUMP_OFF:
    case REPLY_DENIED:
    case REPLY_ADMIN_ONLY:
    case REPLY_CONN:
    case REPLY_BAD_NAME:
    case REPLY_TOO_MANY_NAMES:
    case REPLY_TOO_MANY_WATCHERS:
    case REPLY_BAD_QUERY:
    case REPLY_AUTHENTICATED:
    case REPLY_AUTH_FAILED:
    case REPLY_AUTH_MALFORMED:
    case REPLY_AUTH_CONTINUE:
    case REPLY_AUTH_OFF:
    case REPLY_STOPPING:
    case REPLY_INTERNAL:
    case REPLY_JOIN: return text_put_line(p, req, reply);
    }
    return put_slice(p, SLICE("\r\n"));
}

/* What q hides: the answer that is expected, and nothing else. */
static bool
is_hidden(const struct request *req, const struct reply *reply)
{
    if ((req->flags & REQ_QUIET) == 0)
        return false;
    return reply->status == REPLY_MISS || reply->status == REPLY_STORED ||
           reply->status == REPLY_DELETED || reply->status == REPLY_NUMBER;
}

struct reply_parts
meta_reply(const struct request *req, const struct reply *reply, char *dst)
{
    struct reply_parts parts = {.head_bytes = 0};

    if (is_hidden(req, reply))
        return parts;
    parts.head_bytes = (uint32_t)(put_line(dst, req, reply) - dst);
    if (reply->status == REPLY_HIT && shows_value(req, &reply->item)) {
        parts.has_value = true;
        memcpy(parts.tail, "\r\n", 2);
        parts.tail_bytes = 2;
    }
    return parts;
}
