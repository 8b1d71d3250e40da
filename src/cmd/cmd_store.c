/*
 * Commands that bring a value, whole or part by part: set add replace cas; and what append and
 * prepend (cmd_join.c) have in common with them. Source: protocol.txt, "Storage commands".
 */
#include <string.h>

#include "cmd_priv.h"
#include "lombard/base/invariant.h"

/* An item is never longer than its value by more than this. */
enum { ITEM_SLACK_BYTES = KEY_BYTES_MAX + 256 };

/* Whether only the commit tells if it is stale, and so when it expires. */
static bool
may_be_stale(const struct request *req)
{
    return (req->flags & REQ_INVALIDATE) != 0 && req->op == OP_CAS && req->cas != 0;
}

static struct item_spec
spec_of(const struct cmd *cmd, const struct request *req)
{
    return (struct item_spec){
        .key = req->key,
        .hash = req->hash,
        .value_bytes = req->value_bytes,
        .client_flags = req->client_flags,
        /* Any time, so that the right one will fit: it must not fail in the end. */
        .expires_s = may_be_stale(req) ? UINT32_MAX : cmd_expires_s(cmd, req->exptime),
    };
}

static bool
reserve_value(struct cmd *cmd, const struct request *req, void **handle, struct reply *reply)
{
    struct item_spec spec = spec_of(cmd, req);

    return cmd_reserve(cmd, req, &spec, handle, reply);
}

/* How an operation commits its value, besides enum commit_mode: not at all, or joined first. */
enum { COMMIT_NONE = -1, COMMIT_JOIN = -2 };

