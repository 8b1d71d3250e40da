/*
 * tools/bench/run/exchange.h - sends and receives for many connections in one system call.
 *
 *     exchange_queue(c) ...           exchange_flush(): formats all, one call, times of each
 *     exchange_receive(list)          one call, one time for all; then each is looked at
 *
 * A closed loop's requests are timed from when they were sent. One call sends many, so that is reckoned: the
 * call's time is divided evenly among them. What is received by one call is timed when that returns, before
 * any of it is looked at. Where io_uring is not to be had, or fails, it is a call for each.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/sys.h"
#include "run/channel.h"

enum { EXCHANGE_INPUT_BYTES = 32 * 1024 /* of each connection */ };

/* Queued, and being sent. */
struct exchange {
    bool on;      /* there is a ring */
    bool counted; /* as one of its users */
    uint32_t count;
    struct channel *queue[SYS_MANY_MAX];
    uint32_t ends[SYS_MANY_MAX]; /* of what is being sent: the request after the last */
    size_t bytes[SYS_MANY_MAX];
    struct sys_transfer list[SYS_MANY_MAX];
    struct iovec inputs[SYS_MANY_MAX];
    unsigned char *input; /* for each WIRE_LINE_MAX and EXCHANGE_INPUT_BYTES */
};

struct driver;

/* False when memory is short. */
bool exchange_init(struct exchange *x) MUST_USE;
void exchange_fini(struct exchange *x);
/* In a child process: the ring is its parent's. */
void exchange_forget(void);

/* C has something to send: sent with the next flush, which may be now. */
void exchange_queue(struct driver *d, struct channel *c);
/* Send it all. A connection on which that fails is lost (recover.h). */
void exchange_flush(struct driver *d);

/* Whether C is best received with others. */
static inline bool
exchange_suits(const struct exchange *x, const struct channel *c)
{
    return x->on && !c->bulky && !c->connecting && c->fd >= 0;
}

/* Receive once on each of COUNT connections, at most SYS_MANY_MAX, and hand all answers to the load; those
 * that are lost then are. */
void exchange_receive(struct driver *d, struct channel *const *list, uint32_t count);
