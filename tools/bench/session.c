/* The loop of one server's load: connections, events, phases. */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "lombard/base/sys.h"
#include "own_cpu.h"
#include "progress.h"
#include "recover.h"
#include "stop.h"

enum {
    EVENTS_MAX = 512,
    FILL_DEPTH = 16, /* requests in flight a connection while filling, at least */
};

#define SECOND_NS UINT64_C(1000000000)

/* When nothing has been answered so long after the last request was begun, the rest is given up. */
#define DRAIN_NS (10 * SECOND_NS)
/* The same after a signal. */
#define HURRY_NS SECOND_NS

const char *
session_result_name(enum session_result result)
{
    switch (result) {
    case SESSION_OK: return "done";
    case SESSION_NO_MEMORY: return "out of memory";
    case SESSION_CANNOT_CONNECT: return "cannot connect";
    case SESSION_SERVER_GONE: return "the server is gone";
    case SESSION_NO_TRACE: return "cannot read the trace";
    case SESSION_INTERRUPTED: return "interrupted";
    case SESSION_STALLED: return "the server stopped answering";
    }
    BUG("session_result out of range");
}

static uint32_t
max_u32(uint64_t a, uint64_t b)
{
    return (uint32_t)(a > b ? a : b);
}

static bool
init_shared(struct session *s)
{
    const struct options *o = s->options;
    struct conn_shared *shared = &s->shared;

    shared->proto = proto_find(o->protocol);
    shared->load = &s->load;
    shared->keys = &s->load.keys;
    shared->head_bytes = PROTO_HEAD_BYTES_MAX + (size_t)o->multiget * (o->key_size.max + 32);
    shared->input = malloc(PROTO_LINE_MAX + CONN_INPUT_BYTES);
    shared->epfd = sys_epoll_create();
    return shared->input != NULL && shared->epfd >= 0 &&
           out_init(&shared->out, shared->head_bytes,
                    o->trace_path != NULL ? OPTIONS_VALUE_MAX_BYTES : o->value_size.max);
}

static bool
init_conns(struct session *s)
{
    const struct options *o = s->options;
    uint32_t depth = max_u32(o->pipeline, FILL_DEPTH);

    s->conn_count = (uint32_t)o->connections;
    s->conns = calloc(s->conn_count, sizeof(*s->conns));
    if (s->conns == NULL)
        return false;
    for (uint32_t i = 0; i < s->conn_count; i++) {
        if (!conn_init(&s->conns[i], depth, (uint32_t)o->multiget))
            return false;
        s->conns[i].index = i;
    }
    return true;
}

