/*
 * The command stats, which answers from the registry, and what the commands themselves count.
 * Source: protocol.txt, "Statistics", and what memcached itself prints.
 */
#include "cmd_priv.h"
#include "lombard/base/invariant.h"

static const struct stat_entry entries[] = {
#define STAT(name, kind, unit, help)                                                           \
    {#name, STAT_##kind,  UNIT_##unit,                                                         \
     help,  stat_get_u64, offsetof(struct cmd, stats) + offsetof(struct cmd_counters, name)},
#include "lombard/cmd/cmd_stats.def"
#undef STAT
};

static void
reset(void *ctx)
{
    stat_reset_counters(entries, ARRAY_LEN(entries), ctx);
}

static const struct stat_section section = {entries, ARRAY_LEN(entries), NULL, "", reset};

void
cmd_add_stats(struct cmd *cmd, struct stat_registry *registry)
{
    stats_add(registry, "", &section, cmd);
    cmd_add_prefix_stats(cmd, registry);
    store_add_stats(cmd->store, registry);
    cmd_add_class_stats(cmd, registry);
    cmd_add_hot_stats(cmd, registry);
}

void
cmd_stats(struct cmd *cmd, struct session *session, const struct request *req,
          struct reply *reply)
{
    struct stat_cursor cursor;

    if (slice_equal(req->key, SLICE("reset"))) {
        stats_reset(cmd->config.stats);
        reply->status = REPLY_RESET;
    } else if (stats_begin_with(cmd->config.stats, req->key, req->value, &cursor)) {
        reply->stream = STREAM_STATS;
        reply->status = session->no_admin && stats_is_guarded(cmd->config.stats, &cursor)
                            ? REPLY_ADMIN_ONLY
                            : REPLY_STREAM;
    } else if (!cmd->config.dump_enabled && cmd_is_hot_group(req->key)) {
        reply->status = REPLY_DUMP_OFF;
    } else {
        reply->status = stats_begin(cmd->config.stats, req->key, &cursor) ? REPLY_BAD_ARGUMENT
                                                                          : REPLY_NO_STATS;
    }
}

/* What can be set, as a group of statistics; to set it is for the layer conn. */
void
cmd_config(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
           struct reply *reply)
{
    struct stat_cursor cursor;

    reply->stream = STREAM_STATS;
    if (req->value.len > 0)
        reply->status = REPLY_CONN;
    else
        reply->status = stats_begin(cmd->config.stats, SLICE("config"), &cursor)
                            ? REPLY_STREAM
                            : REPLY_NO_STATS;
}

void
cmd_stats_begin(struct cmd *cmd, const struct request *req, struct cmd_stream *stream)
{
    struct slice group = req->op == OP_CONFIG ? SLICE("config") : req->key;

    /* cmd_stats() had found it. Else the stream ends at once. */
    (void)BROKEN(!stats_begin_with(cmd->config.stats, group, req->value, &stream->stats));
}

enum line_result
cmd_stream_stat(struct cmd *cmd, struct cmd_stream *stream, struct stat_line *line)
{
    switch (stats_next(cmd->config.stats, &stream->stats, line)) {
    case STAT_FOUND: return LINE_READY;
    case STAT_SEARCHING: return LINE_LATER;
    case STAT_END: return LINE_END;
    }
    BUG("stat_step out of range");
}
