/* The loop of one server's load: connections, events, phases. */
#include "run/driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host/stop.h"
#include "host/wait.h"
#include "lombard/base/sys.h"
#include "run/clients.h"
#include "run/own_cpu.h"
#include "run/pauses.h"
#include "run/progress.h"
#include "run/recover.h"
#include "run/warmup.h"

enum {
    EVENTS_MAX = 512,
    FILL_DEPTH = 16, /* requests in flight a connection while filling, at least */
};

#define SECOND_NS UINT64_C(1000000000)

/* When nothing has been answered for this long after the last request was begun, the rest is given
 * up. */
#define DRAIN_NS (10 * SECOND_NS)
/* The same after a signal. */
#define HURRY_NS SECOND_NS

const char *
driver_result_name(enum driver_result result)
{
    switch (result) {
    case DRIVER_OK: return "done";
    case DRIVER_NO_MEMORY: return "out of memory";
    case DRIVER_CANNOT_CONNECT: return "cannot connect";
    case DRIVER_SERVER_GONE: return "the server is gone";
    case DRIVER_NO_TRACE: return "cannot read the trace";
    case DRIVER_INTERRUPTED: return "interrupted";
    case DRIVER_STALLED: return "the server stopped answering";
    }
    BUG("driver_result out of range");
}

static uint32_t
max_u32(uint64_t a, uint64_t b)
{
    return (uint32_t)(a > b ? a : b);
}

static bool
init_shared(struct driver *d)
{
    const struct options *o = d->options;
    struct channel_shared *shared = &d->shared;

    shared->wire = wire_find(o->protocol);
    shared->load = &d->load;
    shared->keys = &d->load.keys;
    shared->login = &o->login;
    shared->stamps = o->kernel_stamps;
    shared->head_bytes = WIRE_HEAD_BYTES_MAX + (size_t)o->multiget * (o->key_size.max + 32);
    shared->input = malloc(WIRE_LINE_MAX + CHANNEL_INPUT_BYTES);
    shared->epfd = sys_epoll_create();
    return shared->input != NULL && shared->epfd >= 0 &&
           out_init(&shared->out, shared->head_bytes,
                    o->trace_path != NULL ? OPTIONS_VALUE_MAX_BYTES : o->value_size.max);
}

static bool
init_channels(struct driver *d)
{
    const struct options *o = d->options;
    uint32_t depth = max_u32(o->pipeline, FILL_DEPTH);

    d->server_count = o->servers != NULL ? o->servers->count : 1;
    d->channel_count = (uint32_t)o->connections * d->server_count;
    d->channels = calloc(d->channel_count, sizeof(*d->channels));
    if (d->channels == NULL)
        return false;
    for (uint32_t i = 0; i < d->channel_count; i++) {
        if (!channel_init(&d->channels[i], depth, (uint32_t)o->multiget))
            return false;
        d->channels[i].caller.index = i;
        d->channels[i].server = i % d->server_count;
    }
    return true;
}

