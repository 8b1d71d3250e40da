/*
 * tools/bench/run/channel.h - one active connection: requests in flight, in order.
 *
 *     ring:   head             unsent            tail
 *      | answered | sent, waiting | not sent yet | free |
 *
 * Requests are kept as what they are, not as bytes: a request is formatted when
 * it is sent, and again from the start if the socket took only `unsent_off`
 * bytes of it. Input is read into a buffer that all connections share; the
 * beginning of a reply that is not complete waits in the connection's stash.
 *
 * A server may refuse a store before it has seen all of the value. That answers the request at
 * `unsent`, which stays there until the rest of it is sent, for the stream to stay in step.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "data/query.h"
#include "host/net.h"
#include "load/load.h"
#include "lombard/base/attr.h"
#include "wire/login.h"
#include "wire/wire.h"

struct channel {
    int fd;          /* -1 while lost */
    bool connecting; /* again: not there yet */
    bool heard;      /* something was answered, and not by an error, since it was connected */
    bool logging_in; /* what the server says first answers the login */
    bool blocked;    /* the socket is full: EPOLLOUT is awaited */
    bool bulky;      /* its answers are long: each is received by itself */
    bool reminded; /* epoll names it as long as something is there, not once for each arrival */
    bool queued;   /* of exchange.h: something is to be sent */
    uint32_t
        drops; /* how often it was dropped: of what another one of its connections received */
    uint32_t last_bytes;         /* that it received */
    uint32_t head, unsent, tail; /* run freely; masked where used */
    uint32_t mask;
    uint32_t unsent_off; /* bytes of the request at `unsent` that were sent */
    uint32_t stash_bytes;
    uint32_t strays; /* errors of quiet requests since the last answer */
    struct query *ring;
    struct query_key *many; /* keys of the ring's requests, `width` each; NULL when that is 1 */
    unsigned char *stash;
    uint32_t width;
    uint32_t server;   /* of several */
    uint64_t retry_ns; /* while lost: when to try again */
    uint64_t lost_ns;  /* while lost: since when */
    uint64_t moved_ns; /* when bytes last went or came */
    uint64_t pause_ns; /* while `paused`: its place among those that wait */
    bool paused;
    bool pending;           /* likewise: it has something to send then */
    bool worked;            /* it was given something since it last paused */
    bool away;              /* its session is over; the next one is to come */
    uint64_t session_ns;    /* when its session began */
    uint64_t session_asked; /* requests of it */
    struct caller caller;
};

/* What the connections of one thread share. */
struct channel_shared {
    const struct wire *wire;
    const struct keys *keys;
    struct load *load;
    struct out out;
    bool stamps;               /* the kernel says when it received */
    const struct login *login; /* what each connection says first */
    unsigned char *input;      /* WIRE_LINE_MAX for the stash, then CHANNEL_INPUT_BYTES */
    size_t head_bytes;         /* the largest request without its value */
    uint64_t in_flight;        /* over all connections */
    int epfd;
};

enum { CHANNEL_INPUT_BYTES = 256 * 1024 };

enum channel_result {
    CHANNEL_OK,
    CHANNEL_LOST, /* closed by the other side, or a reply was unreadable: channel_drop() it */
};

/* Room for DEPTH requests of WIDTH keys. False when memory is short. */
bool channel_init(struct channel *c, uint32_t depth, uint32_t width) MUST_USE;
void channel_fini(struct channel *c);

/* Connect. False with errno. */
bool channel_open(struct channel *c, struct channel_shared *shared,
                  const struct net_addr *addr) MUST_USE;
/* Begin to connect again, without waiting. An event comes when it is decided. False with errno. */
bool channel_reopen(struct channel *c, struct channel_shared *shared,
                    const struct net_addr *addr) MUST_USE;
/* That event has come. False with errno: it failed, and the socket is closed; EINPROGRESS: it is
 * still connecting. */
bool channel_reopened(struct channel *c, struct channel_shared *shared) MUST_USE;
/* More may be there than was read, or its end: let epoll name it until all of it is read. False with
 * errno. */
bool channel_remind(struct channel *c, struct channel_shared *shared) MUST_USE;
/* Close; requests in flight are reported to the load as lost. */
void channel_drop(struct channel *c, struct channel_shared *shared);

static inline bool
channel_is_up(const struct channel *c)
{
    return c->fd >= 0 && !c->connecting;
}

static inline uint32_t
channel_in_flight(const struct channel *c)
{
    return c->tail - c->head;
}

/* Nothing is in flight: begin at the start of the ring again, which is still in the cache. */
static inline void
channel_rewind(struct channel *c)
{
    if (c->head == c->tail)
        c->head = c->unsent = c->tail = 0;
}

/* The next free request, its keys pointing to room for all of them. There must be one. */
static inline struct query *
channel_slot(struct channel *c)
{
    uint32_t i = c->tail & c->mask;
    struct query *query = &c->ring[i];

    query->keys = c->many == NULL ? &query->one : c->many + (size_t)i * c->width;
    return query;
}

/* The request in channel_slot() is complete. */
static inline void
channel_push(struct channel *c, struct channel_shared *shared)
{
    c->tail++;
    shared->in_flight++;
}

/* The request at the head is over. */
static inline void
channel_pop(struct channel *c, struct channel_shared *shared)
{
    c->head++;
    shared->in_flight--;
}

/* Send what is not sent. */
enum channel_result channel_flush(struct channel *c, struct channel_shared *shared) MUST_USE;
/* Append as much of what is not sent as fits to shared->out, as a part of its own: the index after the last
 * request of it. Nothing of it must have been sent before. */
uint32_t channel_format(struct channel *c, struct channel_shared *shared) MUST_USE;
/* N bytes of BYTES were sent of the requests before END, or it failed: -1 with errno. */
enum channel_result channel_sent(struct channel *c, struct channel_shared *shared, uint32_t end,
                                 ssize_t n, size_t bytes) MUST_USE;
/* Read once, and hand every answer to the load. */
enum channel_result channel_receive(struct channel *c, struct channel_shared *shared) MUST_USE;
/* The same for BYTES that were read to FRESH, before which there are WIRE_LINE_MAX bytes of room. */
enum channel_result channel_take(struct channel *c, struct channel_shared *shared,
                                 unsigned char *fresh, size_t bytes) MUST_USE;
