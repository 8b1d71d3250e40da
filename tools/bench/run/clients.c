/* Gives work to clients of several servers: each request goes to the server that has its key. */
#include "run/clients.h"

#include "run/recover.h"
#include "wire/wire_parts.h"

/* The first connection of the client that C belongs to; NULL: it cannot take new work, because one of
 * its servers is not there, or takes nothing more. *IN_FLIGHT over all of them, *UNSENT: some are not sent. */
static struct channel *
client_of(const struct driver *d, const struct channel *c, uint64_t *in_flight, bool *unsent)
{
    struct channel *first = d->channels + (c - d->channels) / d->server_count * d->server_count;
    bool free = true;

    *in_flight = 0;
    *unsent = false;
    for (uint32_t i = 0; i < d->server_count; i++) {
        free &= channel_is_up(&first[i]) && !first[i].blocked;
        *in_flight += channel_in_flight(&first[i]);
        *unsent |= first[i].unsent != first[i].tail;
    }
    return free ? first : NULL;
}

/* New work for a client of several servers, for the one that has its key. False: there is none. */
static bool
place_next(struct driver *d, struct channel *first)
{
    struct query *query = channel_slot(first);
    char name[KEY_TEXT_MAX];
    uint32_t server = 0;

    if (!load_next(&d->load, &d->spare, query))
        return false;
    if (query->key_count > 0)
        server =
            placement_of(d->options->servers, name, wire_key_name(&d->load.keys, query, name));
    if (server > 0) {
        struct query *there = channel_slot(&first[server]);
        struct query_key *keys = there->keys;

        *there = *query;
        there->keys = keys;
        there->keys[0] = query->keys[0];
    }
    d->load.tally.placed[server]++;
    channel_push(&first[server], &d->shared);
    return true;
}

/* Send what the connections of a client have. */
static void
flush_client(struct driver *d, struct channel *first)
{
    for (uint32_t i = 0; i < d->server_count; i++) {
        struct channel *c = &first[i];

        if (c->unsent == c->tail)
            continue;
        c->ring[(c->tail - 1) & c->mask].flags &= (uint8_t)~QUERY_QUIET;
        if (channel_flush(c, &d->shared) == CHANNEL_LOST)
            recover_send_failed(d, c);
    }
}

void
clients_give_work(struct driver *d, struct channel *c, uint64_t depth)
{
    bool unsent;
    uint64_t in_flight;
    struct channel *first = client_of(d, c, &in_flight, &unsent);

    if (first == NULL || (!d->options->stream && d->load.gap_ns == 0 && in_flight > 0 &&
                          !unsent && c->caller.follow_count == 0))
        return;
    for (uint32_t i = 0; i < d->server_count; i++) {
        struct channel *own = &first[i];

        for (; own->caller.follow_count > 0 && in_flight < depth; in_flight++) {
            if (load_next(&d->load, &own->caller, channel_slot(own)))
                channel_push(own, &d->shared);
        }
    }
    while (in_flight < depth && place_next(d, first))
        in_flight++;
    flush_client(d, first);
}

bool
clients_dispatch(struct driver *d, struct channel *c)
{
    bool unsent;
    uint64_t in_flight;
    struct channel *first = client_of(d, c, &in_flight, &unsent);

    if (first == NULL || in_flight >= d->options->pipeline || !place_next(d, first))
        return false;
    flush_client(d, first);
    load_tick(&d->load);
    return true;
}
