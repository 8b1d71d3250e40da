/* Sends and receives for many connections in one system call. */
#include "run/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "run/driver.h"
#include "run/recover.h"

enum {
    SENDS_MIN = 2, /* with fewer, the ring costs more than it spares */
    RECEIVES_MIN = 3,
    EXPECTED_MAX = 128 * 1024, /* received by one call: stays in the cache */
    LONG_BYTES = 64 * 1024,    /* what is sent by itself: a call costs little beside it */
    IOVS_MAX = 1024,           /* what one sendmsg() takes */
};

/* Of the one ring of this process. */
static unsigned users;

bool
exchange_init(struct exchange *x)
{
    x->on = users > 0 || sys_ring_open() == 0;
    x->counted = x->on;
    users += x->counted;
    x->count = 0;
    x->input = malloc((size_t)SYS_MANY_MAX * (WIRE_LINE_MAX + EXCHANGE_INPUT_BYTES));
    return x->input != NULL;
}

void
exchange_fini(struct exchange *x)
{
    free(x->input);
    x->input = NULL;
    if (x->counted && --users == 0)
        sys_ring_close();
    x->counted = false;
}

void
exchange_forget(void)
{
    users = 0;
    sys_ring_close();
}

/* It has failed: so would it again. */
static void
give_up_ring(struct exchange *x)
{
    x->on = false;
    sys_ring_close();
}

/* Sending. */

/* The requests of C that are sent now for the first time leave at NS. */
static void
set_sent(struct channel *c, uint64_t ns)
{
    for (uint32_t i = c->unsent; i != c->tail; i++) {
        struct query *query = &c->ring[i & c->mask];

        if ((query->flags & QUERY_REFILL) || (query->kind == QUERY_CAS && query->cas != 0))
            continue; /* part of an earlier one */
        query->sent_ns = ns;
        query->due_ns = ns;
    }
}

static void
send_alone(struct driver *d, struct channel *c)
{
    if (!channel_is_up(c) || c->unsent == c->tail)
        return;
    if (d->load.gap_ns == 0 && c->unsent_off == 0 && !c->blocked) {
        load_tick(&d->load);
        set_sent(c, d->load.now_ns);
    }
    if (channel_flush(c, &d->shared) == CHANNEL_LOST)
        recover_send_failed(d, c);
}

/* Format what of the queue fits, from AT on: how many of them. */
static uint32_t
format_some(struct driver *d, uint32_t at)
{
    struct exchange *x = &d->exchange;
    struct out *out = &d->shared.out;
    uint32_t n = 0;

    out_reset(out);
    for (; at + n < x->count; n++) {
        struct channel *c = x->queue[at + n];
        uint32_t end;

        if (!channel_is_up(c) || c->unsent == c->tail || c->unsent_off > 0 || c->blocked)
            break;
        end = channel_format(c, &d->shared);
        if (end == c->unsent || out->total > LONG_BYTES || out_part_iovs(out) > IOVS_MAX)
            break;
        x->ends[n] = end;
        x->list[n] = (struct sys_transfer){
            .fd = c->fd, .iov = out->iov + out->first, .count = (int)out_part_iovs(out)};
        x->bytes[n] = out->total;
    }
    return n;
}

/* What was sent for C, number I of those that were formatted. */
static void
settle_sent(struct driver *d, struct channel *c, uint32_t i)
{
    struct exchange *x = &d->exchange;
    ssize_t n = x->list[i].result;
    enum channel_result result;

    if (n < 0) {
        errno = (int)-n;
        n = -1;
    }
    if (n < 0 && (errno == EINTR || errno == -SYS_NOT_MADE))
        result = channel_flush(c, &d->shared);
    else
        result = channel_sent(c, &d->shared, x->ends[i], n, x->bytes[i]);
    /* Not all of it had room in the batch. */
    if (result == CHANNEL_OK && c->unsent != c->tail && !c->blocked)
        result = channel_flush(c, &d->shared);
    if (result == CHANNEL_LOST)
        recover_send_failed(d, c);
}

