/*
 * Commands on an item that is there: gat touch delete incr decr.
 * Source: protocol.txt, "Touch", "Get And Touch", "Deletion", "Increment/Decrement".
 */
#include <string.h>

#include "lombard/base/num.h"

#include "cmd_priv.h"

/*
 * Only so short a number is changed where it lies. A longer one (spaces after
 * it) could be on its way to somebody, as longer values are sent from there.
 */
enum { OVERWRITE_BYTES_MAX = 32 };

/* Look up for a command that changes the item; false, with *REPLY, when that cannot be. */
static bool
find_to_change(struct cmd *cmd, const struct request *req, struct item *item,
               struct reply *reply)
{
    if (!store_peek(cmd->store, req->key, req->hash, item)) {
        reply->status = REPLY_NOT_FOUND;
        return false;
    }
    if (req->cas != 0 && req->cas != item->cas) {
        reply->status = REPLY_EXISTS;
        return false;
    }
    return true;
}

void
cmd_touch(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    struct item item;

    cmd->stats.cmd_touch++;
    if (!store_get(cmd->store, req->key, req->hash, true, &item)) {
        cmd->stats.touch_misses++;
        reply->status = REPLY_NOT_FOUND;
        return;
    }
    cmd->stats.touch_hits++;
    if (!store_touch(cmd->store, &item, cmd_expires_s(cmd, req->exptime))) {
        cmd->stats.store_no_memory++;
        reply->status = REPLY_OUT_OF_MEMORY;
        return;
    }
    reply->status = REPLY_TOUCHED;
    reply->cas = item.cas;
    reply->item.client_flags = item.client_flags;
}

void
cmd_gat(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    struct item item;

    cmd->stats.cmd_touch++;
    cmd->stats.cmd_get++;
    if (!store_get(cmd->store, req->key, req->hash, true, &item)) {
        cmd->stats.touch_misses++;
        cmd->stats.get_misses++;
        reply->status = REPLY_MISS;
        return;
    }
    cmd->stats.touch_hits++;
    cmd->stats.get_hits++;
    if (!store_touch(cmd->store, &item, cmd_expires_s(cmd, req->exptime))) {
        cmd->stats.store_no_memory++;
        reply->status = REPLY_OUT_OF_MEMORY;
        return;
    }
    reply->status = REPLY_HIT;
    cmd_show_item(cmd, &item, &reply->item);
}

