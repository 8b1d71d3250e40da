/* A client's connections: when it opens, sends, reads, stalls and leaves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lombard/proto/reply.h"

#include "client_priv.h"

enum {
    RECV_BYTES = 64 * 1024,
    SEND_BYTES_MAX = 400000,
    IN_FLIGHT_MAX = 300, /* quiet ones among them */
};

/* A new name: nothing that an earlier one stored is its business. */
static void
new_identity(struct client *c)
{
    enum { ENCODABLE_BYTES = KEY_BYTES / 4 * 3 - 8 };

    c->identity = c->world->next_identity++;
    for (unsigned i = 0; i < KEYS; i++) {
        char *name = c->names[i];
        int len = snprintf(name, sizeof(c->names[i]), "%u:%u:", c->identity, i);
        uint32_t more = i == 0 ? KEY_BYTES : i % 4 == 1 ? sim_below(KEY_BYTES) : sim_below(12);
        int most = i < PLAIN_KEYS ? KEY_BYTES : ENCODABLE_BYTES;

        if (i >= PLAIN_KEYS)
            name[len++] = ' ';
        for (; len < most && more > 0; more--)
            name[len++] = (char)(i < PLAIN_KEYS ? 'a' + sim_below(26) : sim_below(256));
        c->name_len[i] = (uint8_t)len;
        item_clear(&c->items[i]);
    }
}

static void
new_manner(struct client *c)
{
    static const uint32_t pieces[] = {0, 1, 7, 300, 5000};
    static const uint32_t reads[] = {0, 1, 40, 1000, 20000};
    static const uint32_t depths[] = {1, 4, 16, 64};
    static const uint32_t leaves[] = {2, 4, 10, 30, 300};
    static const uint32_t metas[] = {0, 10, 0, 5}; /* by dialect */
    const struct habits *habits = &c->world->habits;
    uint32_t dialect = choose(&habits->dialects, ARRAY_LEN(metas));

    /* One by one: the order within an initializer is the compiler's choice. */
    c->dialect = dialect == WIRE_BINARY ? &binary_dialect : &text_dialect;
    c->manner.depth = depths[choose(&habits->depths, ARRAY_LEN(depths))];
    c->manner.piece_bytes = pieces[choose(&habits->pieces, ARRAY_LEN(pieces))];
    c->manner.read_bytes = reads[choose(&habits->reads, ARRAY_LEN(reads))];
    c->manner.idle_one_in = sim_below(4) * 3;
    c->manner.stall_one_in = in_16(habits->stall_in_16) ? 20 : 0;
    c->manner.stall_iterations = 10 + sim_below(300);
    c->manner.leave_one_in = leaves[choose(&habits->leaves, ARRAY_LEN(leaves))];
    c->manner.meta_in_ten = metas[dialect];
}

/* --- Connections --- */

static bool
nothing_in_flight(const struct client *c)
{
    return c->first == NULL && c->tx_head == c->tx_tail && !c->body.reading &&
           c->piece_len == 0;
}

static void
count_connection(struct client *c)
{
    struct connection_counts *counts = &c->world->connections;

    if (c->was_served)
        counts->served++;
    else if (c->was_rejected)
        counts->rejected++;
    else
        counts->unheard++;
    c->was_served = c->was_rejected = false;
}

static void
forget_connection(struct client *c)
{
    if (c->link == NULL)
        return;
    count_connection(c);
    while (c->first != NULL) {
        struct client_command *cmd = c->first;

        if (cmd->verb == DO_FLUSH)
            c->world->facts.evictable = true; /* it may strike at any time */
        c->first = cmd->next;
        client_command_destroy(cmd);
    }
    c->last = &c->first;
    c->in_flight = c->loud_in_flight = 0;
    c->tx_head = c->tx_tail = 0;
    c->piece_len = 0;
    c->number_next = false;
    c->quiet_open = false;
    memset(c->strays, 0, sizeof(c->strays));
    free(c->body.own);
    memset(&c->body, 0, sizeof(c->body));
    c->said_quit = false;
    c->finished_sending = false;
    c->stalled_iterations = 0;
    sim_link_free(c->link);
    c->link = NULL;
}

