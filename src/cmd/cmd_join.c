/*
 * Appends and prepends: a new item is made of the old one's value and what is added
 * to it, in one step where that is short, else part by part, while others are served.
 */
#include <string.h>

#include "cmd_priv.h"

/* How often a join is begun anew because its key was changed meanwhile. */
enum { JOIN_RESTARTS_MAX = 16 };

/* Meta N: nothing to append to is as good as an empty value. */
static bool
is_vivify(const struct request *req)
{
    return (req->flags & REQ_VIVIFY) != 0;
}

static uint64_t
total_bytes(const struct request *req, const struct cmd_join *join)
{
    return join->old_bytes + req->value_bytes;
}

/* --- Beginning --- */

/* Reserve for OLD and what is added. OLD stays pinned until it was copied. */
static bool
reserve_with(struct cmd *cmd, const struct request *req, const struct item *old,
             struct cmd_join *join, struct reply *reply)
{
    struct item_spec spec = {
        .key = req->key,
        .hash = req->hash,
        .value_bytes = old->value_bytes + req->value_bytes,
        .client_flags = old->client_flags,
        .expires_s = old->expires_s,
    };
    enum reserve_result reserved;

    store_pin_item(cmd->store, old->handle);
    reserved = store_reserve(cmd->store, &spec, &join->handle);
    if (reserved == RESERVE_OK) {
        join->old = old->handle;
        join->old_bytes = old->value_bytes;
        join->old_cas = old->cas;
        join->expires_s = old->expires_s;
        return true;
    }
    join->handle = NULL;
    store_unpin_item(cmd->store, old->handle);
    /* As memcached says. */
    reply->status = reserved == RESERVE_TOO_LARGE ? REPLY_NOT_STORED : REPLY_OUT_OF_MEMORY;
    return false;
}

static bool
reserve_alone(struct cmd *cmd, const struct request *req, struct cmd_join *join,
              struct reply *reply)
{
    struct item_spec spec = {
        .key = req->key,
        .hash = req->hash,
        .value_bytes = req->value_bytes,
        .client_flags = req->client_flags,
        .expires_s = cmd_expires_s(cmd, req->meta.vivify_ttl),
    };

    join->old_bytes = 0;
    if (cmd_reserve(cmd, req, &spec, &join->handle, reply))
        return true;
    join->handle = NULL;
    return false;
}

/* As in memcached, where items have no CAS, that of a request is not looked at. */
static bool
is_other_cas(const struct cmd *cmd, const struct request *req, const struct item *old)
{
    return req->cas != 0 && req->cas != old->cas && store_keeps_cas(cmd->store);
}

/*
 * Decide by what is there now; OLD is NULL when nothing is. True: JOIN is reserved. False:
 * *REPLY says why there is nothing to join.
 */
static bool
begin(struct cmd *cmd, const struct request *req, const struct item *old, struct cmd_join *join,
      struct reply *reply)
{
    bool begun = false;

    join->off = 0;
    if (old != NULL && is_other_cas(cmd, req, old))
        reply->status = REPLY_EXISTS;
    else if (old != NULL)
        begun = reserve_with(cmd, req, old, join, reply);
    else if (is_vivify(req))
        begun = reserve_alone(cmd, req, join, reply);
    else
        reply->status = REPLY_NOT_STORED;
    return begun;
}

/* --- Copying --- */

/* The part of the joined value that begins at OFF, where it lies now. */
static struct slice
source_at(const struct cmd *cmd, const struct request *req, const struct cmd_join *join)
{
    bool append = req->op == OP_APPEND;
    uint64_t old_off = append ? 0 : req->value_bytes;
    uint64_t off = join->off;

    if (off >= old_off && off - old_off < join->old_bytes)
        return store_value_at(cmd->store, join->old, off - old_off);
    off -= append ? join->old_bytes : 0;
    if (join->upload != NULL)
        return store_value_at(cmd->store, join->upload, off);
    return slice_make(req->value.ptr + off, (size_t)(req->value_bytes - off));
}

/* Copy as far as the budget goes, into TO. False where the source is broken. */
static bool
copy_into(const struct cmd *cmd, const struct request *req, struct cmd_join *join,
          const struct span *to)
{
    struct slice from = source_at(cmd, req, join);
    size_t n = from.len < to->len ? from.len : to->len;

    if (n > join->budget_bytes)
        n = (size_t)join->budget_bytes;
    memcpy(to->ptr, from.ptr, n);
    join->off += n;
    join->budget_bytes -= n;
    return n > 0;
}

/* Copy as far as the budget goes, and as space can be made now. False when the store has no memory. */
static bool
copy(struct cmd *cmd, const struct request *req, struct cmd_join *join)
{
    bool on = true;
    struct span to;

    while (on && join->off < total_bytes(req, join) && join->budget_bytes > 0) {
        switch (store_space_at(cmd->store, join->handle, join->off, &to)) {
        case SPACE_THERE: on = copy_into(cmd, req, join, &to); break;
        case SPACE_MADE:
            on = copy_into(cmd, req, join, &to);
            join->budget_bytes = 0;
            break;
        case SPACE_LATER: join->budget_bytes = 0; break;
        case SPACE_NONE: on = false; break;
        }
    }
    return on;
}

