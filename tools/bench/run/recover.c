/* Loses connections, times them out and connects them again. */
#include "run/recover.h"

#include <errno.h>

#define SECOND_NS UINT64_C(1000000000)

/* How long to wait before a connection that failed is tried again. */
#define RETRY_NS (SECOND_NS / 10)
/* How long connecting may take. */
#define CONNECT_NS SECOND_NS
/* When no connection has been of use for this long, the server is given up. */
#define GIVE_UP_NS (5 * SECOND_NS)
/* Without --timeout, a connection is given up when no byte has moved on it for this long. */
#define PATIENCE_NS (10 * SECOND_NS)

enum {
    RETRIES_MAX = 256, /* connections begun at a time */
    SCAN_MAX = 4096,   /* connections looked at for overdue answers at a time */
};

static uint64_t
limit_ns(const struct driver *d)
{
    return d->options->timeout_ns > 0 ? d->options->timeout_ns : PATIENCE_NS;
}

/* How often connections are looked at. */
uint64_t
recover_wait_ns(const struct driver *d)
{
    uint64_t ns = limit_ns(d) / 16;

    return ns < 1000000 ? 1000000 : ns > 50000000 ? 50000000 : ns;
}

static void
retry_at(struct driver *d, struct channel *c, uint64_t ns)
{
    c->retry_ns = ns;
    if (d->next_retry_ns == 0 || ns < d->next_retry_ns)
        d->next_retry_ns = ns;
}

void
recover_begin(struct driver *d)
{
    uint64_t now = d->load.now_ns;

    d->next_retry_ns = 0;
    for (uint32_t i = 0; i < d->channel_count; i++) {
        struct channel *c = &d->channels[i];

        c->lost_ns = now;
        if (c->fd < 0)
            retry_at(d, c, now);
    }
    d->down_since_ns = d->up_count == 0 ? now : 0;
    d->useless_since_ns = d->down_since_ns;
    d->useless_answers = 0;
    d->next_scan_ns = now + recover_wait_ns(d);
}

static void
note_useless(struct driver *d)
{
    if (d->useless_since_ns != 0)
        return;
    d->useless_since_ns = d->load.now_ns;
    d->useless_answers = tally_answers(&d->load.tally);
}

void
recover_lose(struct driver *d, struct channel *c)
{
    uint64_t now = d->load.now_ns;
    bool heard = c->heard;

    channel_drop(c, &d->shared);
    if (d->server_count > 1)
        d->load.has_idle = d->load.gap_ns == 0; /* its client may have others to ask */
    c->lost_ns = now;
    d->up_count--;
    d->load.tally.lost_connections++;
    if (d->up_count == 0)
        d->down_since_ns = now;
    if (d->up_count == 0 || !heard)
        note_useless(d);
    if (!heard || !channel_reopen(c, &d->shared, driver_addr_of(d, c)))
        retry_at(d, c, now + RETRY_NS);
}

void
recover_leave(struct driver *d, struct channel *c, uint64_t again_ns)
{
    channel_drop(c, &d->shared);
    c->away = true;
    d->up_count--;
    retry_at(d, c, again_ns);
}

/* A new session has its connection, or none. */
static bool
arrive(struct driver *d, struct channel *c)
{
    uint64_t begun = c->moved_ns;

    if (!channel_reopened(c, &d->shared)) {
        if (errno != EINPROGRESS) {
            note_useless(d);
            retry_at(d, c, d->load.now_ns + RETRY_NS);
        }
        return false;
    }
    hist_add(&d->load.tally.aside.connect, d->load.now_ns - begun);
    c->away = false;
    c->session_ns = begun;
    c->session_asked = 0;
    d->up_count++;
    return true;
}

bool
recover_connected(struct driver *d, struct channel *c)
{
    struct tally *t = &d->load.tally;
    uint64_t now = d->load.now_ns;

    if (c->away)
        return arrive(d, c);
    if (!channel_reopened(c, &d->shared)) {
        if (errno != EINPROGRESS)
            retry_at(d, c, now + RETRY_NS);
        return false;
    }
    t->conn_down_ns += now - c->lost_ns;
    if (d->up_count++ == 0 && d->down_since_ns != 0)
        t->down_ns += now - d->down_since_ns;
    d->down_since_ns = 0;
    return true;
}

