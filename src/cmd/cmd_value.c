/* Reserves, fills and commits items for all commands; and gives up where there is no memory. */
#include <string.h>

#include "cmd_priv.h"
#include "lombard/base/copy.h"

bool
cmd_fill(struct cmd *cmd, void *handle, uint64_t off, struct slice value)
{
    while (value.len > 0) {
        struct span at = store_reserved_at(cmd->store, handle, off);
        size_t n = value.len < at.len ? value.len : at.len;

        if (n == 0)
            return false;
        copy_to_store(at.ptr, value.ptr, n);
        value = slice_make(value.ptr + n, value.len - n);
        off += n;
    }
    return true;
}

/* REQ is refused for good: what it was to overwrite must not be served any more. */
static void
drop_old(struct cmd *cmd, const struct request *req)
{
    struct item item;

    if ((req->flags & REQ_OVERWRITE) != 0 && store_peek(cmd->store, req->key, req->hash, &item))
        store_delete(cmd->store, &item);
}

void
cmd_give_up(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    cmd_clear(reply);
    reply->status = REPLY_OUT_OF_MEMORY;
    cmd->stats.store_no_memory++;
    drop_old(cmd, req);
}

bool
cmd_reserved(struct cmd *cmd, const struct request *req, enum reserve_result result,
             struct reply *reply)
{
    switch (result) {
    case RESERVE_OK: return true;
    case RESERVE_TOO_LARGE:
        cmd->stats.store_too_large++;
        reply->status = REPLY_TOO_LARGE;
        drop_old(cmd, req);
        return false;
    case RESERVE_OUT_OF_MEMORY: reply->status = REPLY_OUT_OF_MEMORY; return false;
    }
    BUG("reserve_result out of range");
}

bool
cmd_reserve(struct cmd *cmd, const struct request *req, const struct item_spec *spec,
            void **handle, struct reply *reply)
{
    return cmd_reserved(cmd, req, store_reserve(cmd->store, spec, handle), reply);
}

bool
cmd_commit(struct cmd *cmd, void *handle, enum commit_mode mode, uint64_t new_cas,
           struct reply *reply)
{
    const struct commit_rule rule = {.mode = mode, .new_cas = new_cas};

    switch (store_commit(cmd->store, handle, &rule, &reply->cas)) {
    case COMMIT_STORED: return true;
    case COMMIT_OUT_OF_MEMORY:
        store_abort(cmd->store, handle);
        reply->status = REPLY_OUT_OF_MEMORY;
        return false;
    case COMMIT_EXISTS:
    case COMMIT_NOT_FOUND:
    case COMMIT_NOT_STORED: reply->status = REPLY_NOT_STORED; return false;
    }
    BUG("commit_result out of range");
}
