#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"
#include "lombard/base/sys.h"

bool
conn_init(struct conn *c, uint32_t depth, uint32_t width)
{
    uint32_t size = 1;

    memset(c, 0, sizeof(*c));
    c->fd = -1;
    while (size < depth)
        size *= 2;
    c->mask = size - 1;
    c->width = width;
    c->ring = calloc(size, sizeof(*c->ring));
    c->follows = calloc((size_t)size * width, sizeof(*c->follows));
    if (width > 1)
        c->many = calloc((size_t)size * width, sizeof(*c->many));
    if (c->ring != NULL && c->follows != NULL && (width == 1 || c->many != NULL))
        return true;
    conn_fini(c);
    return false;
}

void
conn_fini(struct conn *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
    free(c->ring);
    free(c->many);
    free(c->follows);
    free(c->stash);
    c->ring = NULL;
    c->many = NULL;
    c->follows = NULL;
    c->stash = NULL;
}

bool
conn_open(struct conn *c, struct conn_shared *shared, const struct net_addr *addr)
{
    /* A new source address every so often, lest the ports of one run out. */
    uint32_t source = c->index / 20000;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int fd = net_connect(addr, source);

    if (fd < 0)
        return false;
    if (sys_epoll_ctl(shared->epfd, EPOLL_CTL_ADD, fd, &event) != 0) {
        (void)close(fd);
        return false;
    }
    c->fd = fd;
    memset(&c->reader, 0, sizeof(c->reader));
    c->reader.keys = shared->keys;
    return true;
}

void
conn_drop(struct conn *c, struct conn_shared *shared)
{
    (void)close(c->fd);
    c->fd = -1;
    while (c->head != c->tail) {
        bool sent = c->head != c->unsent || c->unsent_off > 0;

        /* `unsent` follows, so that the rest is seen as unsent. */
        if (c->head == c->unsent) {
            c->unsent++;
            c->unsent_off = 0;
        }
        load_lost(shared->load, c, &c->ring[c->head & c->mask], sent);
        c->head++;
        shared->in_flight--;
    }
    c->blocked = false;
    c->unsent = c->head;
    c->unsent_off = 0;
    c->stash_bytes = 0;
    c->follow_count = 0;
}

/* Wait for room in the socket, or no more. */
static bool
set_blocked(struct conn *c, struct conn_shared *shared, bool blocked)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    if (c->blocked == blocked)
        return true;
    if (blocked)
        event.events |= EPOLLOUT;
    c->blocked = blocked;
    return sys_epoll_ctl(shared->epfd, EPOLL_CTL_MOD, c->fd, &event) == 0;
}

/* Format as many unsent requests as one send should take; the index after the last. */
static uint32_t
format_batch(struct conn *c, struct conn_shared *shared)
{
    struct out *out = &shared->out;
    uint32_t i;

    out_reset(out);
    for (i = c->unsent; i != c->tail; i++) {
        struct op *op = &c->ring[i & c->mask];

        if (!out_has_room(out, shared->head_bytes, op->value_bytes))
            break;
        shared->proto->write(out, shared->keys, op);
    }
    return i;
}

/* SENT bytes of what begins at `unsent` are gone. */
static void
advance(struct conn *c, size_t sent)
{
    size_t off = c->unsent_off + sent;

    while (c->unsent != c->tail && off >= c->ring[c->unsent & c->mask].wire_bytes) {
        off -= c->ring[c->unsent & c->mask].wire_bytes;
        c->unsent++;
    }
    c->unsent_off = (uint32_t)off;
}

static ssize_t
send_batch(struct conn *c, const struct out *out)
{
    enum { IOVS_MAX = 1024 }; /* what one sendmsg() takes */

    if (out->iov_count == 1)
        return sys_send(c->fd, out->iov[0].iov_base, out->iov[0].iov_len);
    return sys_sendmsg(c->fd, out->iov,
                       (int)(out->iov_count < IOVS_MAX ? out->iov_count : IOVS_MAX));
}