enum driver_result
driver_open(struct driver *d, const struct options *options, const struct net_addr *addr)
{
    memset(d, 0, sizeof(*d));
    d->shared.epfd = -1;
    d->options = options;
    d->addr = *addr;
    d->show_progress = !options->quiet && (options->progress || isatty(STDERR_FILENO));
    if (options_is_open(options) || times_given(&options->think) ||
        times_given(&options->database))
        (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* wake up when asked to */
    rng_init(&d->pick_rng, options->seed ^ UINT64_C(0x5bd1e995));
    switch (load_init(&d->load, options, d->addr.text)) {
    case LOAD_OK: break;
    case LOAD_NO_MEMORY: return DRIVER_NO_MEMORY;
    case LOAD_NO_TRACE: return DRIVER_NO_TRACE;
    }
    if (!init_shared(d) || !init_channels(d) || !pauses_init(d))
        return DRIVER_NO_MEMORY;
    return driver_connect(d);
}

enum driver_result
driver_connect(struct driver *d)
{
    for (uint32_t i = 0; i < d->channel_count; i++) {
        if (stop_signal() != 0)
            return DRIVER_INTERRUPTED;
        if (d->channels[i].fd >= 0)
            continue;
        d->unreachable = driver_addr_of(d, &d->channels[i]);
        if (!channel_open(&d->channels[i], &d->shared, d->unreachable))
            return DRIVER_CANNOT_CONNECT;
        d->unreachable = NULL;
        d->up_count++;
    }
    return DRIVER_OK;
}

void
driver_disconnect(struct driver *d)
{
    for (uint32_t i = 0; i < d->channel_count; i++) {
        if (d->channels[i].fd >= 0)
            channel_drop(&d->channels[i], &d->shared);
    }
    d->up_count = 0;
}

void
driver_close(struct driver *d)
{
    for (uint32_t i = 0; d->channels != NULL && i < d->channel_count; i++)
        channel_fini(&d->channels[i]);
    free(d->channels);
    free(d->shared.input);
    pauses_fini(d);
    out_fini(&d->shared.out);
    if (d->shared.epfd >= 0)
        (void)close(d->shared.epfd);
    load_fini(&d->load);
}

/* Give the connection as much work as it may have, and send it. */
static void
give_work(struct driver *d, struct channel *c)
{
    uint64_t depth = d->options->pipeline;

    if (d->server_count > 1) {
        clients_give_work(
            d, c, d->load.phase == LOAD_FILL && depth < FILL_DEPTH ? FILL_DEPTH : depth);
        return;
    }
    if (d->load.phase == LOAD_FILL && depth < FILL_DEPTH)
        depth = FILL_DEPTH;
    /* A batch goes out when the one before is answered: batches do not fall apart. In the open
     * loop every request has its own time. */
    if (!d->options->stream && d->load.gap_ns == 0 && channel_in_flight(c) > 0 &&
        c->unsent == c->tail)
        return;
    if (pauses_hold(d, c))
        return;
    while (channel_in_flight(c) < depth &&
           (pauses_left(d, c) > 0 || c->caller.follow_count > 0) &&
           load_next(&d->load, &c->caller, channel_slot(c))) {
        c->session_asked += !(channel_slot(c)->flags & QUERY_REFILL);
        c->worked = true;
        channel_push(c, &d->shared);
    }
    /* Only an answer to the last of a batch tells that the quiet ones before it are done. */
    if (c->unsent != c->tail)
        c->ring[(c->tail - 1) & c->mask].flags &= (uint8_t)~QUERY_QUIET;
    if (c->unsent != c->tail && channel_flush(c, &d->shared) == CHANNEL_LOST)
        recover_send_failed(d, c);
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
    if ((event->events & ~(uint32_t)EPOLLOUT) != 0 &&
        channel_receive(c, &d->shared) == CHANNEL_LOST) {
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

/* Open loop: begin what is due, each on a random connection of those that can take one more. */
static void
dispatch(struct driver *d)
{
    uint32_t i = (uint32_t)rng_below(&d->pick_rng, d->channel_count);

    for (uint32_t tried = 0; tried < d->channel_count && load_wait_ns(&d->load) == 0; tried++) {
        struct channel *c = &d->channels[i];

        i = i + 1 < d->channel_count ? i + 1 : 0;
        if (d->server_count > 1) {
            tried = clients_dispatch(d, c) ? 0 : tried;
            continue;
        }
        if (!channel_is_up(c) || c->blocked || channel_in_flight(c) >= d->options->pipeline ||
            c->caller.until_ns > d->load.now_ns ||
            !load_next(&d->load, &c->caller, channel_slot(c)))
            continue;
        c->ring[c->tail & c->mask].flags &= (uint8_t)~QUERY_QUIET;
        channel_push(c, &d->shared);
        if (channel_flush(c, &d->shared) == CHANNEL_LOST)
            recover_send_failed(d, c);
        tried = 0;
        i = (uint32_t)rng_below(&d->pick_rng, d->channel_count);
        load_tick(&d->load);
    }
    d->load.crowded = load_wait_ns(&d->load) == 0;
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

    if (d->shared.in_flight >= clients * d->options->pipeline)
        wait = UINT64_MAX; /* what is due has to wait for an answer anyway */
    if (pause < wait)
        wait = pause;
    if (wait == UINT64_MAX)
        return sys_epoll_wait(d->shared.epfd, events, EVENTS_MAX, (int)(limit / 1000000));
    return wait_finely(d->shared.epfd, events, EVENTS_MAX, wait < limit ? wait : limit);
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
        load_tick(&d->load); /* each is timed from when it is sent */
        if (channel_is_up(&d->channels[i]))
            give_work(d, &d->channels[i]);
    }
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

/* From load_begin() until everything is answered. */
static enum driver_result
run_phase(struct driver *d)
{
    struct epoll_event events[EVENTS_MAX];
    enum driver_result result = DRIVER_OK;

    begin_phase(d);
    while (result == DRIVER_OK && !is_finished(d)) {
        int n = wait_for_events(d, events);

        load_tick(&d->load);
        for (int i = 0; i < n; i++)
            handle(d, &events[i]);
        serve_paused(d);
        if (d->load.gap_ns > 0)
            dispatch(d);
        result = look_around(d);
    }
    return end_phase(d, result);
}

enum driver_result
driver_fill(struct driver *d)
{
    load_begin(&d->load, LOAD_FILL, UINT64_MAX, UINT64_MAX);
    return run_phase(d);
}

enum driver_result
driver_run(struct driver *d, uint64_t duration_ns, uint64_t requests)
{
    const struct options *o = d->options;

    load_begin(&d->load,
               o->hitratio              ? LOAD_WORKLOAD
               : o->replay_plan != NULL ? LOAD_REPLAY
                                        : LOAD_MIX,
               requests > 0 ? requests : UINT64_MAX,
               duration_ns > 0 ? duration_ns : UINT64_MAX);
    return run_phase(d);
}

enum driver_result
driver_measure(struct driver *d)
{
    struct options_plan plan = options_plan(d->options, d->round);
    enum driver_result result;

    load_set_mix(&d->load, plan.weights);
    d->measured = true;
    result = driver_run(d, plan.duration_ns, d->options->requests);
    d->measured = false;
    return result;
}

enum driver_result
driver_warm_up(struct driver *d, uint64_t duration_ns)
{
    struct windows before = d->load.windows;
    enum driver_result result;

    d->load.windows = (struct windows){0};
    result = driver_run(d, duration_ns, 0);
    windows_fini(&d->load.windows);
    d->load.windows = before;
    return result;
}
