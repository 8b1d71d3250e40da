#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lombard/proto/reply.h"

#include "client_priv.h"

enum { RECV_BYTES = 64 * 1024 };

void *
client_checked(void *mem)
{
    if (mem == NULL)
        abort();
    return mem;
}

/* A new name: nothing that an earlier one stored is its business. */
static void
new_identity(struct client *c)
{
    c->identity = c->arena->next_identity++;
    for (unsigned i = 0; i < KEYS; i++) {
        int len = snprintf(c->names[i], sizeof(c->names[i]), "%u:%u:", c->identity, i);
        uint32_t more = i == 0 ? KEY_BYTES : i < 3 ? sim_below(KEY_BYTES) : sim_below(12);

        for (; len < KEY_BYTES && more > 0; more--)
            c->names[i][len++] = (char)('a' + sim_below(26));
        c->names[i][len] = '\0';
        item_clear(&c->items[i]);
    }
}

static void
new_manner(struct client *c)
{
    static const uint32_t pieces[] = {0, 0, 0, 1, 7, 300, 5000};
    static const uint32_t reads[] = {0, 0, 0, 0, 1, 40, 1000, 20000};
    static const uint32_t depths[] = {1, 1, 4, 16, 64};

    /* One by one: the order within an initializer is the compiler's choice. */
    c->manner.depth = depths[sim_below(ARRAY_LEN(depths))];
    c->manner.piece_bytes = pieces[sim_below(ARRAY_LEN(pieces))];
    c->manner.read_bytes = reads[sim_below(ARRAY_LEN(reads))];
    c->manner.idle_one_in = sim_below(4) * 3;
    c->manner.stall_one_in = sim_below(4) == 0 ? 20 : 0;
    c->manner.stall_turns = 10 + sim_below(300);
}

/* --- Connections --- */

static void
forget_connection(struct client *c)
{
    for (struct command *cmd = c->first; cmd != NULL; cmd = cmd->next)
        if (cmd->verb == DO_FLUSH)
            c->arena->facts.evictable = true; /* it may strike at any time */
    while (c->first != NULL) {
        struct command *cmd = c->first;

        c->first = cmd->next;
        command_destroy(cmd);
    }
    c->last = &c->first;
    c->in_flight = 0;
    c->tx_head = c->tx_tail = 0;
    c->line_len = 0;
    c->in_body = false;
    free(c->body_own);
    c->body_own = NULL;
    c->said_quit = false;
    c->finished_sending = false;
    c->stalled_turns = 0;
    sim_link_free(c->link);
    c->link = NULL;
}

static bool
nothing_in_flight(const struct client *c)
{
    return c->first == NULL && c->tx_head == c->tx_tail && !c->in_body && c->line_len == 0;
}

static void
lose_connection(struct client *c)
{
    c->arena->lost_connections++;
    forget_connection(c);
    new_identity(c);
}

/* The server has closed: was it asked to? */
static void
on_closed(struct client *c)
{
    bool asked;

    if (c->finished_sending || c->said_quit) {
        /* All that was sent before has been answered, and nothing follows. */
        client_skip_unheard(c);
        asked = c->first == NULL || c->first->verb == DO_QUIT;
        if (asked && c->tx_head == c->tx_tail && !c->in_body && c->line_len == 0) {
            forget_connection(c);
            return;
        }
    }
    if (!c->arena->may_close)
        client_wrong(c, "the server closed the connection");
    lose_connection(c);
}

static void
open_connection(struct client *c)
{
    static const uint32_t caps[] = {1, 16, 100, 1460, 4096, 20000, 65536, 400000};
    uint32_t in_cap = caps[sim_below(ARRAY_LEN(caps))];
    uint32_t out_cap = caps[sim_below(ARRAY_LEN(caps))];

    c->link = sim_connect(c->arena->listen_fd, in_cap < 100 ? 100 : in_cap, out_cap);
    c->arena->connections++;
    new_manner(c);
    sim_note("connect", c->identity, out_cap);
}

static void
send_some(struct client *c)
{
    size_t left = c->tx_tail - c->tx_head;
    size_t n = left;

    if (!c->settling && c->manner.piece_bytes != 0 && n > c->manner.piece_bytes)
        n = 1 + sim_below(c->manner.piece_bytes);
    if (n > 0)
        c->tx_head += sim_send(c->link, c->tx + c->tx_head, n);
}

