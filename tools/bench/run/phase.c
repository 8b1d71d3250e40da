/* Runs one phase of a load: work for connections, events, the end. */
#include "run/phase.h"

#include <sys/epoll.h>

#include "host/stop.h"
#include "host/wait.h"
#include "run/clients.h"
#include "run/exchange.h"
#include "run/own_cpu.h"
#include "run/pauses.h"
#include "run/progress.h"
#include "run/recover.h"
#include "run/warmup.h"

enum {
    EVENTS_MAX = 512,
    OPEN_EVENTS = 4, /* of an open loop are received before it looks what is due */
};

#define SECOND_NS UINT64_C(1000000000)

/* When nothing has been answered for this long after the last request was begun, the rest is given
 * up. */
#define DRAIN_NS (10 * SECOND_NS)
/* The same after a signal. */
#define HURRY_NS SECOND_NS

/* Give the connection as much work as it may have, to be sent with the next flush. */
static void
give_work(struct driver *d, struct channel *c)
{
    uint64_t depth = d->options->pipeline;

    if (d->load.phase == LOAD_FILL && depth < DRIVER_FILL_DEPTH)
        depth = DRIVER_FILL_DEPTH;
    if (d->server_count > 1) {
        clients_give_work(d, c, depth);
        return;
    }
    /* A batch goes out when the one before is answered: batches do not fall apart. In the open
     * loop every request has its own time. */
    if (!d->options->stream && d->load.gap_ns == 0 && channel_in_flight(c) > 0 &&
        c->unsent == c->tail)
        return;
    if (pauses_hold(d, c))
        return;
    channel_rewind(c);
    while (channel_in_flight(c) < depth &&
           (pauses_left(d, c) > 0 || c->caller.follow_count > 0) &&
           load_next(&d->load, &c->caller, channel_slot(c))) {
        c->session_asked += !(channel_slot(c)->flags & QUERY_REFILL);
        c->worked = true;
        channel_push(c, &d->shared);
    }
    /* Only an answer to the last of a batch tells that the quiet ones before it are done. */
    if (c->unsent == c->tail)
        return;
    c->ring[(c->tail - 1) & c->mask].flags &= (uint8_t)~QUERY_QUIET;
    exchange_queue(d, c);
}

static void
handle(struct driver *d, const struct epoll_event *event)
{
    struct channel *c = event->data.ptr;

    if (c->fd < 0)
        return;
    if (c->connecting) {
        if (recover_connected(d, c))
            give_work(d, c);
        return;
    }
    /* Of what comes last, the end is told only once. */
    if (((event->events & ~(uint32_t)(EPOLLIN | EPOLLOUT)) != 0 &&
         !channel_remind(c, &d->shared)) ||
        ((event->events & ~(uint32_t)EPOLLOUT) != 0 &&
         channel_receive(c, &d->shared) == CHANNEL_LOST)) {
        recover_lose(d, c);
        return;
    }
    if ((event->events & EPOLLOUT) != 0 && channel_flush(c, &d->shared) == CHANNEL_LOST) {
        recover_send_failed(d, c);
        return;
    }
    if (!c->blocked)
        give_work(d, c);
}

/* Give work to connections that load_next() had none for, and now has. */
static void
serve_idle(struct driver *d)
{
    if (!d->load.has_idle || !load_has_work(&d->load))
        return;
    d->load.has_idle = false;
    for (uint32_t i = 0; i < d->channel_count && !d->load.has_idle; i++) {
        struct channel *c = &d->channels[i];

        if (channel_is_up(c) && channel_in_flight(c) == 0)
            give_work(d, c);
    }
}

/* Give work to connections that have waited long enough. */
static void
serve_paused(struct driver *d)
{
    for (struct channel *c = pauses_due(d); c != NULL; c = pauses_due(d)) {
        if (!c->blocked)
            give_work(d, c);
    }
}

/* Open loop: a random connection that can take one more request, and has fewer than DEPTH; NULL: there is none. */
static struct channel *
pick_channel(struct driver *d, uint64_t depth)
{
    uint32_t i = (uint32_t)rng_below(&d->pick_rng, d->channel_count);

    for (uint32_t tried = 0; tried < d->channel_count; tried++) {
        struct channel *c = &d->channels[i];

        i = i + 1 < d->channel_count ? i + 1 : 0;
        if (channel_is_up(c) && !c->blocked && channel_in_flight(c) < depth &&
            c->caller.until_ns <= d->load.now_ns)
            return c;
    }
    return NULL;
}

/* Open loop: begin what is due. False: it cannot be. A second request waits for the first one on its connection:
 * so it is given to one only when all others have as many. */
static bool
begin_due(struct driver *d)
{
    uint64_t most = options_open_pipeline(d->options);
    uint64_t even = d->up_count > 0 ? d->shared.in_flight / d->up_count + 1 : 1;
    struct channel *c;

    if (d->shared.in_flight >= d->up_count * most)
        return false;
    c = even < most ? pick_channel(d, even) : NULL;
    if (c == NULL)
        c = pick_channel(d, most);
    if (c == NULL || !load_next(&d->load, &c->caller, channel_slot(c)))
        return false;
    c->ring[c->tail & c->mask].flags &= (uint8_t)~QUERY_QUIET;
    channel_push(c, &d->shared);
    exchange_queue(d, c);
    return true;
}

/* The same of several servers, on a random client. */
static bool
begin_due_of_client(struct driver *d)
{
    uint32_t i = (uint32_t)rng_below(&d->pick_rng, d->channel_count);

    for (uint32_t tried = 0; tried < d->channel_count; tried++) {
        if (clients_dispatch(d, &d->channels[i]))
            return true;
        i = i + 1 < d->channel_count ? i + 1 : 0;
    }
    return false;
}

