/* The load of one server: its connections, and what is measured with them. */
#include "run/driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host/stop.h"
#include "lombard/base/sys.h"
#include "run/pauses.h"
#include "run/phase.h"

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
    case DRIVER_NOT_FILLED: return "not all keys could be stored";
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
    uint32_t depth = max_u32(max_u32(o->pipeline, options_open_pipeline(o)), DRIVER_FILL_DEPTH);

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
    if (!init_shared(d) || !init_channels(d) || !pauses_init(d) || !exchange_init(&d->exchange))
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
    exchange_fini(&d->exchange);
    out_fini(&d->shared.out);
    if (d->shared.epfd >= 0)
        (void)close(d->shared.epfd);
    load_fini(&d->load);
}

enum driver_result
driver_fill(struct driver *d)
{
    load_begin(&d->load, LOAD_FILL, UINT64_MAX, UINT64_MAX);
    return phase_run(d);
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
    return phase_run(d);
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