void
cmd_delete(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    struct item item;

    if (!find_to_change(cmd, req, &item, reply)) {
        if (reply->status == REPLY_NOT_FOUND)
            cmd->stats.delete_misses++;
        return;
    }
    cmd->stats.delete_hits++;
    store_delete(cmd->store, &item);
    reply->status = REPLY_DELETED;
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * A value as the number that strtoull(3) sees at its front, which is what
 * memcached goes by: "12", " 12", "+12", "12 and more", "12\0more", but not "-12" or
 * "12x".
 */
static bool
value_as_number(struct slice value, uint64_t *number)
{
    const char *p = value.ptr;
    const char *end = value.ptr + value.len;
    const char *digits;

    while (p < end && is_space(*p))
        p++;
    if (p < end && *p == '+')
        p++;
    digits = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    if (p < end && *p != '\0' && !is_space(*p))
        return false;
    return num_parse_u64(slice_make(digits, (size_t)(p - digits)), number);
}

/*
 * The number as a new item: DIGITS, and spaces up to the length before. Where they fit,
 * it stays the same item to those who look: stale is stale still.
 */
static bool
number_replace(struct cmd *cmd, const struct request *req, const struct item *item,
               struct slice digits, struct reply *reply)
{
    static const char spaces[] = "                                ";
    struct item_spec spec = {
        .key = req->key,
        .hash = req->hash,
        .value_bytes = digits.len > item->value_bytes ? digits.len : item->value_bytes,
        .client_flags = item->client_flags,
        .expires_s = item->expires_s,
        .marks = digits.len <= item->value_bytes ? item->marks : 0,
    };
    void *handle;
    bool filled;

    if (store_reserve(cmd->store, &spec, &handle) != RESERVE_OK)
        return false;
    filled = cmd_fill(cmd, handle, 0, digits);
    for (uint64_t off = digits.len; filled && off < spec.value_bytes;) {
        uint64_t left = spec.value_bytes - off;
        size_t n = left < sizeof(spaces) - 1 ? (size_t)left : sizeof(spaces) - 1;

        filled = cmd_fill(cmd, handle, off, slice_make(spaces, n));
        off += n;
    }
    if (!filled) {
        store_abort(cmd->store, handle);
        return false;
    }
    return store_commit(cmd->store, handle, COMMIT_SET, 0, req->new_cas, &reply->cas) ==
           COMMIT_STORED;
}

/* A shorter number than before leaves spaces behind it, as in memcached. */
static bool
number_write(struct cmd *cmd, const struct request *req, const struct item *item,
             uint64_t number, struct reply *reply)
{
    char text[OVERWRITE_BYTES_MAX];
    size_t len = num_format_u64(text, number);

    if (item->value_bytes > OVERWRITE_BYTES_MAX || len > item->value_bytes)
        return number_replace(cmd, req, item, slice_make(text, len), reply);
    memset(text + len, ' ', sizeof(text) - len);
    reply->cas =
        store_overwrite(cmd->store, item, slice_make(text, item->value_bytes), req->new_cas);
    return true;
}

void
cmd_number_change(struct cmd *cmd, const struct request *req, const struct item *item,
                  bool decr, struct reply *reply)
{
    uint64_t number;

    /* Several parts: far too long for a number. */
    if (item->value.len != item->value_bytes || !value_as_number(item->value, &number)) {
        reply->status = REPLY_NON_NUMERIC;
        return;
    }
    if (!decr)
        number += req->delta; /* wraps at 2^64: protocol.txt says so */
    else
        number = req->delta > number ? 0 : number - req->delta;
    if (!number_write(cmd, req, item, number, reply)) {
        cmd->stats.store_no_memory++;
        reply->status = REPLY_OUT_OF_MEMORY;
        return;
    }
    *(decr ? &cmd->stats.decr_hits : &cmd->stats.incr_hits) += 1;
    reply->status = REPLY_NUMBER;
    reply->number = number;
}

void
cmd_number_create(struct cmd *cmd, const struct request *req, uint32_t expires_s,
                  struct reply *reply)
{
    char text[NUM_U64_DIGITS_MAX];
    struct item_spec spec = {
        .key = req->key,
        .hash = req->hash,
        .value_bytes = num_format_u64(text, req->initial),
        .expires_s = expires_s,
    };
    void *handle;

    if (!cmd_reserve(cmd, req, &spec, &handle, reply))
        return;
    if (!cmd_fill(cmd, handle, 0, slice_make(text, spec.value_bytes))) {
        store_abort(cmd->store, handle);
        reply->status = REPLY_OUT_OF_MEMORY;
        return;
    }
    if (store_commit(cmd->store, handle, COMMIT_ADD, 0, req->new_cas, &reply->cas) !=
        COMMIT_STORED) {
        reply->status = REPLY_NOT_STORED;
        return;
    }
    reply->status = REPLY_NUMBER;
    reply->number = req->initial;
}

void
cmd_arith(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    bool decr = req->op == OP_DECR;
    struct item item;

    if (find_to_change(cmd, req, &item, reply)) {
        cmd_number_change(cmd, req, &item, decr, reply);
        return;
    }
    if (reply->status != REPLY_NOT_FOUND)
        return;
    *(decr ? &cmd->stats.decr_misses : &cmd->stats.incr_misses) += 1;
    if ((req->flags & REQ_VIVIFY) != 0)
        cmd_number_create(cmd, req, cmd_expires_s(cmd, req->exptime), reply);
}