/* Open loop: begin all that is due. */
static void
dispatch(struct driver *d)
{
    if (d->load.gap_ns == 0)
        return;
    load_tick(&d->load);
    while (load_wait_ns(&d->load) == 0 &&
           (d->server_count > 1 ? begin_due_of_client(d) : begin_due(d)))
        load_tick(&d->load);
    d->load.crowded = load_wait_ns(&d->load) == 0;
}

/* All events: those that only say that there is something to receive, many at a time. What comes due meanwhile is
 * begun in between. */
static void
handle_all(struct driver *d, const struct epoll_event *events, int count)
{
    struct channel *list[SYS_MANY_MAX];
    uint32_t most = d->load.gap_ns > 0 ? OPEN_EVENTS : SYS_MANY_MAX;
    int at = 0;

    while (at < count) {
        uint32_t n = 0;

        for (; at < count && n < most; at++) {
            struct channel *c = events[at].data.ptr;

            if (events[at].events == EPOLLIN && !d->shared.stamps &&
                exchange_suits(&d->exchange, c))
                list[n++] = c;
            else
                handle(d, &events[at]);
        }
        exchange_receive(d, list, n);
        for (uint32_t i = 0; i < n; i++) {
            if (channel_is_up(list[i]) && !list[i]->blocked)
                give_work(d, list[i]);
        }
        exchange_flush(d);
        dispatch(d);
    }
}

/* Wait for events, no longer than until the next request is due. */
static int
wait_for_events(struct driver *d, struct epoll_event *events)
{
    uint64_t wait = load_wait_ns(&d->load);
    uint64_t limit = recover_wait_ns(d);
    uint64_t pause = pauses_wait_ns(d);
    /* Of several servers a client goes on with those that are there. */
    uint64_t clients = d->server_count == 1 || d->up_count == 0
                           ? d->up_count
                           : d->channel_count / d->server_count;
    struct wait_time time = {0};
    int n;

    if (d->shared.in_flight >= clients * options_open_pipeline(d->options))
        wait = UINT64_MAX; /* what is due has to wait for an answer anyway */
    if (pause < wait)
        wait = pause;
    if (wait == UINT64_MAX)
        return sys_epoll_wait(d->shared.epfd, events, EVENTS_MAX, (int)(limit / 1000000));
    time.limit_ns = wait < limit ? wait : limit;
    /* Only what an open loop plans has to begin at its time. */
    time.spin_ns = wait < limit && d->load.gap_ns > 0 ? d->options->spin_ns : 0;
    n = wait_finely(d->shared.epfd, events, EVENTS_MAX, &time);
    d->load.tally.spun_ns += time.spun_ns;
    return n;
}

/* All is begun; how long to wait for the answers. */
static enum driver_result
look_at_end(struct driver *d)
{
    uint64_t now = d->load.now_ns;
    uint64_t patience = stop_signal() != 0 ? HURRY_NS : DRAIN_NS;

    if (d->over_ns == 0)
        d->over_ns = now;
    if (d->over_ns < d->load.tally.end_ns)
        d->over_ns = d->load.tally.end_ns; /* something was answered since */
    return now - d->over_ns > patience ? DRIVER_STALLED : DRIVER_OK;
}

/* What is checked in every iteration, whatever the events are. */
static enum driver_result
look_around(struct driver *d)
{
    recover_tick(d);
    serve_idle(d);
    warmup_tick(d);
    if (d->show_progress)
        progress_tick(d);
    if (stop_signal() != 0)
        load_stop(&d->load);
    if (recover_is_hopeless(d))
        return DRIVER_SERVER_GONE;
    return load_is_over(&d->load) ? look_at_end(d) : DRIVER_OK;
}

/* Everything is answered, and the server is still there. */
static bool
is_finished(const struct driver *d)
{
    return load_is_over(&d->load) && d->shared.in_flight == 0 && d->pending == 0 &&
           (d->up_count > 0 || d->options->session_requests > 0 || stop_signal() != 0);
}

static void
begin_phase(struct driver *d)
{
    d->over_ns = 0;
    recover_begin(d);
    warmup_begin(d);
    own_cpu_count(&d->load.tally, false);
    progress_start(d);
    pauses_begin(d);
    for (uint32_t i = 0; i < d->channel_count; i++) {
        load_tick(&d->load); /* of an open loop each is timed from when it is sent */
        d->channels[i].bulky = false;
        if (channel_is_up(&d->channels[i]))
            give_work(d, &d->channels[i]);
    }
    exchange_flush(d);
}

static enum driver_result
end_phase(struct driver *d, enum driver_result result)
{
    if (result != DRIVER_OK)
        recover_give_up(d);
    if (stop_signal() != 0)
        result = DRIVER_INTERRUPTED;
    load_end(&d->load, result != DRIVER_OK);
    recover_end(d, d->load.tally.end_ns);
    own_cpu_count(&d->load.tally, true);
    if (d->show_progress)
        progress_end();
    return result;
}

enum driver_result
phase_run(struct driver *d)
{
    struct epoll_event events[EVENTS_MAX];
    enum driver_result result = DRIVER_OK;

    begin_phase(d);
    while (result == DRIVER_OK && !is_finished(d)) {
        int n = wait_for_events(d, events);

        load_tick(&d->load);
        handle_all(d, events, n);
        serve_paused(d);
        dispatch(d);
        result = look_around(d);
        exchange_flush(d);
    }
    return end_phase(d, result);
}
