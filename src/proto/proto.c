#include "lombard/proto/proto.h"

#include <string.h>

#include "lombard/proto/mcbp.h"

const char *
proto_name(enum proto_kind kind)
{
    switch (kind) {
    case PROTO_UNKNOWN: return "unknown";
    case PROTO_TEXT: return "text";
    case PROTO_BINARY: return "binary";
    }
    BUG("proto_kind out of range");
}

enum parse_result
proto_parse(struct proto_state *state, struct slice in, struct request *req, size_t *used)
{
    *used = 0;
    if (UNLIKELY(state->kind == PROTO_UNKNOWN)) {
        if (in.len == 0)
            return PARSE_PARTIAL;
        state->kind =
            (unsigned char)in.ptr[0] == MCBP_MAGIC_REQUEST ? PROTO_BINARY : PROTO_TEXT;
    }
    if (state->kind == PROTO_BINARY)
        return mcbp_parse(in, req, used);
    return text_parse(&state->text, in, req, used);
}

bool
proto_value_ends(const struct proto_state *state, const char *tail)
{
    return state->kind == PROTO_BINARY || text_value_ends(tail);
}

size_t
proto_reply_head(const struct proto_state *state, const struct request *req,
                 const struct reply *reply, char *dst)
{
    if (state->kind == PROTO_BINARY)
        return mcbp_reply_head(req, reply, dst);
    return text_reply_head(req, reply, dst);
}

bool
proto_reply_has_value(const struct proto_state *state, const struct request *req,
                      const struct reply *reply)
{
    if (state->kind == PROTO_BINARY)
        return mcbp_reply_has_value(req, reply);
    return text_reply_has_value(req, reply);
}

struct slice
proto_reply_tail(const struct proto_state *state, const struct request *req,
                 const struct reply *reply)
{
    if (state->kind == PROTO_BINARY)
        return slice_make(NULL, 0);
    return text_reply_tail(req, reply);
}

size_t
proto_stat_line(const struct proto_state *state, const struct request *req, const char *name,
                const char *value, char *dst)
{
    if (state->kind == PROTO_BINARY)
        return mcbp_stat_packet(req, name, value, dst);
    return text_stat_line(name, value, dst);
}

size_t
proto_stream_end(const struct proto_state *state, const struct request *req, char *dst)
{
    struct slice end;

    if (state->kind == PROTO_BINARY)
        return mcbp_stream_end(req, dst);
    end = text_stream_end(req);
    memcpy(dst, end.ptr, end.len);
    return end.len;
}
