/*
 * Shares the thread: in each iteration first what something has just come for, of those that bring little
 * and then of those that bring much, then connections that have more to do, then background work.
 */
#include "schedule.h"

#include <inttypes.h>

#include "group.h"
#include "lombard/base/eventlog.h"
#include "lombard/base/sys.h"
#include "shed.h"

void
schedule_begin(void *ctx)
{
    struct server *server = ctx;
    uint64_t lapse_ms = server->clock->now_ms - server->iteration_ms;

    /*
     * The tick ends every wait: if more time has passed, this process stood still, and what
     * its clients did meanwhile is not known yet. That time counts against none of them.
     */
    if (lapse_ms > LAPSE_MS) {
        server->stats.lapses++;
        lapse_ms = LAPSE_MS;
    }
    server->iteration_ms = server->clock->now_ms;
    server->latency.last_ns = server->clock->now_ns;
    server->attended_ms += lapse_ms;
    server->attended_s = (uint32_t)(server->attended_ms / 1000);
    cmd_new_iteration(server->cmd);
    server->background |= cmd_is_due(server->cmd);
}

/* One piece: what is left waits for the next iteration, behind new events. */
static void
work(struct server *server)
{
    server->background = cmd_work(server->cmd);
    server->work_ns = server->clock->now_ns + WORK_NS;
    latency_step(&server->latency, STEP_WORK);
}

/*
 * All connections that had an event, a short slice each. The ones that have more to do get one
 * slice now and then, so that they do not wait for all of this. True when a short slice was
 * enough for some of them.
 */
static bool
serve_arrived(struct server *server)
{
    uint64_t before = server->stats.conn_dispatches - server->stats.conn_yields;
    uint64_t since_ns = server->clock->now_ns;
    struct list_node now;

    list_init(&now);
    list_append_all(&now, &server->arrived);
    while (!list_is_empty(&now)) {
        uint64_t now_ns;

        conn_serve_group(server, &now, SLICE_FIRST);
        if (list_is_empty(&now) || list_is_empty(&server->ready))
            continue;
        now_ns = sys_monotonic_ns();
        if (now_ns - since_ns >= ARRIVED_NS) {
            server->look_ns = now_ns + LOOK_RARE_NS; /* the ones behind it wait as well */
            conn_serve_group(server, &server->ready, SLICE_MORE);
            since_ns = now_ns;
        }
    }
    return server->stats.conn_dispatches - server->stats.conn_yields != before;
}

/*
 * Until when connections that bring much are served now: not long while light clients come and go, but
 * as long as serving these took, and so long that looking costs little.
 */
static uint64_t
pipelines_until_ns(const struct server *server)
{
    uint64_t now_ns = sys_monotonic_ns();
    uint64_t lights_ns = now_ns - server->clock->now_ns;
    uint64_t span_ns = PIPELINES_RARE_NS;

    if (server->looks_in_vain < LOOKS_IN_VAIN) {
        span_ns = server->stats.conn_ready * PIPELINES_LOOK_NS;
        if (span_ns < PIPELINES_NS)
            span_ns = PIPELINES_NS;
    }
    if (span_ns > ARRIVED_NS && !list_is_empty(&server->ready))
        span_ns = ARRIVED_NS;
    return now_ns + (span_ns > lights_ns ? span_ns : lights_ns);
}

/* A short slice each of those that have had an event, in order, until it is time to look for more. */
static void
serve_pipelines(struct server *server)
{
    uint64_t until_ns;

    if (list_is_empty(&server->pipelines))
        return;
    until_ns = pipelines_until_ns(server);
    do
        conn_serve_group(server, &server->pipelines, SLICE_FIRST);
    while (!list_is_empty(&server->pipelines) && sys_monotonic_ns() < until_ns);
}

/*
 * Until when connections with more to do are served now: not long while light clients come and
 * go, but half as long as serving these took.
 */
static uint64_t
next_look_ns(const struct server *server)
{
    uint64_t now_ns = sys_monotonic_ns();
    uint64_t span_ns = server->looks_in_vain < LOOKS_IN_VAIN ? LOOK_NS : LOOK_RARE_NS;
    uint64_t half_ns = (now_ns - server->clock->now_ns) / 2;

    if (half_ns > span_ns)
        span_ns = half_ns < LOOK_RARE_NS ? half_ns : LOOK_RARE_NS;
    return now_ns + span_ns;
}

/* Connections with more to do, one after the other, until it is time to look for events. */
static void
serve_ready(struct server *server)
{
    if (list_is_empty(&server->ready))
        return;
    server->look_ns = next_look_ns(server);
    do
        conn_serve_group(server, &server->ready, SLICE_MORE);
    while (!list_is_empty(&server->ready) && sys_monotonic_ns() < server->look_ns);
}

/* --- The thread was held up --- */

static void
report_stall(struct server *server, uint64_t ns, const char *step, uint64_t step_ns)
{
    static struct event_kind kind = EVENT_KIND_OF("stalled", LOG_INFO, STALL_LINES);

    server->stats.loop_stalls++;
    server->stall_reported_ns = server->clock->now_ns;
    if (event_admits(&kind))
        event_add(&kind, "ms=%.1f step=%s step_ms=%.1f waiting=%" PRIu64, (double)ns / 1e6,
                  step, (double)step_ns / 1e6, server->stats.conn_ready);
}

/* The last iteration took too long: those that waited for it have been delivered by now. */
static NOINLINE void
report_iteration(struct server *server)
{
    struct latency *latency = &server->latency;
    bool one = latency->worst_ns > 0;

    report_stall(server, latency->stalled_ns, one ? latency_step_name(latency->worst) : "many",
                 latency->worst_ns);
    latency->stalled_ns = 0;
    latency->worst_ns = 0;
}

void
server_note_late(struct server *server, uint64_t late_ns)
{
    uint64_t due_ns = server->clock->now_ns - late_ns;

    if (late_ns > server->latency.limit_ns && server->stall_reported_ns <= due_ns)
        report_stall(server, late_ns, "wait", late_ns);
}

void
schedule_serve(void *ctx)
{
    struct server *server = ctx;

    if (UNLIKELY(server->latency.stalled_ns > 0))
        report_iteration(server);
    /* A look was in vain when it found only connections that have more to do anyway. */
    server->looks_in_vain++;
    if (!list_is_empty(&server->arrived) && serve_arrived(server))
        server->looks_in_vain = 0;
    serve_pipelines(server);
    serve_ready(server);
    if (server->background &&
        ((list_is_empty(&server->ready) && list_is_empty(&server->pipelines)) ||
         server->clock->now_ns >= server->work_ns))
        work(server);
}

static void
on_relief(struct timer *timer)
{
    (void)timer; /* only that this iteration comes: its end does the rest */
}

void
schedule_init(struct server *server)
{
    list_init(&server->arrived);
    list_init(&server->pipelines);
    list_init(&server->ready);
    timer_init(&server->relief, on_relief);
}

void
schedule_relief(struct server *server)
{
    uint64_t now_ms = server->clock->now_ms;

    if (LIKELY(pool_waiters(server->pool) == 0) || now_ms < server->relief_ms)
        return;
    server->relief_ms = now_ms + RELIEF_MS;
    server_shed_for_waiters(server);
    if (pool_waiters(server->pool) > 0)
        timer_set(loop_timers(server->loop), &server->relief, server->relief_ms);
}

bool
schedule_has_work(void *ctx)
{
    const struct server *server = ctx;

    return server->background || !list_is_empty(&server->ready) ||
           !list_is_empty(&server->arrived) || !list_is_empty(&server->pipelines) ||
           !list_is_empty(&server->dead);
}
