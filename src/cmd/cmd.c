/* Makes the command layer, and executes each request by its operation's handler. */
#include "lombard/cmd/cmd.h"

#include <string.h>

#include "cmd_priv.h"
#include "lombard/base/sys.h"

struct cmd *
cmd_create(const struct cmd_config *config, struct store *store)
{
    struct cmd *cmd = sys_malloc(sizeof(*cmd));

    if (cmd == NULL)
        return NULL;
    memset(cmd, 0, sizeof(*cmd));
    cmd->config = *config;
    if (config->join_bytes == 0)
        cmd->config.join_bytes = CMD_JOIN_BYTES;
    cmd->clock = config->clock;
    cmd->store = store;
    if (!cmd_prefixes_init(&cmd->prefixes, config)) {
        sys_free(cmd);
        return NULL;
    }
    if (!cmd_hot_init(cmd) || !cmd_big_init(cmd)) {
        cmd_destroy(cmd);
        return NULL;
    }
    cmd_new_iteration(cmd);
    return cmd;
}

void
cmd_destroy(struct cmd *cmd)
{
    if (cmd == NULL)
        return;
    cmd_big_fini(cmd);
    cmd_hot_fini(cmd);
    cmd_prefixes_fini(&cmd->prefixes);
    sys_free(cmd);
}

void
cmd_new_iteration(struct cmd *cmd)
{
    store_set_time(cmd->store, cmd->clock->uptime_s);
}

bool
cmd_is_due(const struct cmd *cmd)
{
    return store_is_due(cmd->store, cmd->clock->now_ns);
}

bool
cmd_work(struct cmd *cmd)
{
    cmd_hot_work(cmd);
    return store_work(cmd->store);
}

void
cmd_prepare(struct cmd *cmd, struct request *req)
{
    if (!op_has(req->op, PROP_KEYED))
        return;
    req->hash = store_hash(cmd->store, req->key);
    req->place.as_of = 0;
    store_prefetch_bucket(cmd->store, req->hash);
}

bool
cmd_prefetch(struct cmd *cmd, struct request *req)
{
    return op_has(req->op, PROP_KEYED) &&
           store_prefetch_item(cmd->store, req->hash, &req->place);
}

void
cmd_prefetch_far(struct cmd *cmd, struct request *req)
{
    store_prefetch_far(cmd->store, req->hash, &req->place);
}

MERGED void
cmd_prefetch_value(const struct cmd *cmd, const struct request *req)
{
    if (op_has(req->op, PROP_READS))
        store_prefetch_value(cmd->store, &req->place);
}

static cmd_fn *const handlers[] = {
#define OP(NAME, handler, kind, commit, counter, properties) [OP_##NAME] = cmd_##handler,
#include "lombard/proto/op.def"
#undef OP
};

void
cmd_execute(struct cmd *cmd, struct session *session, const struct request *req,
            struct reply *reply)
{
    if (LIKELY(req->op == OP_GET)) {
        cmd_get(cmd, session, req, reply); /* it sets all that is looked at */
        cmd_count_op(cmd, OP_GET);
        if (UNLIKELY(cmd->prefixes.on))
            cmd_prefix_count(cmd, req, reply->status == REPLY_HIT);
        return;
    }
    cmd_clear(reply);
    handlers[req->op](cmd, session, req, reply);
    cmd_count(cmd, req, reply->status);
}

static void
tell_evicted(void *ctx, const struct item *item)
{
    const struct cmd *cmd = ctx;
    const struct cmd_evicted evicted = {
        .key = item->key,
        .value_bytes = item->value_bytes,
        .ttl_s = cmd_ttl_s(cmd, item->expires_s),
        .idle_s = cmd->clock->uptime_s - item->accessed_s,
        .was_hit = (item->marks & ITEM_FETCHED) != 0,
    };

    cmd->on_evict(cmd->on_evict_ctx, &evicted);
}

void
cmd_on_evict(struct cmd *cmd, cmd_on_evict_fn *on_evict, void *ctx)
{
    cmd->on_evict = on_evict;
    cmd->on_evict_ctx = ctx;
    store_on_evict(cmd->store, on_evict == NULL ? NULL : tell_evicted, cmd);
}

void
cmd_stream_begin(struct cmd *cmd, const struct request *req, struct cmd_stream *stream)
{
    memset(stream, 0, sizeof(*stream));
    if (req->op == OP_STATS || req->op == OP_CONFIG)
        cmd_stats_begin(cmd, req, stream);
    else if (req->op != OP_EXPORT && req->op != OP_DETAIL)
        cmd_dump_begin(req, stream);
}
