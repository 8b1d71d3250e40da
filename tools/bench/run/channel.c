/* Connections: connecting, and sending what is not sent. */
#include "run/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "host/stamp.h"
#include "load/load.h"
#include "lombard/base/sys.h"

enum { LOGIN_TRIES = 5000 }; /* a millisecond each */

bool
channel_init(struct channel *c, uint32_t depth, uint32_t width)
{
    uint32_t size = 1;

    memset(c, 0, sizeof(*c));
    c->fd = -1;
    while (size < depth)
        size *= 2;
    c->mask = size - 1;
    c->width = width;
    c->ring = calloc(size, sizeof(*c->ring));
    c->caller.follows = calloc((size_t)size * width, sizeof(*c->caller.follows));
    if (width > 1)
        c->many = calloc((size_t)size * width, sizeof(*c->many));
    if (c->ring != NULL && c->caller.follows != NULL && (width == 1 || c->many != NULL))
        return true;
    channel_fini(c);
    return false;
}

void
channel_fini(struct channel *c)
{
    if (c->fd >= 0)
        (void)sys_close(c->fd);
    c->fd = -1;
    free(c->ring);
    free(c->many);
    free(c->caller.follows);
    free(c->stash);
    c->ring = NULL;
    c->many = NULL;
    c->caller.follows = NULL;
    c->stash = NULL;
}

/* Another source address for every 20,000 connections: one has ports for 28,000 only. */
static uint32_t
source_of(const struct channel *c)
{
    return c->caller.index / 20000;
}

/* Once for each arrival is enough: a read that gets less than it could take has got all that was there.
 * That spares the kernel to look at each connection again whose answer was read. */
static bool
watch(struct channel *c, const struct channel_shared *shared, int op)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};

    if (!c->reminded)
        event.events |= EPOLLET;
    if (c->connecting || c->blocked)
        event.events |= EPOLLOUT;
    return sys_epoll_ctl(shared->epfd, op, c->fd, &event) == 0;
}

bool
channel_remind(struct channel *c, struct channel_shared *shared)
{
    if (c->reminded)
        return true;
    c->reminded = true;
    return watch(c, shared, EPOLL_CTL_MOD);
}

static bool
adopt(struct channel *c, struct channel_shared *shared, int fd, bool connecting)
{
    if (fd < 0)
        return false;
    c->fd = fd;
    c->connecting = connecting;
    c->reminded = false;
    if (!watch(c, shared, EPOLL_CTL_ADD)) {
        (void)sys_close(fd);
        c->fd = -1;
        c->connecting = false;
        return false;
    }
    if (shared->stamps && !stamp_enable(fd))
        shared->stamps = false; /* there are none */
    c->heard = false;
    c->strays = 0;
    c->moved_ns = shared->load->now_ns;
    memset(&c->caller.reader, 0, sizeof(c->caller.reader));
    c->caller.reader.keys = shared->keys;
    return true;
}

/* Say who this is; the reply comes before all others. */
static bool
log_in(struct channel *c, const struct login *login)
{
    c->logging_in = login->bytes > 0;
    return !c->logging_in ||
           sys_send(c->fd, login->text, login->bytes) == (ssize_t)login->bytes;
}

/* Wait for that reply, for some seconds. False with errno, EACCES: refused. */
static bool
wait_for_login(struct channel *c, const struct login *login)
{
    unsigned char reply[512];
    size_t used = 0;
    size_t got = 0;

    for (int tries = 0; c->logging_in && tries < LOGIN_TRIES; tries++) {
        ssize_t n;

        if (sys_poll_now(c->fd, POLLIN) == 0) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            continue;
        }
        n = sys_recv(c->fd, reply + got, sizeof(reply) - got);
        if (n <= 0)
            return false;
        got += (size_t)n;
        switch (login_read(login, reply, got, &used)) {
        case LOGIN_PARTIAL: break;
        case LOGIN_ACCEPTED: c->logging_in = false; break;
        case LOGIN_REFUSED: errno = EACCES; return false;
        }
    }
    errno = ETIMEDOUT;
    return !c->logging_in;
}

bool
channel_open(struct channel *c, struct channel_shared *shared, const struct net_addr *addr)
{
    return adopt(c, shared, net_connect(addr, source_of(c)), false) &&
           log_in(c, shared->login) && wait_for_login(c, shared->login);
}

bool
channel_reopen(struct channel *c, struct channel_shared *shared, const struct net_addr *addr)
{
    return adopt(c, shared, net_connect_begin(addr, source_of(c)), true);
}

