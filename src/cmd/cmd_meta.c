/*
 * The meta commands mg md ma me; ms is a classic store command with another form of reply.
 * Source: protocol.txt, "Meta Commands".
 */
#include "cmd_priv.h"

/* --- N: what is not there is made --- */

/* How long it lives: flags count in the order in which they come, and T counts as well. */
static uint32_t
vivified_expires_s(const struct cmd *cmd, const struct request *req)
{
    bool by_ttl = req->meta.touches && !req->meta.vivify_last;

    return cmd_expires_s(cmd, by_ttl ? req->exptime : req->meta.vivify_ttl);
}

/* What t shows of it: as far as the flags before t had set it. */
static int64_t
vivified_ttl_s(const struct cmd *cmd, const struct request *req)
{
    bool after_vivify = !req->meta.ttl_before_vivify;
    bool after_ttl = req->meta.touches && !req->meta.ttl_first;

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
        .marks = ITEM_TOKEN | (req->meta.unnoticed ? 0 : ITEM_FETCHED),
    };
    void *handle;

    if (!cmd_reserve(cmd, req, &spec, &handle, reply))
        return;
    if (!cmd_commit(cmd, handle, COMMIT_ADD, req->new_cas, reply)) {
        if (reply->status == REPLY_NOT_STORED)
            reply->status = REPLY_MISS;
        return;
    }
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
    return req->meta.recaches && expires_s != STORE_NEVER &&
           expires_s < cmd_expires_s(cmd, req->meta.recache_ttl);
}

/* The access counts unless there is no memory for the TTL. */
static void
get_hit(struct cmd *cmd, const struct request *req, struct item *item, struct reply *reply)
{
    const uint32_t fetched = req->meta.unnoticed ? 0 : ITEM_FETCHED;
    const int64_t old_ttl_s = cmd_ttl_s(cmd, item->expires_s);
    uint32_t recache_s = item->expires_s;

    if (req->meta.touches) {
        if (!store_touch(cmd->store, item, cmd_expires_s(cmd, req->exptime))) {
            reply->status = REPLY_OUT_OF_MEMORY;
            return;
        }
        if (!req->meta.recache_first)
            recache_s = item->expires_s;
    }
    if (fetched != 0)
        store_bump(cmd->store, item); /* *ITEM stays as it was before */
    reply->status = REPLY_HIT;
    cmd_show_item(cmd, item, &reply->item);
    if (req->meta.ttl_first)
        reply->item.ttl_s = old_ttl_s;
    reply->item.already_won = (item->marks & ITEM_TOKEN) != 0;
    reply->item.won = get_wins(cmd, req, item, recache_s);
    if (reply->item.won)
        store_set_marks(cmd->store, item, item->marks | fetched | ITEM_TOKEN);
}

/*
 * As memcached counts: a hit with T is a touch and no get; what N made was found; a miss is one of
 * a get, whatever T says.
 */
static void
count_get(struct cmd *cmd, const struct request *req, enum reply_status status)
{
    if (status == REPLY_HIT && req->meta.touches) {
        cmd->stats.cmd_touch++;
        cmd->stats.touch_hits++;
        return;
    }
    cmd->stats.cmd_get++;
    *(status == REPLY_HIT ? &cmd->stats.get_hits : &cmd->stats.get_misses) += 1;
}

void
cmd_meta_get(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
             struct reply *reply)
{
    struct item item;
    bool found = store_get(cmd->store, req->key, req->hash, false, &item);

    reply->status = REPLY_MISS;
    if (found)
        get_hit(cmd, req, &item, reply);
    else if ((req->flags & REQ_VIVIFY) != 0)
        get_vivify(cmd, req, reply);
    if (reply->status != REPLY_OUT_OF_MEMORY)
        count_get(cmd, req, reply->status);
}

/* --- md --- */