/* The same, all of it. */
static bool
copy_all(struct cmd *cmd, const struct request *req, struct cmd_join *join)
{
    bool copied = true;

    while (copied && join->off < total_bytes(req, join)) {
        join->budget_bytes = UINT64_MAX;
        copied = copy(cmd, req, join);
    }
    return copied;
}

/* --- The end --- */

/* Nothing is reserved or pinned any more. */
static void
let_old_go(struct cmd *cmd, struct cmd_join *join)
{
    if (join->old != NULL)
        store_unpin_item(cmd->store, join->old);
    join->old = NULL;
    join->handle = NULL;
}

void
cmd_join_abort(struct cmd *cmd, struct cmd_join *join)
{
    if (join->handle != NULL)
        store_abort(cmd->store, join->handle);
    let_old_go(cmd, join);
}

/*
 * Whether the item that JOIN began with is still the one of its key. It may expire at another
 * time than it did, if the reservation has a place for one: *EXPIRES_S.
 */
static bool
is_current(struct cmd *cmd, const struct request *req, const struct cmd_join *join,
           uint32_t *expires_s)
{
    struct item now;

    if (!store_peek(cmd->store, req->key, req->hash, &now))
        return join->old == NULL;
    *expires_s = now.expires_s;
    return join->old == now.handle && join->old_cas == now.cas &&
           (join->expires_s == now.expires_s || join->expires_s != STORE_NEVER);
}

/* It was touched while it was copied. The reservation has a place for the time, or it is the same. */
static void
settle_expiry(struct cmd *cmd, const struct request *req, const struct cmd_join *join,
              uint32_t expires_s)
{
    struct item item;

    if (join->old == NULL || join->expires_s == expires_s ||
        !store_peek(cmd->store, req->key, req->hash, &item))
        return;
    if (!store_touch(cmd->store, &item, expires_s))
        store_delete(cmd->store, &item); /* rather none than one that lives too long */
}

/* All is copied, and the old item is still there. */
static enum join_result
commit(struct cmd *cmd, const struct request *req, struct cmd_join *join, uint32_t expires_s,
       struct reply *reply)
{
    const struct commit_rule rule = {
        .mode = join->old != NULL ? COMMIT_SET : COMMIT_ADD,
        .new_cas = req->new_cas,
    };

    switch (store_commit(cmd->store, join->handle, &rule, &reply->cas)) {
    case COMMIT_STORED:
        reply->status = REPLY_STORED;
        settle_expiry(cmd, req, join, expires_s);
        break;
    case COMMIT_OUT_OF_MEMORY: return JOIN_NO_MEMORY;
    case COMMIT_EXISTS:
    case COMMIT_NOT_FOUND:
    case COMMIT_NOT_STORED: reply->status = REPLY_NOT_STORED; break;
    }
    reply->item.value_bytes = total_bytes(req, join);
    let_old_go(cmd, join);
    return JOIN_DONE;
}

static enum join_result
done(struct cmd *cmd, const struct request *req, const struct reply *reply)
{
    if (reply->status == REPLY_OUT_OF_MEMORY)
        return JOIN_NO_MEMORY;
    cmd_count(cmd, req, reply->status);
    return JOIN_DONE;
}

/* Its key was changed: what was copied is of no use. */
static enum join_result
restart(struct cmd *cmd, const struct request *req, struct cmd_join *join, struct reply *reply)
{
    cmd_join_abort(cmd, join);
    cmd->stats.concat_restarts++;
    if (join->restarts++ < JOIN_RESTARTS_MAX)
        return JOIN_ON;
    cmd_give_up(cmd, req, reply);
    return JOIN_DONE;
}

enum join_result
cmd_join_step(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
              struct cmd_join *join, struct reply *reply)
{
    uint32_t expires_s = STORE_NEVER;
    enum join_result result;
    struct item old;

    cmd_clear(reply);
    if (join->handle == NULL) {
        bool found = store_peek(cmd->store, req->key, req->hash, &old);

        if (!begin(cmd, req, found ? &old : NULL, join, reply))
            return done(cmd, req, reply);
    }
    if (!is_current(cmd, req, join, &expires_s))
        return restart(cmd, req, join, reply);
    if (!copy(cmd, req, join))
        return JOIN_NO_MEMORY;
    if (join->off < total_bytes(req, join))
        return JOIN_ON;
    result = commit(cmd, req, join, expires_s, reply);
    return result == JOIN_DONE ? done(cmd, req, reply) : result;
}

/* --- In one step --- */

void
cmd_join(struct cmd *cmd, const struct request *req, const void *upload, struct reply *reply)
{
    struct item old;
    bool found = store_peek(cmd->store, req->key, req->hash, &old);
    bool refused = found && is_other_cas(cmd, req, &old);
    uint64_t copied = (found ? old.value_bytes : 0) + req->value_bytes;
    struct cmd_join join = {.upload = upload};

    if (!refused && (found || is_vivify(req)) && copied > cmd->config.join_bytes) {
        cmd->stats.concat_joins++;
        reply->status = REPLY_JOIN;
        return;
    }
    if (!begin(cmd, req, found ? &old : NULL, &join, reply))
        return;
    reply->status = REPLY_OUT_OF_MEMORY;
    if (copy_all(cmd, req, &join) &&
        commit(cmd, req, &join, join.expires_s, reply) == JOIN_DONE)
        return;
    cmd_join_abort(cmd, &join);
}
