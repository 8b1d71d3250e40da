/* What all files of a client use: checked memory, chances, and the end of a world that went wrong. */
#include <stdio.h>
#include <stdlib.h>

#include "client_priv.h"

void *
client_checked(void *mem)
{
    if (mem == NULL)
        abort();
    return mem;
}

bool
in_16(uint32_t n)
{
    return sim_below(16) < n;
}

void
client_describe(const struct client *c, char *dst, size_t bytes)
{
    static const char *const verbs[] = {"get",  "store",    "delete", "arith", "touch", "me",
                                        "noop", "constant", "stats",  "dump",  "flush", "quit"};
    const struct client_command *cmd = c->first;

    (void)snprintf(dst, bytes,
                   "client %u (%s): %u in flight, %zu bytes unsent, %zu readable, first %s of "
                   "key %u%s%s",
                   c->identity, c->dialect != NULL ? c->dialect->name : "nothing", c->in_flight,
                   c->tx_tail - c->tx_head, c->link != NULL ? sim_readable(c->link) : 0,
                   cmd != NULL ? verbs[cmd->verb] : "nothing",
                   cmd != NULL && cmd->key_count > 0 ? cmd->keys[0] : 0U,
                   cmd != NULL ? cmd->tokens : "", c->body.reading ? " (in a value)" : "");
}

void
client_wrong(const struct client *c, const char *why)
{
    char about[512];

    client_describe(c, about, sizeof(about));
    sim_die("%s: %s; the reply is '%.*s'", about, why,
            (int)(c->piece_len < 300 ? c->piece_len : 300), c->piece);
}
