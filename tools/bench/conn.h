/*
 * tools/bench/conn.h - one active connection: requests in flight, in order.
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

#include "lombard/base/attr.h"
#include "net.h"
#include "op.h"
#include "proto.h"

struct load;

/* A request that an answer made necessary: a store after a miss, the second half of a cas. */
struct follow {
    uint64_t cas;
    uint64_t due_ns;  /* CAS: of the first half */
    uint64_t sent_ns; /* likewise */
    uint32_t key;
    uint32_t value_bytes;
    uint32_t ttl_s;
    uint8_t kind;  /* enum op_kind */
    uint8_t flags; /* OP_COUNTER, OP_GROWING */
};

struct conn {
    int fd;          /* -1 while lost */
    bool connecting; /* again: not there yet */
    bool heard;      /* something was answered, and not by an error, since it was connected */
    bool blocked;    /* the socket is full: EPOLLOUT is awaited */
    uint32_t head, unsent, tail; /* run freely; masked where used */
    uint32_t mask;
    uint32_t unsent_off; /* bytes of the request at `unsent` that were sent */
    uint32_t stash_bytes;
    uint32_t strays; /* errors of quiet requests since the last answer */
    uint32_t follow_count;
    uint32_t op_hits; /* values that have come for the request being answered */
    uint32_t index;   /* among the connections */
    struct op *ring;
    struct op_key *many; /* keys of the ring's requests, `width` each; NULL when that is 1 */
    struct follow *follows;
    unsigned char *stash;
    uint32_t width;
    uint64_t retry_ns; /* while lost: when to try again */
    uint64_t lost_ns;  /* while lost: since when */
    uint64_t moved_ns; /* when bytes last went or came */
    struct reader reader;
};

/* What the connections of one thread share. */
struct conn_shared {
    const struct proto *proto;
    const struct keys *keys;
    struct load *load;
    struct out out;
    unsigned char *input; /* PROTO_LINE_MAX for the stash, then CONN_INPUT_BYTES */
    size_t head_bytes;    /* the largest request without its value */
    uint64_t in_flight;   /* over all connections */
    int epfd;
};

enum { CONN_INPUT_BYTES = 256 * 1024 };

enum conn_result {
    CONN_OK,
    CONN_LOST, /* closed by the other side, or a reply was unreadable: conn_drop() it */
};

/* Room for DEPTH requests of WIDTH keys. False when memory is short. */
bool conn_init(struct conn *c, uint32_t depth, uint32_t width) MUST_USE;
void conn_fini(struct conn *c);

/* Connect. False with errno. */
bool conn_open(struct conn *c, struct conn_shared *shared,
               const struct net_addr *addr) MUST_USE;
/* Begin to connect again, without waiting. An event comes when it is decided. False with errno. */
bool conn_reopen(struct conn *c, struct conn_shared *shared,
                 const struct net_addr *addr) MUST_USE;
/* That event has come. False with errno: it failed, and the socket is closed; EINPROGRESS: it is
 * still connecting. */
bool conn_reopened(struct conn *c, struct conn_shared *shared) MUST_USE;
/* Close; requests in flight are reported to the load as lost. */
void conn_drop(struct conn *c, struct conn_shared *shared);

static inline bool
conn_is_up(const struct conn *c)
{
    return c->fd >= 0 && !c->connecting;
}

static inline uint32_t
conn_in_flight(const struct conn *c)
{
    return c->tail - c->head;
}

/* The next free request, its keys pointing to room for all of them. There must be one. */
static inline struct op *
conn_slot(struct conn *c)
{
    uint32_t i = c->tail & c->mask;
    struct op *op = &c->ring[i];

    op->keys = c->many == NULL ? &op->one : c->many + (size_t)i * c->width;
    return op;
}

/* The request in conn_slot() is complete. */
static inline void
conn_push(struct conn *c, struct conn_shared *shared)
{
    c->tail++;
    shared->in_flight++;
}

/* The request at the head is over. */
static inline void
conn_pop(struct conn *c, struct conn_shared *shared)
{
    c->head++;
    shared->in_flight--;
}

/* Send what is not sent. */
enum conn_result conn_flush(struct conn *c, struct conn_shared *shared) MUST_USE;
/* Read once, and hand every answer to the load. */
enum conn_result conn_receive(struct conn *c, struct conn_shared *shared) MUST_USE;