enum session_result
session_open(struct session *s, const struct options *options, const struct net_addr *addr)
{
    memset(s, 0, sizeof(*s));
    s->shared.epfd = -1;
    s->options = options;
    s->addr = *addr;
    s->show_progress = !options->quiet && (options->progress || isatty(STDERR_FILENO));
    if (options->rate > 0 || options->find_max_ns > 0)
        (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* wake up when asked to */
    rng_init(&s->pick_rng, options->seed ^ UINT64_C(0x5bd1e995));
    switch (load_init(&s->load, options, s->addr.text)) {
    case LOAD_OK: break;
    case LOAD_NO_MEMORY: return SESSION_NO_MEMORY;
    case LOAD_NO_TRACE: return SESSION_NO_TRACE;
    }
    if (!init_shared(s) || !init_conns(s))
        return SESSION_NO_MEMORY;
    return session_connect(s);
}

enum session_result
session_connect(struct session *s)
{
    for (uint32_t i = 0; i < s->conn_count; i++) {
        if (stop_signal() != 0)
            return SESSION_INTERRUPTED;
        if (s->conns[i].fd >= 0)
            continue;
        if (!conn_open(&s->conns[i], &s->shared, &s->addr))
            return SESSION_CANNOT_CONNECT;
        s->up_count++;
    }
    return SESSION_OK;
}

void
session_disconnect(struct session *s)
{
    for (uint32_t i = 0; i < s->conn_count; i++) {
        if (s->conns[i].fd >= 0)
            conn_drop(&s->conns[i], &s->shared);
    }
    s->up_count = 0;
}

void
session_close(struct session *s)
{
    for (uint32_t i = 0; s->conns != NULL && i < s->conn_count; i++)
        conn_fini(&s->conns[i]);
    free(s->conns);
    free(s->shared.input);
    out_fini(&s->shared.out);
    if (s->shared.epfd >= 0)
        (void)close(s->shared.epfd);
    load_fini(&s->load);
}

/* Sending has failed; what the server had answered before is still there. */
static void
lose_after_send(struct session *s, struct conn *c)
{
    switch (conn_receive(c, &s->shared)) {
    case CONN_OK:
    case CONN_LOST: recover_lose(s, c); return;
    }
    BUG("conn_result out of range");
}

/* Give the connection as much work as it may have, and send it. */
static void
feed(struct session *s, struct conn *c)
{
    uint64_t depth = s->options->pipeline;

    if (s->load.phase == LOAD_FILL && depth < FILL_DEPTH)
        depth = FILL_DEPTH;
    /* A batch goes out when the one before is answered: batches do not fall apart. In the open
     * loop every request has its own time. */
    if (!s->options->stream && s->load.gap_ns == 0 && conn_in_flight(c) > 0 &&
        c->unsent == c->tail)
        return;
    while (conn_in_flight(c) < depth && load_next(&s->load, c, conn_slot(c)))
        conn_push(c, &s->shared);
    /* Without an answer to the last of a batch nobody would know when the others are done. */
    if (c->unsent != c->tail)
        c->ring[(c->tail - 1) & c->mask].flags &= (uint8_t)~OP_QUIET;
    if (c->unsent != c->tail && conn_flush(c, &s->shared) == CONN_LOST)
        lose_after_send(s, c);
}

static void
handle(struct session *s, const struct epoll_event *event)
{
    struct conn *c = event->data.ptr;

    if (c->fd < 0)
        return;
    if (c->connecting) {
        if (recover_connected(s, c))
            feed(s, c);
        return;
    }
    if ((event->events & ~(uint32_t)EPOLLOUT) != 0 &&
        conn_receive(c, &s->shared) == CONN_LOST) {
        recover_lose(s, c);
        return;
    }
    if ((event->events & EPOLLOUT) != 0 && conn_flush(c, &s->shared) == CONN_LOST) {
        lose_after_send(s, c);
        return;
    }
    if (!c->blocked)
        feed(s, c);
}

/* Connections that found nothing to do, and now would. */
static void
feed_starved(struct session *s)
{
    if (!s->load.starved || !load_has_work(&s->load))
        return;
    s->load.starved = false;
    for (uint32_t i = 0; i < s->conn_count && !s->load.starved; i++) {
        struct conn *c = &s->conns[i];

        if (conn_is_up(c) && conn_in_flight(c) == 0)
            feed(s, c);
    }
}

/* Open loop: begin what is due, each on a connection taken at random of those with room. */
static void
dispatch(struct session *s)
{
    uint32_t i = (uint32_t)rng_below(&s->pick_rng, s->conn_count);

    for (uint32_t tried = 0; tried < s->conn_count && load_wait_ns(&s->load) == 0; tried++) {
        struct conn *c = &s->conns[i];

        i = i + 1 < s->conn_count ? i + 1 : 0;
        if (!conn_is_up(c) || c->blocked || conn_in_flight(c) >= s->options->pipeline ||
            !load_next(&s->load, c, conn_slot(c)))
            continue;
        c->ring[c->tail & c->mask].flags &= (uint8_t)~OP_QUIET;
        conn_push(c, &s->shared);
        if (conn_flush(c, &s->shared) == CONN_LOST)
            lose_after_send(s, c);
        tried = 0;
        i = (uint32_t)rng_below(&s->pick_rng, s->conn_count);
        load_tick(&s->load);
    }
    s->load.crowded = load_wait_ns(&s->load) == 0;
}

/* Where the kernel (or valgrind) cannot wait for nanoseconds, the last millisecond is polled. */
static int
wait_finely(const struct session *s, struct epoll_event *events, const struct timespec *limit)
{
    int n = epoll_pwait2(s->shared.epfd, events, EVENTS_MAX, limit, NULL);

    if (n >= 0 || errno != ENOSYS)
        return n;
    return sys_epoll_wait(s->shared.epfd, events, EVENTS_MAX, (int)(limit->tv_nsec / 1000000));
}

/* Wait for events, no longer than until the next request is due. */
static int
wait_for_events(struct session *s, struct epoll_event *events)
{
    uint64_t wait = load_wait_ns(&s->load);
    struct timespec limit = {0, (long)recover_wait_ns(s)};

    if (s->shared.in_flight >= s->up_count * s->options->pipeline)
        wait = UINT64_MAX; /* what is due has to wait for an answer anyway */
    if (wait < (uint64_t)limit.tv_nsec)
        limit.tv_nsec = (long)wait;
    if (wait == UINT64_MAX)
        return sys_epoll_wait(s->shared.epfd, events, EVENTS_MAX,
                              (int)(limit.tv_nsec / 1000000));
    return wait_finely(s, events, &limit);
}

/* All is begun; how long to wait for the answers. */
static enum session_result
look_at_end(struct session *s)
{
    uint64_t now = s->load.now_ns;
    uint64_t patience = stop_signal() != 0 ? HURRY_NS : DRAIN_NS;

    if (s->over_ns == 0)
        s->over_ns = now;
    if (s->over_ns < s->load.tally.end_ns)
        s->over_ns = s->load.tally.end_ns; /* something was answered since */
    return now - s->over_ns > patience ? SESSION_STALLED : SESSION_OK;
}

/* What is looked at now and then, whatever the events are. */
static enum session_result
look_around(struct session *s)
{
    recover_tick(s);
    feed_starved(s);
    if (s->show_progress)
        progress_tick(s);
    if (stop_signal() != 0)
        load_stop(&s->load);
    if (recover_is_hopeless(s))
        return SESSION_SERVER_GONE;
    return load_is_over(&s->load) ? look_at_end(s) : SESSION_OK;
}

/* Everything is answered, and the server is still there. */
static bool
is_finished(const struct session *s)
{
    return load_is_over(&s->load) && s->shared.in_flight == 0 &&
           (s->up_count > 0 || stop_signal() != 0);
}

static void
begin_phase(struct session *s)
{
    s->over_ns = 0;
    recover_begin(s);
    own_cpu_count(&s->load.tally, false);
    progress_start(s);
    for (uint32_t i = 0; i < s->conn_count; i++) {
        load_tick(&s->load); /* each is timed from when it is sent */
        if (conn_is_up(&s->conns[i]))
            feed(s, &s->conns[i]);
    }
}

static enum session_result
end_phase(struct session *s, enum session_result result)
{
    if (result != SESSION_OK)
        recover_give_up(s);
    if (stop_signal() != 0)
        result = SESSION_INTERRUPTED;
    load_end(&s->load, result != SESSION_OK);
    recover_end(s, s->load.tally.end_ns);
    own_cpu_count(&s->load.tally, true);
    if (s->show_progress)
        progress_end();
    return result;
}

/* From load_begin() until everything is answered. */
static enum session_result
run_phase(struct session *s)
{
    struct epoll_event events[EVENTS_MAX];
    enum session_result result = SESSION_OK;

    begin_phase(s);
    while (result == SESSION_OK && !is_finished(s)) {
        int n = wait_for_events(s, events);

        load_tick(&s->load);
        for (int i = 0; i < n; i++)
            handle(s, &events[i]);
        if (s->load.gap_ns > 0)
            dispatch(s);
        result = look_around(s);
    }
    return end_phase(s, result);
}

enum session_result
session_fill(struct session *s)
{
    load_begin(&s->load, LOAD_FILL, UINT64_MAX, UINT64_MAX);
    return run_phase(s);
}

enum session_result
session_run(struct session *s, uint64_t duration_ns, uint64_t requests)
{
    load_begin(&s->load, s->options->hitratio ? LOAD_WORKLOAD : LOAD_MIX,
               requests > 0 ? requests : UINT64_MAX,
               duration_ns > 0 ? duration_ns : UINT64_MAX);
    return run_phase(s);
}

enum session_result
session_warm_up(struct session *s, uint64_t duration_ns)
{
    struct windows before = s->load.windows;
    enum session_result result;

    s->load.windows = (struct windows){0};
    result = session_run(s, duration_ns, 0);
    windows_fini(&s->load.windows);
    s->load.windows = before;
    return result;
}
