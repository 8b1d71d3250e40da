/* Loses connections, times them out and connects them again. */
#include "recover.h"

#include <errno.h>

#define SECOND_NS UINT64_C(1000000000)

/* How long to wait before a connection that failed is tried again. */
#define RETRY_NS (SECOND_NS / 10)
/* How long connecting may take. */
#define CONNECT_NS SECOND_NS
/* When no connection has been of use for so long, the server is given up. */
#define GIVE_UP_NS (5 * SECOND_NS)
/* Without --timeout, a connection is given up on which no byte has moved for so long. */
#define PATIENCE_NS (10 * SECOND_NS)

enum {
    RETRIES_MAX = 256, /* connections begun at a time */
    SCAN_MAX = 4096,   /* connections looked at for overdue answers at a time */
};

static uint64_t
limit_ns(const struct session *s)
{
    return s->options->timeout_ns > 0 ? s->options->timeout_ns : PATIENCE_NS;
}

/* How often connections are looked at. */
uint64_t
recover_wait_ns(const struct session *s)
{
    uint64_t ns = limit_ns(s) / 16;

    return ns < 1000000 ? 1000000 : ns > 50000000 ? 50000000 : ns;
}

static void
retry_at(struct session *s, struct conn *c, uint64_t ns)
{
    c->retry_ns = ns;
    if (s->next_retry_ns == 0 || ns < s->next_retry_ns)
        s->next_retry_ns = ns;
}

void
recover_begin(struct session *s)
{
    uint64_t now = s->load.now_ns;

    s->next_retry_ns = 0;
    for (uint32_t i = 0; i < s->conn_count; i++) {
        struct conn *c = &s->conns[i];

        c->lost_ns = now;
        if (c->fd < 0)
            retry_at(s, c, now);
    }
    s->down_since_ns = s->up_count == 0 ? now : 0;
    s->useless_since_ns = s->down_since_ns;
    s->useless_answers = 0;
    s->next_scan_ns = now + recover_wait_ns(s);
}

static void
note_useless(struct session *s)
{
    if (s->useless_since_ns != 0)
        return;
    s->useless_since_ns = s->load.now_ns;
    s->useless_answers = tally_answers(&s->load.tally);
}

void
recover_lose(struct session *s, struct conn *c)
{
    uint64_t now = s->load.now_ns;
    bool heard = c->heard;

    conn_drop(c, &s->shared);
    c->lost_ns = now;
    s->up_count--;
    s->load.tally.lost_connections++;
    if (s->up_count == 0)
        s->down_since_ns = now;
    if (s->up_count == 0 || !heard)
        note_useless(s);
    if (!heard || !conn_reopen(c, &s->shared, &s->addr))
        retry_at(s, c, now + RETRY_NS);
}

bool
recover_connected(struct session *s, struct conn *c)
{
    struct tally *t = &s->load.tally;
    uint64_t now = s->load.now_ns;

    if (!conn_reopened(c, &s->shared)) {
        if (errno != EINPROGRESS)
            retry_at(s, c, now + RETRY_NS);
        return false;
    }
    t->conn_down_ns += now - c->lost_ns;
    if (s->up_count++ == 0)
        t->down_ns += now - s->down_since_ns;
    s->down_since_ns = 0;
    return true;
}

void
recover_end(struct session *s, uint64_t end_ns)
{
    struct tally *t = &s->load.tally;

    for (uint32_t i = 0; s->up_count < s->conn_count && i < s->conn_count; i++) {
        const struct conn *c = &s->conns[i];

        if (!conn_is_up(c) && end_ns > c->lost_ns)
            t->conn_down_ns += end_ns - c->lost_ns;
    }
    if (s->down_since_ns != 0 && end_ns > s->down_since_ns)
        t->down_ns += end_ns - s->down_since_ns;
}

/* Begin to connect those that are due; what fails at once will not be better for the next. */
static void
retry_lost(struct session *s)
{
    uint64_t now = s->load.now_ns;
    uint64_t next = 0;
    uint32_t begun = 0;

    for (uint32_t i = 0; i < s->conn_count; i++) {
        struct conn *c = &s->conns[i];

        if (c->fd >= 0)
            continue;
        if (c->retry_ns <= now && begun < RETRIES_MAX) {
            begun++;
            if (conn_reopen(c, &s->shared, &s->addr))
                continue;
            begun = RETRIES_MAX;
            c->retry_ns = now + RETRY_NS;
        }
        if (next == 0 || c->retry_ns < next)
            next = c->retry_ns;
    }
    s->next_retry_ns = begun == RETRIES_MAX && next <= now ? now + RETRY_NS / 10 : next;
}

/* The oldest request of C has waited too long. */
static bool
is_overdue(const struct session *s, const struct conn *c)
{
    uint64_t since = c->ring[c->head & c->mask].sent_ns;

    if (conn_in_flight(c) == 0)
        return false;
    if (s->options->timeout_ns == 0 && c->moved_ns > since)
        since = c->moved_ns;
    return s->load.now_ns > since && s->load.now_ns - since > limit_ns(s);
}

/* How many requests of C the server has, or a part of them, that are not answered. */
static uint32_t
unanswered(const struct conn *c)
{
    bool part =
        c->unsent_off > 0 && !(c->ring[c->unsent & c->mask].flags & (uint8_t)OP_ANSWERED);

    return c->unsent - c->head + part;
}

static void
look_at(struct session *s, struct conn *c)
{
    uint64_t now = s->load.now_ns;

    if (c->connecting && now - c->moved_ns > CONNECT_NS) {
        conn_drop(c, &s->shared);
        retry_at(s, c, now + RETRY_NS);
    } else if (conn_is_up(c) && is_overdue(s, c)) {
        s->load.tally.timed_out += unanswered(c);
        recover_lose(s, c);
    }
}

void
recover_tick(struct session *s)
{
    uint64_t now = s->load.now_ns;
    uint32_t n = s->conn_count < SCAN_MAX ? s->conn_count : SCAN_MAX;

    if (s->next_retry_ns != 0 && now >= s->next_retry_ns)
        retry_lost(s);
    if (now < s->next_scan_ns)
        return;
    s->next_scan_ns = now + recover_wait_ns(s);
    for (; n > 0; n--) {
        s->scan_at = s->scan_at + 1 < s->conn_count ? s->scan_at + 1 : 0;
        look_at(s, &s->conns[s->scan_at]);
    }
}

bool
recover_is_hopeless(struct session *s)
{
    if (s->useless_since_ns == 0)
        return false;
    if (tally_answers(&s->load.tally) != s->useless_answers ||
        (s->up_count == s->conn_count && s->shared.in_flight == 0)) {
        s->useless_since_ns = 0;
        return false;
    }
    return s->load.now_ns - s->useless_since_ns > GIVE_UP_NS;
}

void
recover_give_up(struct session *s)
{
    for (uint32_t i = 0; i < s->conn_count && s->shared.in_flight > 0; i++) {
        struct conn *c = &s->conns[i];

        if (conn_in_flight(c) == 0)
            continue;
        s->load.tally.timed_out += unanswered(c);
        conn_drop(c, &s->shared);
        c->lost_ns = s->load.now_ns;
        s->up_count--;
    }
}
