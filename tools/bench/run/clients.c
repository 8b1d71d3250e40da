/* Gives work to clients of several servers: each request goes to the server that has its key. */
#include "run/clients.h"

#include "run/exchange.h"
#include "wire/wire_parts.h"

/* Requests of a client that are given up one after the other, before other clients have theirs. */
enum { SKIPS_MAX = 1000 };

/* The first connection of the client that C belongs to; NULL: it cannot take new work, because none of
 * its servers is there, or one takes nothing more. *IN_FLIGHT over all of them, *UNSENT: some are not sent. */
static struct channel *
client_of(const struct driver *d, const struct channel *c, uint64_t *in_flight, bool *unsent)
{
    struct channel *first = d->channels + (c - d->channels) / d->server_count * d->server_count;
    bool up = false;
    bool blocked = false;

    *in_flight = 0;
    *unsent = false;
    for (uint32_t i = 0; i < d->server_count; i++) {
        up |= channel_is_up(&first[i]);
        blocked |= first[i].blocked;
        *in_flight += channel_in_flight(&first[i]);
        *unsent |= first[i].unsent != first[i].tail;
    }
    return up && !blocked ? first : NULL;
}

enum placed { PLACED, PLACED_SKIPPED, PLACED_NOTHING };

/* New work for a client of several servers, for the one that has its key; it is given up at once where
 * that one is not there, as a client does. */
static enum placed
place_next(struct driver *d, struct channel *first)
{
    struct query *query = channel_slot(first);
    char name[KEY_TEXT_MAX];
    uint32_t server = 0;

    if (!load_next(&d->load, &d->spare, query))
        return PLACED_NOTHING;
    if (query->key_count > 0)
        server =
            placement_of(d->options->servers, name, wire_key_name(&d->load.keys, query, name));
    d->load.tally.placed[server]++;
    if (!channel_is_up(&first[server])) {
        load_skipped(&d->load, query);
        return PLACED_SKIPPED;
    }
    if (server > 0) {
        struct query *there = channel_slot(&first[server]);
        struct query_key *keys = there->keys;

        *there = *query;
        there->keys = keys;
        there->keys[0] = query->keys[0];
    }
    channel_push(&first[server], &d->shared);
    return PLACED;
}

/* Work for a client of several servers, that has IN_FLIGHT, for DEPTH in flight. */
static void
place_some(struct driver *d, struct channel *first, uint64_t in_flight, uint64_t depth)
{
    for (uint32_t skips = 0; in_flight < depth;) {
        switch (place_next(d, first)) {
        case PLACED: in_flight++; break;
        case PLACED_SKIPPED:
            if (++skips < SKIPS_MAX)
                break;
            d->load.has_idle = d->load.gap_ns == 0; /* it goes on in the next iteration */
            return;
        case PLACED_NOTHING: return;
        }
    }
}

/* What the connections of a client have is to be sent. */
static void
queue_client(struct driver *d, struct channel *first)
{
    for (uint32_t i = 0; i < d->server_count; i++) {
        struct channel *c = &first[i];

        if (c->unsent == c->tail)
            continue;
        c->ring[(c->tail - 1) & c->mask].flags &= (uint8_t)~QUERY_QUIET;
        exchange_queue(d, c);
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
    place_some(d, first, in_flight, depth);
    queue_client(d, first);
}

bool
clients_dispatch(struct driver *d, struct channel *c)
{
    bool unsent;
    uint64_t in_flight;
    struct channel *first = client_of(d, c, &in_flight, &unsent);

    if (first == NULL || in_flight >= options_open_pipeline(d->options) ||
        place_next(d, first) == PLACED_NOTHING)
        return false;
    queue_client(d, first);
    load_tick(&d->load);
    return true;
}
