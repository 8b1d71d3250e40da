#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lombard/proto/reply.h"

#include "client_priv.h"

bool
line_is(const struct client *c, const char *want)
{
    return c->piece_len == strlen(want) && memcmp(c->piece, want, c->piece_len) == 0;
}

bool
line_is_error(const struct client *c, enum outcome *outcome)
{
    static const struct {
        const char *line;
        enum outcome outcome;
    } errors[] = {
        {"SERVER_ERROR out of memory storing object\r\n", CAME_NO_MEMORY},
        {"SERVER_ERROR object too large for cache\r\n", CAME_TOO_LARGE},
        {"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n", CAME_NON_NUMERIC},
    };

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        if (line_is(c, errors[i].line)) {
            *outcome = errors[i].outcome;
            return true;
        }
    }
    return false;
}

bool
is_refused_instead(const struct client *c, const struct command *cmd)
{
    enum outcome outcome;

    return memory_is_short(c) && strstr(cmd->want, "bad data chunk") != NULL &&
           line_is_error(c, &outcome) && outcome == CAME_NO_MEMORY;
}

bool
take_u64(const char **p, uint64_t *number)
{
    const char *s = *p;
    uint64_t v = 0;

    if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
        return false;
    for (; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
            return false;
    *p = s;
    *number = v;
    return true;
}

/* --- The dialect --- */

/* Commands without a reply at the front have been executed when a later one is answered. */
static void
skip_unheard(struct client *c)
{
    while (c->first != NULL && c->first->quiet == NOREPLY) {
        judge_unheard(c, c->first);
        client_done(c);
    }
}

static void
on_line(struct client *c)
{
    if (c->arena->may_reject && line_is(c, "ERROR Too many open connections\r\n")) {
        c->was_rejected = true;
        return;
    }
    skip_unheard(c);
    if (c->first == NULL)
        client_wrong(c, "nothing was asked");
    c->first->when.to_ns = sim_now_ns();
    if (c->first->wire == WIRE_META)
        meta_line(c);
    else
        classic_line(c);
}

static size_t
text_feed(struct client *c, const char *src, size_t bytes)
{
    const char *newline;
    size_t n;

    if (c->body.reading)
        return client_read_body(c, src, bytes);
    newline = memchr(src, '\n', bytes);
    n = newline == NULL ? bytes : (size_t)(newline - src) + 1;
    if (c->piece_len + n >= sizeof(c->piece))
        client_wrong(c, "an endless line");
    memcpy(c->piece + c->piece_len, src, n);
    c->piece_len += n;
    c->piece[c->piece_len] = '\0';
    if (newline != NULL) {
        on_line(c);
        c->piece_len = 0;
    }
    return n;
}

static void
text_ask(struct client *c)
{
    if (sim_below(10) < c->manner.meta_in_ten) {
        meta_ask(c);
        return;
    }
    if (c->quiet_open)
        meta_ask_noop(c);
    classic_ask(c);
}

static void
text_ask_for_all(struct client *c)
{
    struct command *cmd;

    if (c->quiet_open) {
        meta_ask_noop(c);
        return;
    }
    cmd = command_create(WIRE_CLASSIC, DO_CONSTANT, 0);
    cmd->want = "VERSION " PROTO_VERSION "\r\n";
    client_put_text(c, "version\r\n");
    client_remember(c, cmd);
}

static void
text_ended(struct client *c)
{
    skip_unheard(c);
    if (c->first != NULL && c->first->wire == WIRE_META)
        meta_ended(c);
    skip_unheard(c);
}

const struct dialect text_dialect = {"text", text_ask, text_ask_for_all, text_feed, text_ended};
