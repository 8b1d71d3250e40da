#include "lombard/cmd/cmd.h"

#include <string.h>

#include "lombard/base/sys.h"

#include "cmd_priv.h"

/* Longer than this, an exptime is a time of day (protocol.txt, "Expiration times"). */
enum { RELATIVE_S_MAX = 60 * 60 * 24 * 30 };

/* Before the first second of any clock: expired at once. */
enum { EXPIRED_S = 1 };

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
    cmd_new_iteration(cmd);
    return cmd;
}

void
cmd_destroy(struct cmd *cmd)
{
    sys_free(cmd);
}

void
cmd_new_iteration(struct cmd *cmd)
{
    store_set_time(cmd->store, cmd->clock->uptime_s);
}

bool
cmd_work(struct cmd *cmd)
{
    return store_work(cmd->store);
}

uint32_t
cmd_expires_s(const struct cmd *cmd, int64_t exptime)
{
    int64_t s;

    if (exptime == 0)
        return STORE_NEVER;
    if (exptime < 0)
        return EXPIRED_S;
    if (exptime <= RELATIVE_S_MAX)
        return cmd->clock->uptime_s + (uint32_t)exptime;
    if (exptime <= cmd->clock->start_unix_s)
        return EXPIRED_S;
    s = exptime - cmd->clock->start_unix_s;
    return s > UINT32_MAX - CLOCK_EPOCH_S ? UINT32_MAX : (uint32_t)s + CLOCK_EPOCH_S;
}

int64_t
cmd_ttl_s(const struct cmd *cmd, uint32_t expires_s)
{
    uint32_t now_s = cmd->clock->uptime_s;

    if (expires_s == STORE_NEVER)
        return -1;
    return expires_s > now_s ? (int64_t)(expires_s - now_s) : 0;
}

void
cmd_show_item(const struct cmd *cmd, const struct item *item, struct reply_item *shown)
{
    *shown = (struct reply_item){
        .handle = item->handle,
        .key = item->key,
        .value = item->value,
        .value_bytes = item->value_bytes,
        .cas = item->cas,
        .client_flags = item->client_flags,
        .ttl_s = cmd_ttl_s(cmd, item->expires_s),
        .idle_s = cmd->clock->uptime_s - item->accessed_s,
        .was_hit = (item->marks & ITEM_FETCHED) != 0,
        .stale = (item->marks & ITEM_STALE) != 0,
    };
}

void
cmd_prepare(struct cmd *cmd, struct request *req)
{
    if (!op_has(req->op, PROP_KEYED))
        return;
    req->hash = store_hash(cmd->store, req->key);
    store_prefetch_bucket(cmd->store, req->hash);
}

void
cmd_prefetch(struct cmd *cmd, const struct request *req)
{
    if (op_has(req->op, PROP_KEYED))
        store_prefetch_item(cmd->store, req->hash);
}

/* --- Commands that concern no item --- */

/*
 * When what was stored until then goes. A time of day before this process began is no time
 * for memcached: nothing goes, and neither does what an earlier flush had announced.
 */
static uint32_t
flush_at_s(const struct cmd *cmd, int64_t exptime)
{
    enum { AT_ONCE = 0 };
    uint32_t at_s;

    if (exptime <= 0)
        return AT_ONCE;
    at_s = cmd_expires_s(cmd, exptime);
    if (at_s == EXPIRED_S)
        return UINT32_MAX;
    return at_s <= cmd->clock->uptime_s ? AT_ONCE : at_s;
}

void
cmd_flush(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    if (!cmd->config.flush_enabled) {
        reply->status = REPLY_FLUSH_OFF;
        return;
    }
    store_flush(cmd->store, flush_at_s(cmd, req->exptime));
    reply->status = REPLY_OK;
}

void
cmd_shutdown(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    if (!cmd->config.shutdown_enabled)
        reply->status = REPLY_SHUTDOWN_OFF;
    else if (req->key.len > 0)
        reply->status = REPLY_BAD_MODE;
    else
        reply->status = REPLY_NOTHING;
}

