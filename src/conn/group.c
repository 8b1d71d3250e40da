/*
 * Serves connections in groups: what one system call, or one stretch of waiting for memory, can do
 * for all of them is done for all of them.
 *
 *     begin     lend each a read buffer
 *     receive   for all, in one call
 *     parse     until a batch of requests is full; prefetch what they will look at
 *     serve     execute; replies are queued
 *     send      for all, in one call; end
 *
 * A reply waits for QUEUED_REQUESTS_MAX requests at most, and for the first slice of one connection.
 */
#include "group.h"

#include "batch.h"
#include "dispatch.h"
#include "receive.h"
#include "send.h"

struct group {
    struct server *server;
    struct dispatch dispatches[GROUP_CONNS];
    unsigned count;
    unsigned ended;    /* of these, from the first on */
    unsigned requests; /* parsed ahead */
    uint32_t waited;   /* requests that were executed since replies are queued */
};

static uint32_t
requests_of_slice(const struct server *server, enum slice_kind slice)
{
    uint32_t requests = slice == SLICE_FIRST ? DRAWN(FIRST_REQUESTS) : UINT32_MAX;
    uint32_t asked = server->config.requests_per_dispatch;

    return asked > 0 && asked < requests ? asked : requests;
}

/* A light client waits for about one slice of those that have more to do. */
static uint64_t
bytes_of_slice(const struct server *server, const struct conn *c, enum slice_kind slice)
{
    uint64_t bytes = DRAWN(SLICE_BYTES);

    if (slice == SLICE_FIRST)
        return bytes;
    if (server->looks_in_vain < LOOKS_IN_VAIN)
        return bytes < SHORT_SLICE_BYTES ? bytes : SHORT_SLICE_BYTES;
    if (c->wbuf != NULL && buf_pending_bytes(c->wbuf) > bytes)
        return DRAWN(LONG_SLICE_BYTES);
    return bytes;
}

/* --- Receiving --- */

/* Rooms and transfers of those that receive, of which dispatch each is. */
struct receives {
    struct sys_transfer transfers[GROUP_CONNS];
    struct iovec rooms[GROUP_CONNS];
    struct dispatch *dispatches[GROUP_CONNS];
    unsigned count;
};

/*
 * How many of those that are ready make a group: of two, rather half each than all and a few, for which nothing is
 * fetched ahead and each call is by itself.
 */
static unsigned
group_max(const struct server *server)
{
    unsigned max = DRAWN(GROUP_CONNS);
    uint64_t ready = server->stats.conn_ready;

    return ready > max && ready < (uint64_t)2 * max ? (unsigned)(ready + 1) / 2 : max;
}

/*
 * Begin with one after the other from QUEUE. One that goes on with its work is the last: it may take
 * a whole slice.
 */
static void
begin(struct group *group, struct list_node *queue, enum slice_kind slice,
      struct receives *receives)
{
    struct server *server = group->server;
    uint32_t requests = requests_of_slice(server, slice);
    struct budget budget = {.requests = requests, .all_requests = requests};
    unsigned max = group_max(server);

    while (group->count < max && !list_is_empty(queue)) {
        struct dispatch *dispatch = &group->dispatches[group->count];
        struct iovec *room = &receives->rooms[receives->count];
        struct conn *c = conn_from_link(queue->next);

        budget.bytes = budget.all_bytes = bytes_of_slice(server, c, slice);
        conn_dispatch_begin(dispatch, c, slice, &budget);
        if (conn_dispatch_prepare(dispatch, room)) {
            receives->transfers[receives->count] =
                (struct sys_transfer){.fd = dispatch->conn->watch.fd, .count = 1, .iov = room};
            receives->dispatches[receives->count++] = dispatch;
        }
        if (dispatch->conn->state != CONN_RUNNING) {
            /* Now: what others give back may be granted to it. */
            conn_dispatch_end(dispatch, false);
            continue;
        }
        group->count++;
        if (!dispatch->asked)
            break;
    }
}

