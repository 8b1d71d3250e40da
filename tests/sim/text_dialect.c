/* A client that speaks text: which command each line answers, classic and meta mixed. */
#include <string.h>

#include "lombard/cmd/cmd.h"

#include "client_priv.h"

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
    if (c->world->may_reject && line_is(c, "ERROR Too many open connections\r\n")) {
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
    if (c->quiet_open) {
        meta_ask_noop(c);
        return;
    }
    client_ask_constant(c, WIRE_CLASSIC, "version\r\n", "VERSION " CMD_VERSION "\r\n");
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