void
cmd_version(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    (void)cmd;
    (void)req;
    reply->status = REPLY_VERSION;
}

void
cmd_verbosity(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    (void)cmd;
    (void)req;
    reply->status = REPLY_OK;
}

void
cmd_noop(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    (void)cmd;
    (void)req;
    reply->status = REPLY_NOOP;
}

void
cmd_quit(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    (void)cmd;
    (void)req;
    reply->status = REPLY_OK;
}

void
cmd_end(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    (void)cmd;
    (void)req;
    reply->status = REPLY_MISS;
}

void
cmd_refused(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    (void)cmd;
    (void)req;
    reply->status = REPLY_REFUSED;
}

/* --- The hot one --- */

void
cmd_get(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    struct item item;

    if (!store_get(cmd->store, req->key, req->hash, true, &item)) {
        cmd->stats.get_misses++;
        reply->status = REPLY_MISS;
        return;
    }
    cmd->stats.get_hits++;
    reply->status = REPLY_HIT;
    /* What the meta commands want to know besides is not filled: nobody asks. */
    reply->item.handle = item.handle;
    reply->item.key = item.key;
    reply->item.value = item.value;
    reply->item.value_bytes = item.value_bytes;
    reply->item.cas = item.cas;
    reply->item.client_flags = item.client_flags;
}

static cmd_fn *const handlers[] = {
#define OP(NAME, handler, latency, commit, counter, properties) [OP_##NAME] = cmd_##handler,
#include "lombard/proto/op.def"
#undef OP
};

void
cmd_execute(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    if (LIKELY(req->op == OP_GET)) {
        cmd_get(cmd, req, reply);
    } else {
        memset(reply, 0, sizeof(*reply));
        handlers[req->op](cmd, req, reply);
    }
    cmd_count(cmd, req, reply->status);
}

/* --- Values that are sent from where they lie --- */

struct slice
cmd_value_at(const struct cmd *cmd, const void *handle, uint64_t off)
{
    return store_value_at(cmd->store, handle, off);
}

void
cmd_pin(struct cmd *cmd, const void *addr)
{
    store_pin(cmd->store, addr);
}

void
cmd_unpin(struct cmd *cmd, const void *addr)
{
    store_unpin(cmd->store, addr);
}

void
cmd_pin_item(struct cmd *cmd, const void *handle)
{
    store_pin_item(cmd->store, handle);
}

void
cmd_unpin_item(struct cmd *cmd, const void *handle)
{
    store_unpin_item(cmd->store, handle);
}

uint64_t
cmd_pin_count(const struct cmd *cmd)
{
    return store_pin_count(cmd->store);
}

uint32_t
cmd_item_pin_count(const struct cmd *cmd, const void *handle)
{
    return store_item_pin_count(cmd->store, handle);
}

bool
cmd_check(const struct cmd *cmd)
{
    return store_check(cmd->store);
}

uint64_t
cmd_missing_bytes(const struct cmd *cmd)
{
    return store_missing_bytes(cmd->store);
}

uint64_t
cmd_excess_bytes(const struct cmd *cmd)
{
    return store_excess_bytes(cmd->store);
}

void
cmd_trial_begin(struct cmd *cmd)
{
    store_trial_begin(cmd->store);
}

void
cmd_trial_unpin(struct cmd *cmd, const void *addr)
{
    store_trial_unpin(cmd->store, addr);
}

void
cmd_trial_unpin_item(struct cmd *cmd, const void *handle)
{
    store_trial_unpin_item(cmd->store, handle);
}

void
cmd_trial_upload_abort(struct cmd *cmd, const void *handle)
{
    store_trial_abort(cmd->store, handle);
}

struct cmd_trial
cmd_trial_result(const struct cmd *cmd)
{
    struct store_trial trial = store_trial_result(cmd->store);

    return (struct cmd_trial){trial.held_bytes, trial.freed_bytes};
}
