/*
 * The text protocol: takes lines off the stream, and says which file each belongs to.
 *
 * However the stream is cut, the sequence of requests is the same. The exception is a line of
 * more than LINE_BYTES_MAX bytes that is no multiget: as in memcached it is taken when it is shown
 * with its end, and the connection closed when it is shown without. Lines end in "\r\n" or "\n".
 */
#include "request_priv.h"
#include "text_priv.h"

_Static_assert(LINE_BYTES_MAX <= UINT16_MAX, "scanned_off may be as much");

/* A shorter line, with its end, is no command: so says memcached, even of "mn\n". */
enum { LINE_BYTES_MIN = 4 };

/* A multiget with blanks before it: no command, and of any length. */
static bool
is_indented_multiget(const char *p, const char *end)
{
    const char *word = text_skip_blanks(p, end);
    size_t len = (size_t)(end - word);

    return word - p <= LINE_BLANKS_MAX && len >= 5 &&
           (memcmp(word, "get ", 4) == 0 || memcmp(word, "gets ", 5) == 0);
}

/* A command of one line, which has to be all there. */
static enum parse_result
line_next(struct text_state *state, const char **pos, const char *end, struct request *req)
{
    size_t len = (size_t)(end - *pos);
    const char *newline;
    struct slice line;

    if (text_set_quick(pos, end, req)) {
        state->scanned_off = 0;
        return PARSE_COMPLETE;
    }
    newline = text_find_newline(state, *pos, end);
    if (newline == NULL && len <= LINE_BYTES_MAX)
        return PARSE_PARTIAL;
    if (newline == NULL) {
        bool multiget = is_indented_multiget(*pos, end);

        *pos = end;
        return multiget ? text_get_refuse(state, false, REFUSE_ERROR, req)
                        : text_refuse_too_long(state, req);
    }
    line = slice_make(*pos, (size_t)(newline - *pos));
    *pos = newline + 1;
    if (line.len > 0 && newline[-1] == '\r')
        line.len--;
    if (*pos - line.ptr < LINE_BYTES_MIN)
        request_refuse(req, REFUSE_BAD_FORMAT);
    else
        text_line_parse(line, req);
    return PARSE_COMPLETE;
}

/* Drop the rest of a refused line; true when its end was there. */
static bool
skip_line(struct text_state *state, const char **pos, const char *end)
{
    const char *newline = NULL;

    if (*pos < end)
        newline = memchr(*pos, '\n', (size_t)(end - *pos));
    *pos = newline == NULL ? end : newline + 1;
    state->skip_line = newline == NULL;
    return newline != NULL;
}

/* Whatever is no key of a `get` that is all there. */
static NOINLINE enum parse_result
parse_other(struct text_state *state, const struct session *session, struct slice in,
            struct request *req, size_t *used)
{
    const char *pos = in.ptr;
    const char *begin;
    const char *end = in.ptr + in.len;
    enum parse_result result;

    if (UNLIKELY(!session->authenticated)) {
        result = text_auth_parse(state, &pos, end, req);
        *used = (size_t)(pos - in.ptr);
        return result;
    }
    if (UNLIKELY(state->skip_line) && !skip_line(state, &pos, end)) {
        *used = in.len;
        return PARSE_PARTIAL;
    }
    begin = pos;
    if (state->get_word != 0 || (pos < end && text_get_begins(state, &pos, end)))
        result = text_get_parse(state, begin, &pos, end, req);
    else if (pos < end)
        result = line_next(state, &pos, end, req);
    else
        result = PARSE_PARTIAL;
    *used = (size_t)(pos - in.ptr);
    return result;
}

static enum parse_result
parse(struct proto_state *proto_state, const struct session *session, struct slice in,
      struct request *req, size_t *used)
{
    struct text_state *state = &proto_state->text;
    const char *pos = in.ptr;

    if (LIKELY(session->authenticated && !state->skip_line) &&
        LIKELY(text_get_quick(state, &pos, in.ptr + in.len, req))) {
        *used = (size_t)(pos - in.ptr);
        return PARSE_COMPLETE;
    }
    return parse_other(state, session, in, req, used);
}

static bool
value_ends(const char *tail)
{
    return tail[0] == '\r' && tail[1] == '\n';
}

/* Each command line decides in which form it is answered. */
static struct reply_parts
reply_in_form(const struct request *req, const struct reply *reply, char *dst)
{
    if (LIKELY(reply->status == REPLY_HIT && (req->flags & REQ_META) == 0))
        return text_reply_hit(req, &reply->item, dst);
    return (req->flags & REQ_META) != 0 ? meta_reply(req, reply, dst)
                                        : text_reply_other(req, reply, dst);
}

const struct proto_ops proto_text = {
    .name = "text",
    .parse = parse,
    .parse_gets = text_get_more,
    .value_ends = value_ends,
    .reply = reply_in_form,
    .short_hit = text_short_hit,
    .stream_begin = text_stream_begin,
    .stat_line = text_stat_line,
    .dump_line = text_dump_line,
    .prefix_line = text_prefix_line,
    .stream_end = text_stream_end,
};