void
recover_end(struct driver *d, uint64_t end_ns)
{
    struct tally *t = &d->load.tally;

    for (uint32_t i = 0; d->up_count < d->channel_count && i < d->channel_count; i++) {
        const struct channel *c = &d->channels[i];

        if (!channel_is_up(c) && !c->away && end_ns > c->lost_ns)
            t->conn_down_ns += end_ns - c->lost_ns;
    }
    if (d->down_since_ns != 0 && end_ns > d->down_since_ns)
        t->down_ns += end_ns - d->down_since_ns;
}

/* Begin to connect those that are due; where one fails immediately, so would
 * the next to the same server. */
static void
retry_lost(struct driver *d)
{
    uint64_t now = d->load.now_ns;
    uint64_t next = 0;
    uint32_t begun = 0;

    for (uint32_t i = 0; i < d->channel_count; i++) {
        struct channel *c = &d->channels[i];

        if (c->fd >= 0)
            continue;
        if (c->retry_ns <= now && begun < RETRIES_MAX) {
            begun++;
            if (channel_reopen(c, &d->shared, driver_addr_of(d, c)))
                continue;
            begun = d->server_count > 1 ? begun : RETRIES_MAX; /* or it is another server */
            c->retry_ns = now + RETRY_NS;
        }
        if (next == 0 || c->retry_ns < next)
            next = c->retry_ns;
    }
    d->next_retry_ns = begun == RETRIES_MAX && next <= now ? now + RETRY_NS / 10 : next;
}

/* The oldest request of C has waited too long. */
static bool
is_overdue(const struct driver *d, const struct channel *c)
{
    uint64_t since = c->ring[c->head & c->mask].sent_ns;

    if (channel_in_flight(c) == 0)
        return false;
    if (d->options->timeout_ns == 0 && c->moved_ns > since)
        since = c->moved_ns;
    return d->load.now_ns > since && d->load.now_ns - since > limit_ns(d);
}

/* How many requests of C the server has, or a part of them, that are not answered. */
static uint32_t
unanswered(const struct channel *c)
{
    bool part =
        c->unsent_off > 0 && !(c->ring[c->unsent & c->mask].flags & (uint8_t)QUERY_ANSWERED);

    return c->unsent - c->head + part;
}

static void
look_at(struct driver *d, struct channel *c)
{
    uint64_t now = d->load.now_ns;

    if (c->connecting && now - c->moved_ns > CONNECT_NS) {
        channel_drop(c, &d->shared);
        retry_at(d, c, now + RETRY_NS);
    } else if (channel_is_up(c) && is_overdue(d, c)) {
        d->load.tally.timed_out += unanswered(c);
        recover_lose(d, c);
    }
}

void
recover_tick(struct driver *d)
{
    uint64_t now = d->load.now_ns;
    uint32_t n = d->channel_count < SCAN_MAX ? d->channel_count : SCAN_MAX;

    if (d->next_retry_ns != 0 && now >= d->next_retry_ns)
        retry_lost(d);
    if (now < d->next_scan_ns)
        return;
    d->next_scan_ns = now + recover_wait_ns(d);
    for (; n > 0; n--) {
        d->scan_at = d->scan_at + 1 < d->channel_count ? d->scan_at + 1 : 0;
        look_at(d, &d->channels[d->scan_at]);
    }
}

bool
recover_is_hopeless(struct driver *d)
{
    if (d->useless_since_ns == 0)
        return false;
    if (tally_answers(&d->load.tally) != d->useless_answers ||
        (d->up_count == d->channel_count && d->shared.in_flight == 0)) {
        d->useless_since_ns = 0;
        return false;
    }
    return d->load.now_ns - d->useless_since_ns > GIVE_UP_NS;
}

void
recover_give_up(struct driver *d)
{
    for (uint32_t i = 0; i < d->channel_count && d->shared.in_flight > 0; i++) {
        struct channel *c = &d->channels[i];

        if (channel_in_flight(c) == 0)
            continue;
        d->load.tally.timed_out += unanswered(c);
        channel_drop(c, &d->shared);
        c->lost_ns = d->load.now_ns;
        d->up_count--;
    }
}

void
recover_send_failed(struct driver *d, struct channel *c)
{
    switch (channel_receive(c, &d->shared)) {
    case CHANNEL_OK:
    case CHANNEL_LOST: recover_lose(d, c); return;
    }
    BUG("channel_result out of range");
}
