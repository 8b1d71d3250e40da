/* Keeps a partial command of an idle connection in few bytes, so that its buffer can go back. */
#include "stash.h"

#include <string.h>

#include "lombard/base/invariant.h"
#include "lombard/base/sys.h"
#include "server_state.h"

_Static_assert((int)STASH_BYTES_MAX <= (int)BUF_BYTES, "a stash fits into a read buffer");

struct stash {
    uint32_t bytes;
    char data[];
};

bool
conn_keep_input(struct conn *c, struct slice input)
{
    struct stash *stash = sys_malloc(sizeof(*stash) + input.len);

    if (stash == NULL)
        return false;
    stash->bytes = (uint32_t)input.len;
    memcpy(stash->data, input.ptr, input.len);
    c->server->stats.stash_bytes += input.len;
    c->stash = stash;
    return true;
}

struct slice
conn_stashed_input(const struct conn *c)
{
    return slice_make(c->stash->data, c->stash->bytes);
}

void
conn_stash_input(struct conn *c)
{
    struct server *server = c->server;
    struct slice in = conn_input(c);

    if (BROKEN(c->stash != NULL))
        return;
    if (in.len > DRAWN(STASH_BYTES_MAX) ||
        server->stats.stash_bytes + in.len > server->config.buffer_bytes)
        return;
    if (!conn_keep_input(c, in))
        return; /* it keeps the buffer instead */
    buf_consumed(c->rbuf, in.len, NULL);
    pool_return(server->pool, LOAN_FOR_INPUT, &c->rbuf);
}

void
conn_unstash_input(struct conn *c)
{
    if (c->stash == NULL)
        return;
    buf_append(c->rbuf, slice_make(c->stash->data, c->stash->bytes));
    conn_drop_stash(c);
}

uint32_t
conn_stash_bytes(const struct conn *c)
{
    return c->stash == NULL ? 0 : c->stash->bytes;
}

void
conn_drop_stash(struct conn *c)
{
    if (c->stash == NULL)
        return;
    c->server->stats.stash_bytes -= c->stash->bytes;
    sys_free(c->stash);
    c->stash = NULL;
}