/* What a bad network and bad clients do. True when the connection is over. */
static bool
make_trouble(struct client *c)
{
    if (sim_one_in(c->arena->kill_one_in)) {
        sim_note("kill", c->identity, c->in_flight);
        lose_connection(c);
        return true;
    }
    if (c->manner.stall_one_in != 0 && sim_one_in(c->manner.stall_one_in))
        c->stalled_turns = c->manner.stall_turns;
    if (c->tx_head == c->tx_tail && sim_one_in(400)) {
        sim_note("finish", c->identity, c->in_flight);
        sim_finish_sending(c->link);
        c->finished_sending = true;
    }
    return false;
}

void
client_act(struct client *c)
{
    if (c->link == NULL) {
        if (!c->settling && sim_below(3) == 0)
            open_connection(c);
        return;
    }
    if (!c->settling) {
        if (sim_one_in(c->manner.idle_one_in) || make_trouble(c))
            return;
        /* A connection serves a while, then its client comes back through another one. */
        if (nothing_in_flight(c) && sim_one_in(30)) {
            forget_connection(c);
            return;
        }
        while (c->in_flight < c->manner.depth && !c->finished_sending && !c->said_quit &&
               c->tx_tail - c->tx_head < 400000) {
            client_ask(c);
            if (sim_below(4) == 0)
                break;
        }
    }
    send_some(c);
}

void
client_read(struct client *c)
{
    static char bytes[RECV_BYTES];
    size_t limit, n;

    if (c->link == NULL)
        return;
    if (c->stalled_turns > 0 && !c->settling) {
        c->stalled_turns--;
        return;
    }
    limit = c->settling || c->manner.read_bytes == 0 ? SIZE_MAX
                                                     : 1 + sim_below(c->manner.read_bytes);
    while (limit > 0 &&
           (n = sim_recv(c->link, bytes, limit < sizeof(bytes) ? limit : sizeof(bytes))) > 0) {
        client_feed(c, bytes, n);
        limit -= n;
    }
    switch (sim_link_state(c->link)) {
    case SIM_LINK_OPEN: break;
    case SIM_LINK_EOF:
    case SIM_LINK_RESET: on_closed(c); break;
    }
}

void
client_settle(struct client *c)
{
    if (c->settling)
        return;
    c->settling = true;
    if (c->link == NULL)
        return;
    sim_set_caps(c->link, 1 << 20, 1 << 20);
    /* Whatever comes before it without a reply has then been executed, too. */
    if (!c->finished_sending && !c->said_quit) {
        struct command *cmd = command_create(DO_LINE, 0);

        cmd->want = "VERSION " PROTO_VERSION "\r\n";
        client_put_text(c, "version\r\n");
        client_remember(c, cmd);
    }
}

bool
client_is_settled(const struct client *c)
{
    return c->link == NULL || (nothing_in_flight(c) && !c->finished_sending);
}

void
client_hang_up(struct client *c)
{
    forget_connection(c);
}

struct client *
client_create(struct arena *arena)
{
    struct client *c = client_checked(calloc(1, sizeof(*c)));

    c->arena = arena;
    c->last = &c->first;
    new_identity(c);
    return c;
}

void
client_destroy(struct client *c)
{
    if (c == NULL)
        return;
    forget_connection(c);
    for (unsigned i = 0; i < KEYS; i++)
        item_clear(&c->items[i]);
    free(c->tx);
    free(c);
}

void
client_describe(const struct client *c, char *dst, size_t bytes)
{
    static const char *const verbs[] = {"get",  "store", "delete", "arith",     "touch",
                                        "line", "stats", "flush",  "too large", "quit"};
    const struct command *cmd = c->first;

    (void)snprintf(
        dst, bytes, "client %u: %u in flight, %zu bytes unsent, %zu readable, first %s %s%s",
        c->identity, c->in_flight, c->tx_tail - c->tx_head,
        c->link != NULL ? sim_readable(c->link) : 0, cmd != NULL ? verbs[cmd->verb] : "nothing",
        cmd != NULL && cmd->key_count > 0 ? client_key_name(c, cmd->keys[0]) : "",
        c->in_body ? " (in a value)" : "");
}
