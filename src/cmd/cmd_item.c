/*
 * Commands on an item that is there: get gat touch delete. Source: protocol.txt, "Retrieval
 * command", "Touch", "Get And Touch", "Deletion".
 */
#include "cmd_priv.h"

/* Merged even where gcc takes it for too long: of nearly all requests it is the one that is called. */
MERGED __attribute__((always_inline)) void
cmd_get(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
        struct reply *reply)
{
    struct item item;

    if (!store_read(cmd->store, req->key, req->hash, &req->place, &item)) {
        cmd->stats.get_misses++;
        reply->status = REPLY_MISS;
        return;
    }
    cmd->stats.get_hits++;
    reply->status = REPLY_HIT;
    /* What only the meta commands show is not filled. */
    reply->item.handle = item.handle;
    reply->item.key = item.key;
    reply->item.value = item.value;
    reply->item.value_bytes = item.value_bytes;
    reply->item.client_flags = item.client_flags;
    if (UNLIKELY((req->flags & REQ_WITH_CAS) != 0))
        reply->item.cas = store_cas(cmd->store, &item);
}

/*
 * Find the item and set its expiry. False, with *REPLY: it is not there, or there is
 * no memory. The access counts only on true; *ITEM is as before it.
 */
static bool
find_and_touch(struct cmd *cmd, const struct request *req, struct item *item,
               struct reply *reply)
{
    if (!store_get(cmd->store, req->key, req->hash, false, item)) {
        reply->status = REPLY_MISS;
        return false;
    }
    if (!store_touch(cmd->store, item, cmd_expires_s(cmd, req->exptime))) {
        reply->status = REPLY_OUT_OF_MEMORY;
        return false;
    }
    store_bump(cmd->store, item);
    return true;
}

void
cmd_touch(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
          struct reply *reply)
{
    struct item item;

    if (find_and_touch(cmd, req, &item, reply)) {
        cmd->stats.touch_hits++;
        reply->status = REPLY_TOUCHED;
        reply->cas = item.cas;
        reply->item.client_flags = item.client_flags;
    } else if (reply->status == REPLY_MISS) {
        cmd->stats.touch_misses++;
        reply->status = REPLY_NOT_FOUND;
    }
}

void
cmd_gat(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
        struct reply *reply)
{
    struct item item;
    bool found = find_and_touch(cmd, req, &item, reply);

    if (!found && reply->status == REPLY_OUT_OF_MEMORY)
        return;
    if (!found) {
        cmd->stats.touch_misses++;
        return;
    }
    cmd->stats.touch_hits++;
    reply->status = REPLY_HIT;
    cmd_show_item(cmd, &item, &reply->item);
}

bool
cmd_peek(struct cmd *cmd, const struct request *req, struct reply_item *shown)
{
    struct item item;

    if (!store_peek(cmd->store, req->key, store_hash(cmd->store, req->key), &item))
        return false;
    cmd_show_item(cmd, &item, shown);
    return true;
}

void
cmd_delete(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
           struct reply *reply)
{
    struct item item;

    if (!store_peek(cmd->store, req->key, req->hash, &item)) {
        cmd->stats.delete_misses++;
        reply->status = REPLY_NOT_FOUND;
        return;
    }
    if (req->cas != 0 && req->cas != item.cas) {
        reply->status = REPLY_EXISTS;
        return;
    }
    cmd->stats.delete_hits++;
    store_delete(cmd->store, &item);
    reply->status = REPLY_DELETED;
    reply->item.value_bytes = item.value_bytes;
}
