/* Reckons times: what a client's exptime means, and what is left of it. */
#include "cmd_priv.h"

/* Longer than this, an exptime is a time of day (protocol.txt, "Expiration times"). */
enum { RELATIVE_S_MAX = 60 * 60 * 24 * 30 };

/* Before the first second of any clock: expired at once. */
enum { EXPIRED_S = 1 };

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
    return s > UINT32_MAX - cmd->clock->first_s ? UINT32_MAX
                                                : (uint32_t)s + cmd->clock->first_s;
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

int64_t
cmd_unix_s(const struct cmd *cmd, uint32_t s)
{
    return cmd->clock->start_unix_s + (int64_t)s - cmd->clock->first_s;
}

uint32_t
cmd_flush_at_s(const struct cmd *cmd, int64_t exptime)
{
    enum { NOW = 0 };
    uint32_t at_s;

    if (exptime <= 0)
        return NOW;
    at_s = cmd_expires_s(cmd, exptime);
    if (at_s == EXPIRED_S)
        return UINT32_MAX;
    /* As in memcached, in the second before: seconds begin anywhere, so that it is none too late. */
    at_s--;
    return at_s <= cmd->clock->uptime_s ? NOW : at_s;
}