bool
channel_reopened(struct channel *c, struct channel_shared *shared)
{
    bool ok = net_connect_end(c->fd);

    if (!ok && errno == EINPROGRESS)
        return false;
    c->connecting = false;
    c->moved_ns = shared->load->now_ns;
    if (ok && watch(c, shared, EPOLL_CTL_MOD) && log_in(c, shared->login))
        return true;
    (void)sys_close(c->fd);
    c->fd = -1;
    return false;
}

void
channel_drop(struct channel *c, struct channel_shared *shared)
{
    (void)sys_close(c->fd);
    c->fd = -1;
    c->drops++;
    c->connecting = false;
    while (c->head != c->tail) {
        const struct query *query = &c->ring[c->head & c->mask];
        bool sent = c->head != c->unsent || c->unsent_off > 0;

        /* `unsent` follows, so that the rest is seen as unsent. */
        if (c->head == c->unsent) {
            c->unsent++;
            c->unsent_off = 0;
        }
        if (!(query->flags & QUERY_ANSWERED))
            load_lost(shared->load, &c->caller, query, sent);
        c->head++;
        shared->in_flight--;
    }
    for (uint32_t i = 0; i < c->caller.follow_count; i++)
        load_follow_lost(shared->load, &c->caller.follows[i]);
    c->blocked = false;
    c->unsent = c->head;
    c->unsent_off = 0;
    c->stash_bytes = 0;
    c->caller.follow_count = 0;
    c->caller.until_ns = 0;
}

/* Wait for EPOLLOUT, or no longer. */
static bool
set_blocked(struct channel *c, struct channel_shared *shared, bool blocked)
{
    if (c->blocked == blocked)
        return true;
    c->blocked = blocked;
    return watch(c, shared, EPOLL_CTL_MOD);
}

uint32_t
channel_format(struct channel *c, struct channel_shared *shared)
{
    struct out *out = &shared->out;
    uint32_t i;

    out_begin_part(out);
    for (i = c->unsent; i != c->tail; i++) {
        struct query *query = &c->ring[i & c->mask];

        if (!out_has_room(out, shared->head_bytes, query->value_bytes))
            break;
        shared->wire->write(out, shared->keys, query);
    }
    return i;
}

/* All requests before END are sent, and OFF bytes of that one. */
static void
move_unsent(struct channel *c, struct channel_shared *shared, uint32_t end, size_t off)
{
    bool moved = c->unsent != end;

    c->unsent = end;
    c->unsent_off = (uint32_t)off;
    /* It was answered already. */
    if (moved && UNLIKELY(c->ring[c->head & c->mask].flags & QUERY_ANSWERED))
        channel_pop(c, shared);
}

/* SENT bytes of what begins at `unsent` are gone. */
static void
skip_sent(struct channel *c, struct channel_shared *shared, size_t sent)
{
    size_t off = c->unsent_off + sent;
    uint32_t end = c->unsent;

    while (end != c->tail && off >= c->ring[end & c->mask].wire_bytes) {
        off -= c->ring[end & c->mask].wire_bytes;
        end++;
    }
    move_unsent(c, shared, end, off);
}

static ssize_t
send_batch(struct channel *c, const struct out *out)
{
    enum { IOVS_MAX = 1024 }; /* what one sendmsg() takes */

    if (out->iov_count == 1)
        return sys_send(c->fd, out->iov[0].iov_base, out->iov[0].iov_len);
    return sys_sendmsg(c->fd, out->iov,
                       (int)(out->iov_count < IOVS_MAX ? out->iov_count : IOVS_MAX));
}

enum channel_result
channel_sent(struct channel *c, struct channel_shared *shared, uint32_t end, ssize_t n,
             size_t bytes)
{
    if (n < 0 && errno != EAGAIN)
        return CHANNEL_LOST;
    if (n > 0) {
        shared->load->tally.bytes_sent += (uint64_t)n;
        c->moved_ns = shared->load->now_ns;
        if ((size_t)n == bytes) {
            move_unsent(c, shared, end, 0);
            return CHANNEL_OK;
        }
        skip_sent(c, shared, (size_t)n);
    }
    return set_blocked(c, shared, true) ? CHANNEL_OK : CHANNEL_LOST;
}

enum channel_result
channel_flush(struct channel *c, struct channel_shared *shared)
{
    struct out *out = &shared->out;

    while (c->unsent != c->tail) {
        uint32_t end;
        ssize_t n;

        out_reset(out);
        end = channel_format(c, shared);
        if (c->unsent_off > 0)
            out_skip(out, c->unsent_off);
        n = send_batch(c, out);
        if (n < 0 && errno == EINTR)
            continue;
        if (channel_sent(c, shared, end, n, out->total) == CHANNEL_LOST)
            return CHANNEL_LOST;
        if (n < 0 || (size_t)n < out->total)
            return CHANNEL_OK; /* blocked */
    }
    return set_blocked(c, shared, false) ? CHANNEL_OK : CHANNEL_LOST;
}
