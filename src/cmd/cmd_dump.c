/* Listings of all items, which the protocol that asked formats. */
#include "cmd_priv.h"

void
cmd_dump(struct cmd *cmd, struct session *session UNUSED, const struct request *req,
         struct reply *reply)
{
    reply->stream = STREAM_ITEMS;
    if (!cmd->config.dump_enabled)
        reply->status = REPLY_DUMP_OFF;
    else
        reply->status = req->refusal.len > 0 ? REPLY_REFUSED : REPLY_STREAM;
}

/* Of one class only so many: all items are of class 1. */
void
cmd_dump_begin(const struct request *req, struct cmd_stream *stream)
{
    stream->left = UINT64_MAX;
    if (req->op == OP_DUMP_CLASS && req->initial != 1)
        stream->left = 0;
    else if (req->op == OP_DUMP_CLASS && req->delta != 0)
        stream->left = req->delta;
}

static void
show(const struct cmd *cmd, const struct item *item, struct dump_item *shown)
{
    bool never = item->expires_s == STORE_NEVER;

    *shown = (struct dump_item){
        .key = item->key,
        .value_bytes = item->value_bytes,
        .cas = item->cas,
        .client_flags = item->client_flags,
        .expires_unix_s = never ? -1 : cmd_unix_s(cmd, item->expires_s),
        .accessed_unix_s = cmd_unix_s(cmd, item->accessed_s),
        .was_hit = (item->marks & ITEM_FETCHED) != 0,
    };
}

enum line_result
cmd_stream_item(struct cmd *cmd, struct cmd_stream *stream, struct dump_item *shown)
{
    struct item item;

    if (stream->left == 0)
        return LINE_END;
    switch (store_next(cmd->store, &stream->cursor, &item)) {
    case WALK_ITEM:
        stream->left--;
        show(cmd, &item, shown);
        return LINE_READY;
    case WALK_ON: return LINE_LATER;
    case WALK_END: return LINE_END;
    }
    BUG("walk_result out of range");
}
