/*
 * mg md ma me; ms is a classic store command with another form of reply.
 * Source: protocol.txt, "Meta Commands".
 */
#include <string.h>

#include "lombard/base/num.h"

#include "cmd_priv.h"

static bool
is_asked(const struct request *req, char letter)
{
    return (req->meta.seen & META_BIT(letter)) != 0;
}

/* --- N: what is not there is made --- */

/* How long it lives: flags count in the order in which they come, and T counts as well. */
static uint32_t
vivified_expires_s(const struct cmd *cmd, const struct request *req)
{
    bool by_ttl = is_asked(req, 'T') && !req->meta.vivify_last;

    return cmd_expires_s(cmd, by_ttl ? req->exptime : req->meta.vivify_ttl);
}

/* What t shows of it: as far as the flags before t had set it. */
static int64_t
vivified_ttl_s(const struct cmd *cmd, const struct request *req)
{
    bool after_vivify = !req->meta.ttl_before_vivify;
    bool after_ttl = is_asked(req, 'T') && !req->meta.ttl_first;

    if (after_vivify && (!after_ttl || req->meta.vivify_last))
        return cmd_ttl_s(cmd, cmd_expires_s(cmd, req->meta.vivify_ttl));
    if (after_ttl)
        return cmd_ttl_s(cmd, cmd_expires_s(cmd, req->exptime));
    return cmd_ttl_s(cmd, STORE_NEVER);
}

/* --- mg --- */

/* A miss with N: an empty item, and this client is the one to fill it. */
static void
get_vivify(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    struct item_spec spec = {
        .key = req->key,
        .hash = req->hash,
        .expires_s = vivified_expires_s(cmd, req),
        .marks = ITEM_TOKEN | (is_asked(req, 'u') ? 0 : ITEM_FETCHED),
    };
    void *handle;

    if (!cmd_reserve(cmd, req, &spec, &handle, reply))
        return;
    reply->status = REPLY_MISS;
    if (store_commit(cmd->store, handle, COMMIT_ADD, 0, req->new_cas, &reply->cas) !=
        COMMIT_STORED)
        return;
    reply->status = REPLY_HIT;
    reply->item.cas = reply->cas;
    reply->item.ttl_s = vivified_ttl_s(cmd, req);
    reply->item.won = true;
}

/* Whether this client is to recache: R asks for that, or the item is stale; one only. */
static bool
get_wins(const struct cmd *cmd, const struct request *req, const struct item *item,
         uint32_t expires_s)
{
    if ((item->marks & ITEM_TOKEN) != 0)
        return false;
    if ((item->marks & ITEM_STALE) != 0)
        return true;
    return is_asked(req, 'R') && expires_s != STORE_NEVER &&
           cmd_ttl_s(cmd, expires_s) < req->meta.recache_ttl;
}

static void
get_hit(struct cmd *cmd, const struct request *req, struct item *item, struct reply *reply)
{
    const uint32_t marks = item->marks;
    const uint32_t accessed_s = item->accessed_s;
    const uint32_t fetched = is_asked(req, 'u') ? 0 : ITEM_FETCHED;
    const int64_t old_ttl_s = cmd_ttl_s(cmd, item->expires_s);
    uint32_t recache_s = item->expires_s;

    if (is_asked(req, 'T')) {
        cmd->stats.cmd_touch++;
        cmd->stats.touch_hits++;
        if (!store_touch(cmd->store, item, cmd_expires_s(cmd, req->exptime))) {
            cmd->stats.store_no_memory++;
            reply->status = REPLY_OUT_OF_MEMORY;
            return;
        }
        if (!req->meta.recache_first)
            recache_s = item->expires_s;
    }
    item->marks = marks; /* as they were before this access */
    item->accessed_s = accessed_s;
    reply->status = REPLY_HIT;
    cmd_show_item(cmd, item, &reply->item);
    if (req->meta.ttl_first)
        reply->item.ttl_s = old_ttl_s;
    reply->item.already_won = (marks & ITEM_TOKEN) != 0;
    reply->item.won = get_wins(cmd, req, item, recache_s);
    if (reply->item.won)
        store_set_marks(cmd->store, item, marks | fetched | ITEM_TOKEN);
}

void
cmd_meta_get(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    struct item item;

    cmd->stats.cmd_meta++;
    cmd->stats.cmd_get++;
    if (store_get(cmd->store, req->key, req->hash, !is_asked(req, 'u'), &item)) {
        cmd->stats.get_hits++;
        get_hit(cmd, req, &item, reply);
        return;
    }
    cmd->stats.get_misses++;
    if (is_asked(req, 'T')) {
        cmd->stats.cmd_touch++;
        cmd->stats.touch_misses++;
    }
    reply->status = REPLY_MISS;
    if (is_asked(req, 'N'))
        get_vivify(cmd, req, reply);
}