/* Send for N of the queue from AT on, which are formatted. */
static void
send_some(struct driver *d, uint32_t at, uint32_t n)
{
    struct exchange *x = &d->exchange;
    uint64_t begin;
    uint64_t took;

    load_tick(&d->load);
    begin = d->load.now_ns;
    if (sys_send_many(x->list, n) != 0)
        give_up_ring(x);
    load_tick(&d->load);
    took = d->load.now_ns - begin;
    for (uint32_t i = 0; i < n; i++) {
        if (d->load.gap_ns == 0)
            set_sent(x->queue[at + i], begin + took * i / n);
        settle_sent(d, x->queue[at + i], i);
    }
}

void
exchange_flush(struct driver *d)
{
    struct exchange *x = &d->exchange;
    uint32_t at = 0;

    while (at < x->count) {
        uint32_t n = x->on && x->count - at >= SENDS_MIN ? format_some(d, at) : 0;

        if (n >= SENDS_MIN) {
            send_some(d, at, n);
            at += n;
        } else {
            send_alone(d, x->queue[at++]);
        }
    }
    for (uint32_t i = 0; i < x->count; i++)
        x->queue[i]->queued = false;
    x->count = 0;
}

void
exchange_queue(struct driver *d, struct channel *c)
{
    struct exchange *x = &d->exchange;

    if (!c->queued)
        x->queue[x->count++] = c;
    c->queued = true;
    /* An open loop's requests have their times already. */
    if (x->count == SYS_MANY_MAX || d->load.gap_ns > 0)
        exchange_flush(d);
}

/* Receiving. */

static void
receive_alone(struct driver *d, struct channel *c)
{
    if (channel_receive(c, &d->shared) == CHANNEL_LOST)
        recover_lose(d, c);
}

static void
settle_received(struct driver *d, struct channel *c, uint32_t i)
{
    const struct exchange *x = &d->exchange;
    ssize_t n = x->list[i].result;

    if (n == SYS_NOT_MADE || n == -EINTR) {
        receive_alone(d, c);
        return;
    }
    if (n == -EAGAIN)
        return;
    c->bulky |= n == EXCHANGE_INPUT_BYTES;
    if (n <= 0 || (c->bulky && !channel_remind(c, &d->shared)) ||
        channel_take(c, &d->shared, x->inputs[i].iov_base, (size_t)n) == CHANNEL_LOST)
        recover_lose(d, c);
}

/* How many of the first in LIST are received by one call. */
static uint32_t
share_of(struct channel *const *list, uint32_t count)
{
    uint32_t n = 0;
    size_t expected = 0;

    while (n < count && (n == 0 || expected + list[n]->last_bytes <= EXPECTED_MAX))
        expected += list[n++]->last_bytes;
    return n;
}

static void
receive_some(struct driver *d, struct channel *const *list, uint32_t count)
{
    struct exchange *x = &d->exchange;

    for (uint32_t i = 0; i < count; i++) {
        x->inputs[i].iov_base =
            x->input + (size_t)i * (WIRE_LINE_MAX + EXCHANGE_INPUT_BYTES) + WIRE_LINE_MAX;
        x->inputs[i].iov_len = EXCHANGE_INPUT_BYTES;
        x->list[i] = (struct sys_transfer){.fd = list[i]->fd, .iov = &x->inputs[i], .count = 1};
    }
    if (sys_recv_many(x->list, count) != 0)
        give_up_ring(x);
    load_tick(&d->load);
    for (uint32_t i = 0; i < count; i++)
        settle_received(d, list[i], i);
}

void
exchange_receive(struct driver *d, struct channel *const *list, uint32_t count)
{
    uint32_t at = 0;

    while (at < count) {
        uint32_t n = d->exchange.on ? share_of(list + at, count - at) : 1;

        if (n >= RECEIVES_MIN) {
            receive_some(d, list + at, n);
            at += n;
        } else {
            receive_alone(d, list[at++]);
        }
    }
}
