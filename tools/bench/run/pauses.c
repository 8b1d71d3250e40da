/* Keeps connections waiting until their time has come, and ends sessions. */
#include "run/pauses.h"

#include <stdlib.h>

#include "run/recover.h"

bool
pauses_init(struct driver *d)
{
    rng_init(&d->think_rng, d->options->seed ^ UINT64_C(0x7417e));
    d->pauses = calloc(d->channel_count, sizeof(struct channel *));
    return d->pauses != NULL;
}

void
pauses_fini(struct driver *d)
{
    free(d->pauses);
    d->pauses = NULL;
}

static void
put(struct driver *d, uint32_t i, struct channel *c)
{
    d->pauses[i] = c;
}

static uint64_t
time_at(const struct driver *d, uint32_t i)
{
    return d->pauses[i]->pause_ns;
}

/* A heap by their times, the next one first. */
static void
add(struct driver *d, struct channel *c)
{
    uint32_t i = d->pause_count++;

    c->pause_ns = c->caller.until_ns;
    c->paused = true;
    d->pending += c->caller.follow_count > 0;
    c->pending = c->caller.follow_count > 0;
    for (; i > 0 && time_at(d, (i - 1) / 2) > c->pause_ns; i = (i - 1) / 2)
        put(d, i, d->pauses[(i - 1) / 2]);
    put(d, i, c);
}

static struct channel *
take_first(struct driver *d)
{
    struct channel *first = d->pauses[0];
    struct channel *last = d->pauses[--d->pause_count];
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child + 1 < d->pause_count && time_at(d, child + 1) < time_at(d, child))
            child++;
        if (child >= d->pause_count || time_at(d, child) >= last->pause_ns)
            break;
        put(d, i, d->pauses[child]);
        i = child;
    }
    put(d, i, last);
    first->paused = false;
    d->pending -= first->pending;
    return first;
}

void
pauses_begin(struct driver *d)
{
    for (uint32_t i = 0; i < d->channel_count; i++) {
        struct channel *c = &d->channels[i];

        c->session_asked = 0;
        c->session_ns = d->load.now_ns;
        c->worked = times_given(&d->options->think); /* else all would begin at once */
    }
}

struct channel *
pauses_due(struct driver *d)
{
    while (d->pause_count > 0 && time_at(d, 0) <= d->load.now_ns) {
        struct channel *c = take_first(d);

        if (channel_is_up(c))
            return c;
    }
    return NULL;
}

uint64_t
pauses_wait_ns(const struct driver *d)
{
    uint64_t next = d->pause_count > 0 ? time_at(d, 0) : UINT64_MAX;

    if (d->options->session_requests > 0 && d->next_retry_ns != 0 && d->next_retry_ns < next)
        next = d->next_retry_ns;
    if (next == UINT64_MAX)
        return UINT64_MAX;
    return next > d->load.now_ns ? next - d->load.now_ns : 0;
}

uint64_t
pauses_left(const struct driver *d, const struct channel *c)
{
    uint64_t all = d->options->session_requests;

    return all == 0 || d->load.phase != LOAD_MIX ? UINT64_MAX : all - c->session_asked;
}

bool
pauses_hold(struct driver *d, struct channel *c)
{
    const struct options *o = d->options;
    uint64_t now = d->load.now_ns;

    if (c->caller.until_ns <= now && d->load.phase == LOAD_MIX && c->worked &&
        channel_in_flight(c) == 0 && c->caller.follow_count == 0) {
        c->worked = false;
        if (pauses_left(d, c) == 0 && !load_is_over(&d->load)) {
            d->load.tally.aside.sessions++;
            hist_add(&d->load.tally.aside.session, now - c->session_ns);
            recover_leave(d, c, now + o->session_gap_ns);
            return true;
        }
        if (times_given(&o->think) && !load_is_over(&d->load))
            c->caller.until_ns = now + times_draw(&o->think, &d->think_rng);
    }
    if (c->caller.until_ns <= now)
        return false;
    if (!c->paused)
        add(d, c);
    return true;
}