static void
lose_connection(struct client *c)
{
    c->world->connections.broken += c->was_served;
    forget_connection(c);
    new_identity(c);
}

/* Whether the server was to close when all was answered, and all was. */
static bool
was_asked_to_close(struct client *c)
{
    if (!c->finished_sending && !c->said_quit)
        return false;
    /* A connection that is closed for another reason may be so before the last was executed. */
    if (!c->world->may_close)
        c->dialect->ended(c);
    if (c->body.reading || c->piece_len > 0)
        return false;
    /* What ends a connection may do so before all of it was sent. */
    if (c->first != NULL)
        return c->first->verb == DO_QUIT;
    return c->tx_head == c->tx_tail;
}

static void
on_closed(struct client *c)
{
    if (was_asked_to_close(c)) {
        forget_connection(c);
        return;
    }
    if (!c->world->may_close)
        client_wrong(c, "the server closed the connection");
    lose_connection(c);
}

static void
open_connection(struct client *c)
{
    static const uint32_t caps[] = {1, 16, 100, 1460, 4096, 20000, 65536, 400000};
    const struct habits *habits = &c->world->habits;
    uint32_t in_cap = caps[1 + choose(&habits->in_caps, ARRAY_LEN(caps) - 1)];
    uint32_t out_cap = caps[choose(&habits->out_caps, ARRAY_LEN(caps))];

    c->link = sim_connect(c->world->listen_fd, in_cap < 100 ? 100 : in_cap, out_cap);
    if (in_16(habits->local_in_16))
        sim_set_local(c->link);
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
        n = sim_send(c->link, c->tx + c->tx_head, n);
    sim_note_bytes("client sends", c->identity, c->tx + c->tx_head, n);
    c->tx_head += n;
}

/* What a bad network and bad clients do. True when the connection is over. */
static bool
make_trouble(struct client *c)
{
    if (sim_one_in(c->world->kill_one_in)) {
        sim_note("kill", c->identity, c->in_flight);
        lose_connection(c);
        return true;
    }
    if (c->manner.stall_one_in != 0 && sim_one_in(c->manner.stall_one_in))
        c->stalled_iterations = c->manner.stall_iterations;
    if (c->tx_head == c->tx_tail && sim_one_in(c->world->habits.finish_one_in)) {
        sim_note("finish", c->identity, c->in_flight);
        sim_finish_sending(c->link);
        c->finished_sending = true;
    }
    return false;
}

/* Of commands, as many as it likes to have in flight. */
static void
think(struct client *c)
{
    while (c->loud_in_flight < c->manner.depth && !c->finished_sending && !c->said_quit &&
           c->tx_tail - c->tx_head < SEND_BYTES_MAX) {
        if (c->in_flight < IN_FLIGHT_MAX)
            c->dialect->ask(c);
        else if (c->loud_in_flight == 0)
            c->dialect->ask_for_all(c);
        else
            return;
        if (sim_below(4) == 0)
            return;
    }
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
        if (nothing_in_flight(c) && c->was_served && sim_one_in(c->manner.leave_one_in)) {
            forget_connection(c);
            return;
        }
        think(c);
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
    if (c->stalled_iterations > 0 && !c->settling) {
        c->stalled_iterations--;
        return;
    }
    limit = c->settling || c->manner.read_bytes == 0 ? SIZE_MAX
                                                     : 1 + sim_below(c->manner.read_bytes);
    while (limit > 0 &&
           (n = sim_recv(c->link, bytes, limit < sizeof(bytes) ? limit : sizeof(bytes))) > 0) {
        c->world->reply_bytes += n;
        limit -= n;
        sim_note_bytes("client reads", c->identity, bytes, n);
        for (size_t off = 0; off < n;)
            off += c->dialect->feed(c, bytes + off, n - off);
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
    if (!c->finished_sending && !c->said_quit)
        c->dialect->ask_for_all(c);
}

bool
client_is_settled(const struct client *c)
{
    return c->link == NULL || (nothing_in_flight(c) && !c->finished_sending);
}

struct client *
client_create(struct client_world *world)
{
    struct client *c = client_checked(calloc(1, sizeof(*c)));

    c->world = world;
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
