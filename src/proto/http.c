/* HTTP: finds the end of a request's head in the stream, within limits. */
#include "http_priv.h"

#include <string.h>

enum { EMPTY_LINES_MAX = 2 }; /* before a request: some clients send one behind the last */

/* Lines that have come of a request. */
struct lines {
    size_t first_bytes; /* of the first one with its end; 0: that has not come */
    size_t head_bytes;  /* of all, the empty one included; 0: that has not come */
    size_t open_off;    /* where the last one that has no end begins */
};

/* How many bytes of empty lines there are at the front of IN. */
static size_t
skip_empty(struct slice in)
{
    size_t off = 0;

    for (int i = 0; i < EMPTY_LINES_MAX; i++) {
        size_t end = off;

        if (end < in.len && in.ptr[end] == '\r')
            end++;
        if (end == in.len || in.ptr[end] != '\n')
            break;
        off = end + 1;
    }
    return off;
}

/* IN begins with a request. FROM: its first line that has not been looked at whole. */
static void
find_lines(struct slice in, size_t from, struct lines *lines)
{
    const char *newline;
    size_t off = from < in.len ? from : 0;

    *lines = (struct lines){.open_off = off};
    while (lines->head_bytes == 0 && off < in.len &&
           (newline = memchr(in.ptr + off, '\n', in.len - off)) != NULL) {
        size_t end = (size_t)(newline - in.ptr) + 1;
        size_t text = end - off - 1;

        if (text > 0 && newline[-1] == '\r')
            text--;
        if (text == 0 && off > 0)
            lines->head_bytes = end;
        if (off == 0)
            lines->first_bytes = end;
        off = end;
        lines->open_off = off;
    }
    if (from > 0 && lines->first_bytes == 0)
        lines->first_bytes = 1; /* it was within its limit when it was looked at */
}

/* What makes no sense any more: the answer is the last one. */
static enum parse_result
refuse_all(struct http_state *state, enum http_status status, struct slice in,
           struct request *req, size_t *used)
{
    state->scanned_off = 0;
    req->echo.http = (struct echo_http){.head = false};
    http_refuse(req, status, true);
    *used = in.len;
    return PARSE_COMPLETE;
}

/* However the stream is cut: too long a line or head is the same when all of it is there. */
static enum parse_result
parse(struct proto_state *proto_state, const struct session *session UNUSED, struct slice in,
      struct request *req, size_t *used)
{
    struct http_state *state = &proto_state->http;
    size_t skipped = skip_empty(in);
    struct slice rest = slice_make(in.ptr + skipped, in.len - skipped);
    struct lines lines;

    find_lines(rest, state->scanned_off, &lines);
    if (lines.first_bytes > HTTP_LINE_BYTES_MAX ||
        (lines.first_bytes == 0 && rest.len >= HTTP_LINE_BYTES_MAX))
        return refuse_all(state, HTTP_URI_TOO_LONG, in, req, used);
    if (lines.head_bytes > HTTP_HEAD_BYTES_MAX ||
        (lines.head_bytes == 0 && rest.len >= HTTP_HEAD_BYTES_MAX))
        return refuse_all(state, HTTP_FIELDS_TOO_LARGE, in, req, used);
    *used = 0;
    if (lines.head_bytes == 0) {
        state->scanned_off = (uint32_t)lines.open_off;
        return PARSE_PARTIAL;
    }
    state->scanned_off = 0;
    *used = skipped + lines.head_bytes;
    http_head_parse(slice_make(rest.ptr, lines.head_bytes), req);
    return PARSE_COMPLETE;
}

/* No request has a value. */
static bool
value_ends(const char *tail UNUSED)
{
    return true;
}

const struct proto_ops proto_http = {
    .name = "http",
    .denial_closes = true,
    .parse = parse,
    .value_ends = value_ends,
    .reply = http_reply,
    .stream_begin = http_stream_begin,
    .stat_line = http_stat_line,
    .registry_piece = http_registry_piece,
    .registry_kind = http_registry_kind,
    .stream_end = http_stream_end,
};
