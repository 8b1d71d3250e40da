/* Commands that concern no item: flush, version, shutdown, and those that only answer. */
#include <string.h>

#include "cmd_priv.h"

void
cmd_flush(struct cmd *cmd, struct session *session, const struct request *req,
          struct reply *reply)
{
    if (!cmd->config.flush_enabled) {
        reply->status = REPLY_FLUSH_OFF;
        return;
    }
    if (cmd->config.admin_flush && session->no_admin) {
        reply->status = REPLY_ADMIN_ONLY;
        return;
    }
    if (req->refusal.len > 0) {
        reply->status = REPLY_REFUSED;
        return;
    }
    store_flush(cmd->store, cmd_flush_at_s(cmd, req->exptime));
    reply->status = REPLY_OK;
}

void
cmd_memlimit(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
             struct reply *reply)
{
    uint64_t bytes = req->delta << 20;
    uint64_t least = store_limit_bytes_min(cmd->store);

    reply->status = store_set_limit(cmd->store, bytes) ? REPLY_OK : REPLY_LIMIT_OFF;
    reply->number =
        bytes < least ? ((least - 1) >> 20) + 1 : store_limit_bytes_max(cmd->store) >> 20;
}

void
cmd_shutdown(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
             struct reply *reply)
{
    if (!cmd->config.shutdown_enabled)
        reply->status = REPLY_SHUTDOWN_OFF;
    else if (req->key.len > 0)
        reply->status = REPLY_BAD_MODE;
    else
        reply->status = REPLY_NOTHING;
}

void
cmd_version(struct cmd *cmd UNUSED, struct session *session UNUSED,
            const struct request *req UNUSED, struct reply *reply)
{
    reply->status = REPLY_TEXT;
    reply->text_bytes = sizeof(CMD_VERSION) - 1;
    memcpy(reply->text, CMD_VERSION, sizeof(CMD_VERSION) - 1);
}

/* What is answered alike whatever is asked; some of it means more to the connection. */
#define ANSWERS(handler, answer)                                                               \
    void cmd_##handler(struct cmd *cmd UNUSED, struct session *session UNUSED,                 \
                       const struct request *req UNUSED, struct reply *reply)                  \
    {                                                                                          \
        reply->status = (answer);                                                              \
    }

ANSWERS(verbosity, REPLY_OK)
ANSWERS(conn, REPLY_CONN)
ANSWERS(noop, REPLY_NOOP)
ANSWERS(quit, REPLY_OK)
ANSWERS(end, REPLY_MISS)

void
cmd_refused(struct cmd *cmd, struct session *session, const struct request *req UNUSED,
            struct reply *reply)
{
    cmd->stats.http_refused += session->role == ROLE_HTTP;
    reply->status = REPLY_REFUSED;
}
