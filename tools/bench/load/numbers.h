/*
 * tools/bench/load/numbers.h - what is known of the numbers that incr and decr work on.
 *
 * The same serves for values that grow: there the number says of how many pieces one is made.
 *
 * A number is known once an answer has told it, as long as one request at a time is in flight for
 * its key: then the next answer has to be one more, or less. Where requests overlap their order is
 * not known, and nothing is checked until an answer tells the number again. A request that was lost
 * may still be carried out, at any later time: its key is not checked any more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"

struct number_state {
    uint64_t value; /* while `known` */
    uint32_t in_flight;
    bool known;
    bool overlapped; /* more than one has been in flight since none was */
    bool doubtful;   /* one was lost */
    bool set;        /* this run has stored it: what an earlier one may have left is gone */
};

struct numbers {
    struct number_state *list; /* NULL: the load has no counters */
    uint64_t count;            /* of keys */
    bool mapped;               /* the list is shared with other processes (data/together.h) */
    uint64_t checked;          /* answers that were compared with what was expected */
};

/* What became of a request. */
enum number_outcome {
    NUMBER_TOLD,    /* by incr or decr: VALUE */
    NUMBER_ADDED,   /* DELTA was added; the answer does not say what came of it */
    NUMBER_SET,     /* to VALUE */
    NUMBER_UNKNOWN, /* missing, or refused */
    NUMBER_LOST,
};

/* Of COUNT keys. False when memory is short. */
bool numbers_init(struct numbers *n, uint64_t count) MUST_USE;
/* The same, for this process and its children. */
bool numbers_init_shared(struct numbers *n, uint64_t count) MUST_USE;
void numbers_fini(struct numbers *n);
/* A request for KEY is about to be sent. */
void numbers_begin(struct numbers *n, uint32_t key);
/* It is over; DELTA is what it was to add (modulo 2^64). False: VALUE is wrong, *WANT would have been
 * right. */
bool numbers_end(struct numbers *n, uint32_t key, enum number_outcome outcome, uint64_t value,
                 uint64_t delta, uint64_t *want) MUST_USE;