enum conn_result
conn_flush(struct conn *c, struct conn_shared *shared)
{
    struct out *out = &shared->out;

    while (c->unsent != c->tail) {
        uint32_t end = format_batch(c, shared);
        ssize_t n;

        if (c->unsent_off > 0)
            out_skip(out, c->unsent_off);
        n = send_batch(c, out);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return CONN_LOST;
        if (n > 0) {
            shared->load->tally.bytes_sent += (uint64_t)n;
            if ((size_t)n == out->total) {
                c->unsent = end;
                c->unsent_off = 0;
                continue;
            }
            advance(c, (size_t)n);
        }
        return set_blocked(c, shared, true) ? CONN_OK : CONN_LOST;
    }
    return set_blocked(c, shared, false) ? CONN_OK : CONN_LOST;
}

/* The request at the head is answered. */
static inline void
finish_head(struct conn *c, struct conn_shared *shared)
{
    struct op *op = &c->ring[c->head & c->mask];

    load_done(shared->load, c, op);
    c->head++;
    shared->in_flight--;
}

/* Quiet requests at the head have no answer: they are done once a later one has. */
static inline bool
skip_quiet(struct conn *c, struct conn_shared *shared)
{
    while (c->head != c->unsent && (c->ring[c->head & c->mask].flags & OP_QUIET)) {
        load_done_quietly(shared->load, &c->ring[c->head & c->mask]);
        c->head++;
        shared->in_flight--;
    }
    return c->head != c->unsent;
}

/* Hand all complete answers in [P, END) to the load; NULL when the stream is lost. */
static const unsigned char *
take_answers(struct conn *c, struct conn_shared *shared, const unsigned char *p,
             const unsigned char *end)
{
    while (p < end) {
        const unsigned char *before = p;
        struct op *op = &c->ring[c->head & c->mask];

        if (UNLIKELY(!skip_quiet(c, shared))) {
            c->reader.why = "an answer that nothing asked for";
            load_garbled(shared->load, c, NULL, before, end);
            return NULL;
        }
        op = &c->ring[c->head & c->mask];
        switch (shared->proto->read(&c->reader, op, &p, end)) {
        case READ_MORE: return p;
        case READ_VALUE: load_value(shared->load, c, op); break;
        case READ_LAST_VALUE:
            load_value(shared->load, c, op);
            finish_head(c, shared);
            break;
        case READ_DONE: finish_head(c, shared); break;
        case READ_STRAY_ERROR: load_stray_error(shared->load, c); break;
        case READ_GARBLED: load_garbled(shared->load, c, op, before, end); return NULL;
        }
    }
    return p;
}

/* Keep the beginning of an answer for later. */
static bool
put_in_stash(struct conn *c, const unsigned char *p, size_t bytes)
{
    if (bytes > 0 && c->stash == NULL) {
        c->stash = malloc(PROTO_LINE_MAX);
        if (c->stash == NULL)
            return false;
    }
    if (bytes > 0)
        memcpy(c->stash, p, bytes);
    c->stash_bytes = (uint32_t)bytes;
    return true;
}

enum conn_result
conn_receive(struct conn *c, struct conn_shared *shared)
{
    unsigned char *fresh = shared->input + PROTO_LINE_MAX;
    unsigned char *start = fresh - c->stash_bytes;
    const unsigned char *rest;
    ssize_t n = sys_recv(c->fd, fresh, CONN_INPUT_BYTES);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return CONN_OK;
    if (n <= 0)
        return CONN_LOST;
    load_tick(shared->load);
    shared->load->tally.bytes_received += (uint64_t)n;
    if (c->stash_bytes > 0)
        memcpy(start, c->stash, c->stash_bytes);
    rest = take_answers(c, shared, start, fresh + n);
    /* A reader leaves less than a line: it would have called more than that garbled. */
    if (rest == NULL || !put_in_stash(c, rest, (size_t)(fresh + n - rest)))
        return CONN_LOST;
    return CONN_OK;
}