static void
receive(struct group *group, struct receives *receives)
{
    transfer_many(&group->server->transfers, TRANSFER_RECEIVE, receives->transfers,
                  receives->count);
    for (unsigned i = 0; i < receives->count; i++) {
        struct dispatch *dispatch = receives->dispatches[i];

        (void)conn_receive_done(dispatch->conn, receives->transfers[i].result,
                                receives->rooms[i].iov_len, &dispatch->budget);
    }
}

/* --- Parsing --- */

/* What all of them will look at. */
static void
prefetch(struct group *group)
{
    struct batch_entry *entries = group->server->group_batch;
    bool fetched;

    if (group->requests <= 2) /* a single request has nothing to overlap with */
        return;
    for (unsigned i = 0; i < group->count; i++)
        if (group->dispatches[i].batch.parsed)
            conn_prefetch_ahead(group->dispatches[i].conn, &group->dispatches[i]);
    for (unsigned i = 0; i < group->count; i++)
        if (group->dispatches[i].batch.parsed)
            conn_prefetch_far(group->dispatches[i].conn, &group->dispatches[i]);
    fetched = conn_prefetch_values(group->server, entries, group->requests);
    for (unsigned i = 0; fetched && i < group->count; i++) {
        struct batch *batch = &group->dispatches[i].batch;

        if (batch->parsed)
            batch->fetched = group->requests - (uint32_t)(batch->entries - entries);
    }
}

/* One more batch may come with the last of them: server->group_batch has room for it. */
static void
parse(struct group *group)
{
    for (unsigned i = 0; i < group->count && group->requests < DRAWN(BATCH_REQUESTS); i++) {
        struct dispatch *dispatch = &group->dispatches[i];

        if (!dispatch->asked || dispatch->conn->state != CONN_RUNNING ||
            conn_input(dispatch->conn).len == 0)
            continue;
        dispatch->batch.entries = group->server->group_batch + group->requests;
        conn_parse_ahead(dispatch->conn, dispatch);
        group->requests += dispatch->batch.count;
    }
    prefetch(group);
}

/* --- Serving, and sending --- */

/* Send what is queued; these dispatches, up to END, are over. */
static void
end_queued(struct group *group, unsigned end)
{
    group->waited = 0;
    if (group->ended == end)
        return;
    (void)conn_send_queued(group->server);
    conn_settle_latency(&group->dispatches[end - 1]);
    for (; group->ended < end; group->ended++)
        conn_dispatch_end(&group->dispatches[group->ended], false);
}

/* All that has come for it lies in its buffer: it is a client that asks, and waits for replies. */
static bool
is_light(const struct dispatch *dispatch)
{
    return dispatch->slice == SLICE_FIRST && dispatch->asked && !dispatch->conn->more_input;
}

/* What is queued has waited for so much, or is so much, that more would not be better. */
static bool
must_send(const struct group *group)
{
    return group->waited >= DRAWN(QUEUED_REQUESTS_MAX) ||
           group->server->sends.bytes >= DRAWN(QUEUED_ALL_BYTES_MAX);
}

static void
serve(struct group *group)
{
    for (unsigned i = 0; i < group->count; i++) {
        struct dispatch *dispatch = &group->dispatches[i];
        uint32_t requests = dispatch->budget.requests;
        bool more;

        dispatch->may_queue = group->count > 1 && is_light(dispatch);
        if (!dispatch->may_queue)
            end_queued(group, i);
        more = conn_dispatch_serve(dispatch);
        group->waited += requests - dispatch->budget.requests;
        if (dispatch->queued) {
            if (must_send(group))
                end_queued(group, i + 1);
            continue;
        }
        end_queued(group, i);
        conn_dispatch_end(dispatch, more);
        group->ended = i + 1;
    }
    end_queued(group, group->count);
}

void
conn_serve_group(struct server *server, struct list_node *queue, enum slice_kind slice)
{
    struct group group;
    struct receives receives;

    group.server = server;
    group.count = group.ended = group.requests = group.waited = 0;
    receives.count = 0;
    begin(&group, queue, slice, &receives);
    receive(&group, &receives);
    parse(&group);
    serve(&group);
}