/* I: keep serving it, and say that it is stale. */
static void
delete_invalidate(struct cmd *cmd, const struct request *req, struct item *item,
                  struct reply *reply)
{
    const uint32_t marks = (item->marks | ITEM_STALE) & ~(uint32_t)ITEM_TOKEN;
    uint32_t expires_s = req->meta.touches ? cmd_expires_s(cmd, req->exptime) : item->expires_s;

    if (!store_set_cas(cmd->store, item, expires_s, req->new_cas)) {
        reply->status = REPLY_OUT_OF_MEMORY;
        return;
    }
    store_set_marks(cmd->store, item, marks);
    reply->cas = item->cas;
    reply->status = REPLY_DELETED;
}

/*
 * x: an empty item stays, with the client flags and the time that F and T say, or none.
 * It keeps its CAS, unless E or I give it another; with I it is stale as well.
 */
static void
delete_value(struct cmd *cmd, const struct request *req, const struct item *item,
             struct reply *reply)
{
    bool stale = (req->flags & REQ_INVALIDATE) != 0;
    uint64_t new_cas = req->meta.renews_cas || stale ? req->new_cas : item->cas;
    struct item_spec spec = {
        .key = req->key,
        .hash = req->hash,
        .client_flags = req->client_flags,
        .expires_s = cmd_expires_s(cmd, req->exptime),
        .marks = stale ? ITEM_STALE : 0,
    };
    void *handle;

    if (cmd_reserve(cmd, req, &spec, &handle, reply) &&
        cmd_commit(cmd, handle, COMMIT_SET, new_cas, reply))
        reply->status = REPLY_DELETED;
}

void
cmd_meta_delete(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
                struct reply *reply)
{
    struct item item;

    if (!store_peek(cmd->store, req->key, req->hash, &item)) {
        cmd->stats.delete_misses++;
        reply->status = REPLY_NOT_FOUND;
        return;
    }
    if (req->meta.compares && req->cas != item.cas) {
        cmd->stats.delete_misses++;
        reply->status = REPLY_EXISTS;
        return;
    }
    if (req->meta.empties) {
        delete_value(cmd, req, &item, reply);
    } else if ((req->flags & REQ_INVALIDATE) != 0) {
        delete_invalidate(cmd, req, &item, reply);
    } else {
        store_delete(cmd->store, &item);
        reply->status = REPLY_DELETED;
    }
    /* What is invalidated was not deleted. */
    if (reply->status == REPLY_DELETED && (req->flags & REQ_INVALIDATE) == 0)
        cmd->stats.delete_hits++;
}

/* --- ma --- */

/* With T, the number and its TTL change together, or neither does. */
static void
arith_change(struct cmd *cmd, const struct request *req, struct item *item, struct reply *reply)
{
    const uint32_t old_s = item->expires_s;
    const uint32_t new_s = req->meta.touches ? cmd_expires_s(cmd, req->exptime) : old_s;

    cmd_number_change(cmd, req, item, &(struct number_change){req->meta.decr, new_s}, reply);
    reply->item.ttl_s = cmd_ttl_s(cmd, req->meta.ttl_first ? old_s : new_s);
}

static void
arith_vivify(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    cmd_number_create(cmd, req, vivified_expires_s(cmd, req), reply);
    reply->item.ttl_s = vivified_ttl_s(cmd, req);
}

void
cmd_meta_arith(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
               struct reply *reply)
{
    struct item item;
    bool found = store_peek(cmd->store, req->key, req->hash, &item);

    reply->status = REPLY_NOT_FOUND;
    if (!found && (req->flags & REQ_VIVIFY) != 0)
        arith_vivify(cmd, req, reply);
    else if (found)
        arith_change(cmd, req, &item, reply);
    else
        *(req->meta.decr ? &cmd->stats.decr_misses : &cmd->stats.incr_misses) += 1;
}

/* --- me --- */

void
cmd_meta_debug(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
               struct reply *reply)
{
    struct item item;

    if (!store_peek(cmd->store, req->key, req->hash, &item)) {
        reply->status = REPLY_MISS;
        return;
    }
    reply->status = REPLY_DEBUG;
    cmd_show_item(cmd, &item, &reply->item);
}
