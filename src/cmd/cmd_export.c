/* Commands that are asked by HTTP: statistics, rendered, and whether the server serves. */
#include <string.h>

#include "cmd_priv.h"

/* Whether req->credentials are "<user>:<password>" of one who may ask; else *REPLY says what is wrong. */
static bool
check_credentials(struct cmd *cmd, const struct request *req, struct reply *reply)
{
    struct slice all = req->credentials;
    const char *colon = all.len == 0 ? NULL : memchr(all.ptr, ':', all.len);
    struct slice user, password;

    if (cmd->config.passwords == NULL)
        return true;
    if (all.len == 0) {
        reply->status = REPLY_DENIED;
        return false;
    }
    user = slice_make(all.ptr, colon == NULL ? all.len : (size_t)(colon - all.ptr));
    password =
        colon == NULL ? slice_make(NULL, 0) : slice_make(colon + 1, all.len - user.len - 1);
    cmd->stats.auth_cmds++;
    if (passwords_match(cmd->config.passwords, user, password))
        return true;
    cmd->stats.auth_errors++;
    reply->status = REPLY_AUTH_FAILED;
    return false;
}

void
cmd_export(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
           struct reply *reply)
{
    struct stat_cursor cursor;

    cmd->stats.http_requests++;
    if (!check_credentials(cmd, req, reply))
        return;
    if (req->key.len > 0 &&
        !stats_begin_with(cmd->config.stats, req->key, req->value, &cursor)) {
        reply->status = REPLY_NO_STATS;
        return;
    }
    reply->status = REPLY_STREAM;
    reply->stream = STREAM_REGISTRY;
}

void
cmd_health(struct cmd *cmd, struct session *session UNUSED, const struct request *req UNUSED,
           struct reply *reply)
{
    cmd->stats.http_requests++;
    reply->status = cmd->stopping ? REPLY_STOPPING : REPLY_OK;
}

const struct stat_registry *
cmd_registry(const struct cmd *cmd)
{
    return cmd->config.stats;
}

void
cmd_set_stopping(struct cmd *cmd)
{
    cmd->stopping = true;
}
