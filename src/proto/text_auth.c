/*
 * Parses the lines of a client that is not authenticated: of these, only one has a meaning,
 *
 *     set <any word> <any word> <any word> <bytes>\r\n
 *     <user> <password>\r\n
 *
 * and "quit". Every other line is a command that such a client may not use. Source:
 * protocol.txt, "Authentication", and memcached 1.6.45 itself.
 */
#include "request_priv.h"
#include "text_priv.h"
#include "token_priv.h"

/* A shorter line, with its '\r', ends the connection, as in memcached. */
enum { AUTH_LINE_BYTES_MIN = 6 };

/* Answer REFUSAL, which even such a client may see. */
static void
refuse_open(struct request *req, struct slice refusal)
{
    request_refuse(req, refusal);
    req->op = OP_REFUSED_OPEN;
}

/* "noreply" does not count: every client is told whether it is authenticated. */
static void
parse_auth(const struct words *words, struct request *req)
{
    uint32_t bytes;

    if (words->count < 5 || !words_has(words, 0, SLICE("set")) ||
        !token_u32(words->at[4], &bytes)) {
        request_init(req, OP_REFUSED);
        return;
    }
    if (bytes > AUTH_BYTES_MAX)
        refuse_open(req, SLICE("CLIENT_ERROR auth token too long\r\n"));
    else
        request_init(req, OP_AUTH);
    if (bytes > VALUE_BYTES_MAX)
        return; /* that is no length: what follows is commands */
    req->value_bytes = bytes;
    req->body_bytes = bytes + (uint64_t)REQUEST_TAIL_BYTES;
}

static void
parse_short(struct slice line, struct request *req)
{
    bool quits = line.len >= 4 && memcmp(line.ptr, "quit", 4) == 0;

    if (quits)
        request_init(req, OP_QUIT);
    else
        refuse_open(req, slice_make(NULL, 0));
    req->flags = REQ_CLOSE | REQ_QUIET;
}

enum parse_result
text_auth_parse(struct text_state *state, const char **pos, const char *end,
                struct request *req)
{
    size_t len = (size_t)(end - *pos);
    const char *newline = text_find_newline(state, *pos, end);
    struct slice line;
    struct words words;

    if (newline == NULL && len <= LINE_BYTES_MAX)
        return PARSE_PARTIAL;
    if (newline == NULL) {
        *pos = end;
        refuse_open(req, REFUSE_TOO_LONG);
        req->flags = REQ_CLOSE;
        return PARSE_COMPLETE;
    }
    line = slice_make(*pos, (size_t)(newline - *pos));
    *pos = newline + 1;
    if (line.len < AUTH_LINE_BYTES_MIN) {
        parse_short(line, req);
        return PARSE_COMPLETE;
    }
    if (newline[-1] == '\r')
        line.len--;
    words_split(line, &words);
    if (line.ptr[0] == ' ')
        words.count = 0;
    parse_auth(&words, req);
    return PARSE_COMPLETE;
}