#define OP(NAME, handler, kind, commit, counter, properties)                                   \
    _Static_assert(((int)COMMIT_##commit != COMMIT_NONE) == (((properties)&PROP_STORES) != 0), \
                   #NAME " stores as its properties say");                                     \
    _Static_assert(((int)COMMIT_##commit == COMMIT_JOIN) == (((properties)&PROP_JOINS) != 0),  \
                   #NAME " joins as its properties say");
#include "lombard/proto/op.def"
#undef OP

/* An enum commit_mode, or one of the above, which are negative. */
static int
commit_mode_of(enum request_op op)
{
    static const int8_t modes[] = {
#define OP(NAME, handler, kind, commit, counter, properties) [OP_##NAME] = COMMIT_##commit,
#include "lombard/proto/op.def"
#undef OP
    };

    return modes[op];
}

/*
 * A CAS makes a compare-and-swap of any binary command that replaces a value: all have one. As in
 * memcached, it is not looked at where items have none. Of a meta command the mode says what it is.
 */
static int
mode_of(const struct cmd *cmd, const struct request *req)
{
    int mode = commit_mode_of(req->op);
    bool compares = req->cas != 0 && (req->flags & REQ_META) == 0 && mode >= 0;

    return compares && store_keeps_cas(cmd->store) ? (int)COMMIT_CAS : mode;
}

/* Counters are of compare-and-swaps only. */
static void
count_cas(struct cmd *cmd, enum commit_result result)
{
    switch (result) {
    case COMMIT_STORED: cmd->stats.cas_hits++; return;
    case COMMIT_EXISTS: cmd->stats.cas_badval++; return;
    case COMMIT_NOT_FOUND: cmd->stats.cas_misses++; return;
    case COMMIT_NOT_STORED:
    case COMMIT_OUT_OF_MEMORY: return;
    }
}

static enum reply_status
status_of_commit(enum commit_result result)
{
    switch (result) {
    case COMMIT_STORED: return REPLY_STORED;
    case COMMIT_NOT_STORED: return REPLY_NOT_STORED;
    case COMMIT_EXISTS: return REPLY_EXISTS;
    case COMMIT_NOT_FOUND: return REPLY_NOT_FOUND;
    case COMMIT_OUT_OF_MEMORY: return REPLY_OUT_OF_MEMORY;
    }
    BUG("commit_result out of range");
}

/*
 * Meta I, with a CAS that is older than the item's: the value is taken, but as a
 * stale one that lives no longer, and whoever won before has won (protocol.txt,
 * "Meta Set"). *OLD is the item that it replaces.
 */
static bool
commits_stale(struct cmd *cmd, const struct request *req, struct item *old)
{
    return may_be_stale(req) && store_peek(cmd->store, req->key, req->hash, old) &&
           req->cas < old->cas;
}

/*
 * Give the item that was just stored the time that it was reserved with room for:
 * that of OLD, with its marks, or where OLD is NULL what was asked for.
 */
static void
settle_stale(struct cmd *cmd, const struct request *req, const struct item *old)
{
    uint32_t expires_s = old != NULL ? old->expires_s : cmd_expires_s(cmd, req->exptime);
    struct item item;

    if (!store_peek(cmd->store, req->key, req->hash, &item))
        return;
    if (!store_touch(cmd->store, &item, expires_s))
        store_delete(cmd->store, &item); /* rather none than one that lives too long */
    else if (old != NULL)
        store_set_marks(cmd->store, &item, (old->marks & ITEM_TOKEN) | ITEM_STALE);
}

/* REPLY_OUT_OF_MEMORY: nothing has happened, HANDLE is still there. */
static void
commit_value(struct cmd *cmd, const struct request *req, void *handle, struct reply *reply)
{
    struct commit_rule rule = {.compare_cas = req->cas, .new_cas = req->new_cas};
    const int mode = mode_of(cmd, req);
    enum commit_result result;
    struct item old;
    bool stale = commits_stale(cmd, req, &old);

    if (BROKEN(mode < 0)) {
        store_abort(cmd->store, handle);
        reply->status = REPLY_INTERNAL;
        return;
    }
    rule.mode = stale ? COMMIT_SET : (enum commit_mode)mode;
    result = store_commit(cmd->store, handle, &rule, &reply->cas);
    reply->status = status_of_commit(result);
    if (result == COMMIT_OUT_OF_MEMORY)
        return;
    if (mode == (int)COMMIT_CAS)
        count_cas(cmd, result);
    if (may_be_stale(req) && result == COMMIT_STORED)
        settle_stale(cmd, req, stale ? &old : NULL);
    reply->item.value_bytes = req->value_bytes;
    if (result == COMMIT_STORED)
        cmd_big_note(cmd, req, req->value_bytes);
}

/* The same as below, of a value that may be stored whatever is there, in one step. */
static void
put_value(struct cmd *cmd, const struct request *req, const struct item_spec *spec,
          struct reply *reply)
{
    enum reserve_result result =
        store_put(cmd->store, spec, req->value, req->new_cas, &reply->cas);

    if (UNLIKELY(!cmd_reserved(cmd, req, result, reply)))
        return;
    reply->status = REPLY_STORED;
    reply->item.value_bytes = req->value_bytes;
    cmd_big_note(cmd, req, req->value_bytes);
}

void
cmd_store(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
          struct reply *reply)
{
    struct item_spec spec = spec_of(cmd, req);
    void *handle;

    if (mode_of(cmd, req) == (int)COMMIT_SET && !store_is_large(cmd->store, &spec)) {
        put_value(cmd, req, &spec, reply);
        return;
    }
    if (!cmd_reserve(cmd, req, &spec, &handle, reply))
        return;
    reply->status = REPLY_OUT_OF_MEMORY;
    if (cmd_fill(cmd, handle, 0, req->value))
        commit_value(cmd, req, handle, reply);
    if (reply->status == REPLY_OUT_OF_MEMORY)
        store_abort(cmd->store, handle);
}

/* --- append prepend --- */

/*
 * Whether the value alone is too long: then that is the answer, whatever else is
 * wrong, as it is for one that arrives piece by piece.
 */
static bool
refuse_length(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    void *handle;

    if (req->value_bytes + ITEM_SLACK_BYTES <= store_item_bytes_max(cmd->store))
        return false;
    if (!reserve_value(cmd, req, &handle, reply))
        return true;
    store_abort(cmd->store, handle);
    return false;
}

void
cmd_concat(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
           struct reply *reply)
{
    if (!refuse_length(cmd, req, reply))
        cmd_join(cmd, req, NULL, reply);
}

/* --- Values that are received where they will lie --- */

bool
cmd_upload_begin(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
                 void **handle, struct reply *reply)
{
    cmd_clear(reply);
    if (BROKEN(!op_has(req->op, PROP_STORES))) {
        reply->status = REPLY_INTERNAL;
        return false;
    }
    /* What is appended waits in an item of its own, until it is all there. */
    return reserve_value(cmd, req, handle, reply);
}

enum upload_space
cmd_upload_at(struct cmd *cmd, void *handle, uint64_t off, struct span *space)
{
    switch (store_space_at(cmd->store, handle, off, space)) {
    case SPACE_THERE: return UPLOAD_SPACE;
    case SPACE_MADE: return UPLOAD_SPACE_MADE;
    case SPACE_LATER: return UPLOAD_LATER;
    case SPACE_NONE: return UPLOAD_NO_MEMORY;
    }
    BUG("space_result out of range");
}

void
cmd_upload_finish(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
                  void *handle, struct reply *reply)
{
    cmd_clear(reply);
    if (op_has(req->op, PROP_JOINS)) {
        cmd_join(cmd, req, handle, reply);
        if (reply->status != REPLY_OUT_OF_MEMORY && reply->status != REPLY_JOIN)
            store_abort(cmd->store, handle);
    } else {
        commit_value(cmd, req, handle, reply);
    }
    cmd_count(cmd, req, reply->status);
    cmd_look(cmd, req, reply);
}

void
cmd_upload_abort(struct cmd *cmd, void *handle)
{
    store_abort(cmd->store, handle);
}

void
cmd_refuse_value(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    cmd_clear(reply);
    if (op_has(req->op, PROP_STORES) && refuse_length(cmd, req, reply) &&
        reply->status == REPLY_TOO_LARGE)
        return;
    reply->status = REPLY_BAD_CHUNK;
    cmd_count(cmd, req, reply->status);
}
