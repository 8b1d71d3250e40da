/*
 * Numbers in items: incr, decr, and what ma does with them. Source: protocol.txt,
 * "Increment/Decrement".
 */
#include <string.h>

#include "cmd_priv.h"
#include "lombard/base/num.h"

/*
 * Only so short a number is changed where it lies. A longer one (spaces after
 * it) could be on its way to a client, as longer values are sent from there.
 */
enum { OVERWRITE_BYTES_MAX = 32 };

/*
 * A value as the number that strtoull(3) sees at its front, which is what memcached goes by: "12",
 * " 12", "+12", "12 and more", "12\0more", but not "-12" or "12x".
 */
static bool
value_as_number(struct slice value, uint64_t *number)
{
    uint64_t magnitude;
    bool negative;

    if (!num_scan(value, &negative, &magnitude) || negative)
        return false;
    *number = magnitude;
    return true;
}

/* Write DIGITS at the beginning of a reserved item of BYTES, and spaces behind them. */
static bool
fill_number(struct cmd *cmd, void *handle, struct slice digits, uint64_t bytes)
{
    static const char spaces[] = "                                ";
    bool filled = cmd_fill(cmd, handle, 0, digits);

    for (uint64_t off = digits.len; filled && off < bytes;) {
        uint64_t left = bytes - off;
        size_t n = left < sizeof(spaces) - 1 ? (size_t)left : sizeof(spaces) - 1;

        filled = cmd_fill(cmd, handle, off, slice_make(spaces, n));
        off += n;
    }
    return filled;
}

/*
 * reply->number as a new item, with spaces up to the length before. Where that is
 * enough, it stays the same item for its readers: what was stale is still stale.
 */
static bool
number_replace(struct cmd *cmd, const struct request *req, const struct item *item,
               uint32_t expires_s, struct reply *reply)
{
    char text[NUM_U64_DIGITS_MAX];
    size_t len = num_format_u64(text, reply->number);
    struct item_spec spec = {
        .key = req->key,
        .hash = req->hash,
        .value_bytes = len > item->value_bytes ? len : item->value_bytes,
        .client_flags = item->client_flags,
        .expires_s = expires_s,
        .marks = len <= item->value_bytes ? item->marks : 0,
    };
    void *handle;

    if (!cmd_reserve(cmd, req, &spec, &handle, reply))
        return false;
    if (!fill_number(cmd, handle, slice_make(text, len), spec.value_bytes)) {
        store_abort(cmd->store, handle);
        reply->status = REPLY_OUT_OF_MEMORY;
        return false;
    }
    return cmd_commit(cmd, handle, COMMIT_SET, req->new_cas, reply);
}

/*
 * Let reply->number be ITEM's value, and spaces behind it where it was longer, as in
 * memcached. False, with *REPLY: it cannot be, and the expiry is as it was, too.
 */
static bool
number_write(struct cmd *cmd, const struct request *req, struct item *item, uint32_t expires_s,
             struct reply *reply)
{
    char text[OVERWRITE_BYTES_MAX];
    size_t len = num_format_u64(text, reply->number);

    if (item->value_bytes > OVERWRITE_BYTES_MAX || len > item->value_bytes)
        return number_replace(cmd, req, item, expires_s, reply);
    memset(text + len, ' ', sizeof(text) - len);
    if (!store_overwrite(cmd->store, item, slice_make(text, item->value_bytes), expires_s,
                         req->new_cas)) {
        reply->status = REPLY_OUT_OF_MEMORY;
        return false;
    }
    reply->cas = item->cas;
    return true;
}

void
cmd_number_change(struct cmd *cmd, const struct request *req, struct item *item,
                  const struct number_change *change, struct reply *reply)
{
    const bool decr = change->decr;
    uint64_t number;

    /* As in memcached, that it is empty comes before that it has another CAS. */
    if (item->value_bytes == 0) {
        reply->status = REPLY_NON_NUMERIC;
        return;
    }
    if (req->cas != 0 && req->cas != item->cas) {
        reply->status = REPLY_EXISTS;
        return;
    }
    /* Several parts: far too long for a number. */
    if (item->value.len != item->value_bytes || !value_as_number(item->value, &number)) {
        reply->status = REPLY_NON_NUMERIC;
        return;
    }
    if (!decr)
        number += req->delta; /* wraps at 2^64: protocol.txt says so */
    else
        number = req->delta > number ? 0 : number - req->delta;
    reply->number = number;
    if (!number_write(cmd, req, item, change->expires_s, reply))
        return;
    *(decr ? &cmd->stats.decr_hits : &cmd->stats.incr_hits) += 1;
    reply->status = REPLY_NUMBER;
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
    if (!cmd_commit(cmd, handle, COMMIT_ADD, req->new_cas, reply))
        return;
    reply->status = REPLY_NUMBER;
    reply->number = req->initial;
}

void
cmd_arith(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
          struct reply *reply)
{
    struct item item;
    bool decr = req->op == OP_DECR;

    if (store_peek(cmd->store, req->key, req->hash, &item)) {
        cmd_number_change(cmd, req, &item, &(struct number_change){decr, item.expires_s},
                          reply);
        return;
    }
    if ((req->flags & REQ_VIVIFY) != 0) {
        cmd_number_create(cmd, req, cmd_expires_s(cmd, req->exptime), reply);
        return;
    }
    reply->status = REPLY_NOT_FOUND;
    *(decr ? &cmd->stats.decr_misses : &cmd->stats.incr_misses) += 1;
}