/* --- md --- */

/* I: keep serving it, and say that it is stale. */
static void
delete_invalidate(struct cmd *cmd, const struct request *req, struct item *item,
                  struct reply *reply)
{
    const uint32_t marks = (item->marks | ITEM_STALE) & ~(uint32_t)ITEM_TOKEN;

    if (is_asked(req, 'T') &&
        !store_touch(cmd->store, item, cmd_expires_s(cmd, req->exptime))) {
        cmd->stats.store_no_memory++;
        reply->status = REPLY_OUT_OF_MEMORY;
        return;
    }
    store_set_marks(cmd->store, item, marks);
    reply->cas = store_set_cas(cmd->store, item, req->new_cas);
    reply->status = REPLY_DELETED;
}

/* x: only the value and the client flags go; with I, what is left is stale as well. */
static void
delete_value(struct cmd *cmd, const struct request *req, const struct item *item,
             struct reply *reply)
{
    bool stale = is_asked(req, 'I');
    struct item_spec spec = {
        .key = req->key,
        .hash = req->hash,
        .expires_s =
            stale && is_asked(req, 'T') ? cmd_expires_s(cmd, req->exptime) : item->expires_s,
        .marks = stale ? ITEM_STALE : 0,
    };
    void *handle;

    if (!cmd_reserve(cmd, req, &spec, &handle, reply))
        return;
    reply->status = REPLY_NOT_STORED;
    if (store_commit(cmd->store, handle, COMMIT_SET, 0, req->new_cas, &reply->cas) ==
        COMMIT_STORED)
        reply->status = REPLY_DELETED;
}

void
cmd_meta_delete(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    struct item item;

    cmd->stats.cmd_meta++;
    if (!store_peek(cmd->store, req->key, req->hash, &item)) {
        cmd->stats.delete_misses++;
        reply->status = REPLY_NOT_FOUND;
        return;
    }
    if (is_asked(req, 'C') && req->cas != item.cas) {
        reply->status = REPLY_EXISTS;
        return;
    }
    cmd->stats.delete_hits++;
    if (is_asked(req, 'x')) {
        delete_value(cmd, req, &item, reply);
    } else if (is_asked(req, 'I')) {
        delete_invalidate(cmd, req, &item, reply);
    } else {
        store_delete(cmd->store, &item);
        reply->status = REPLY_DELETED;
    }
}

/* --- ma --- */

/* What the reply may say of the item after the change; T is due only then. */
static void
arith_finish(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    struct item item;
    int64_t ttl_s;

    reply->status = REPLY_NUMBER;
    if (!is_asked(req, 'T') && !is_asked(req, 't'))
        return;
    if (!store_peek(cmd->store, req->key, req->hash, &item))
        return;
    ttl_s = cmd_ttl_s(cmd, item.expires_s);
    if (is_asked(req, 'T') &&
        store_touch(cmd->store, &item, cmd_expires_s(cmd, req->exptime)) &&
        !req->meta.ttl_first)
        ttl_s = cmd_ttl_s(cmd, item.expires_s);
    reply->item.ttl_s = ttl_s;
}

static void
arith_vivify(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    cmd_number_create(cmd, req, vivified_expires_s(cmd, req), reply);
    reply->item.ttl_s = vivified_ttl_s(cmd, req);
    reply->item.won = true;
}

void
cmd_meta_arith(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    const bool decr = req->meta.decr;
    struct item item;

    cmd->stats.cmd_meta++;
    if (!store_peek(cmd->store, req->key, req->hash, &item)) {
        *(decr ? &cmd->stats.decr_misses : &cmd->stats.incr_misses) += 1;
        reply->status = REPLY_NOT_FOUND;
        if ((req->flags & REQ_VIVIFY) != 0)
            arith_vivify(cmd, req, reply);
        return;
    }
    if (req->cas != 0 && req->cas != item.cas) {
        reply->status = REPLY_EXISTS;
        return;
    }
    cmd_number_change(cmd, req, &item, decr, reply);
    if (reply->status == REPLY_NUMBER)
        arith_finish(cmd, req, reply);
}

/* --- me --- */

void
cmd_meta_debug(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    struct item item;

    cmd->stats.cmd_meta++;
    if (!store_peek(cmd->store, req->key, req->hash, &item)) {
        reply->status = REPLY_MISS;
        return;
    }
    reply->status = REPLY_DEBUG;
    cmd_show_item(cmd, &item, &reply->item);
}
