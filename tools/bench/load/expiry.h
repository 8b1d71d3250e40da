/*
 * tools/bench/load/expiry.h - until when the item of each key lives.
 *
 * A store or touch that was sent at S and acknowledged at A, with a time to live of T, ends the item's
 * life between S + T and A + T. Servers count time in seconds, so each end is known to EXPIRY_SLACK:
 *
 *        S        A                       S + T - slack        A + T + slack
 *     ---|--------|------- it is there --------|------ either ------|-- it is gone ---
 *
 * It is only known while no other request that changes it is in flight: one that is may come first, or
 * last. A request that was lost may still be carried out, at any later time: of its key nothing is
 * known any more. That an item is missing although it should be there, may also be an eviction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"

#define EXPIRY_SLACK_NS UINT64_C(2000000000)

struct expiry_state {
    uint64_t from_ns;           /* it was acknowledged; 0: nothing is known */
    uint64_t least_ns, most_ns; /* it ends between them, give or take the slack */
    uint32_t in_flight;
    bool overlapped; /* more than one has been in flight since none was */
    bool doubtful;   /* one was lost */
};

struct expiry {
    struct expiry_state *list; /* NULL: nothing expires, and nothing is looked at */
    uint64_t count;
    bool mapped; /* it is shared with other processes (data/together.h) */
};

/* COUNT keys, for this process and its children. False when memory is short. */
bool expiry_init_shared(struct expiry *e, uint64_t count) MUST_USE;

/* Make it at least COUNT keys, where it is not shared. False when memory is short. */
bool expiry_reserve(struct expiry *e, uint64_t count) MUST_USE;
void expiry_fini(struct expiry *e);

/* What became of a request. */
enum expiry_outcome {
    EXPIRY_SET,     /* the item is there, for a new time to live */
    EXPIRY_REMOVED, /* it was deleted, or nobody knows */
    EXPIRY_SAME,    /* refused: nothing has changed */
    EXPIRY_LOST,
};

/* A request that may change when KEY expires is about to be sent. */
void expiry_begin(struct expiry *e, uint32_t key);
/* It was sent at SENT_NS, and is over; TTL_S is what it had asked for. */
void expiry_end(struct expiry *e, uint32_t key, enum expiry_outcome outcome, uint64_t sent_ns,
                uint64_t now_ns, uint32_t ttl_s);

enum expiry_verdict {
    EXPIRY_FINE,
    EXPIRY_TOO_LATE,  /* it was there, long after its end */
    EXPIRY_TOO_EARLY, /* it was missing, long before */
};

/* A read of KEY was sent at SENT_NS, and answered: whether it was THERE. */
enum expiry_verdict expiry_judge(const struct expiry *e, uint32_t key, bool there,
                                 uint64_t sent_ns, uint64_t now_ns) MUST_USE;
