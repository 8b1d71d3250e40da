/*
 * include/lombard/loan/pool.h - the one freelist, and the ledger of what is lent.
 *
 *     made = free + lent        at every quiescent point
 *
 * A borrower asks for a buffer when it has bytes to store, and returns it as
 * soon as the buffer is empty. The freelist is a stack: the buffer lent next is
 * the one that is still in the processor's cache. At the limit a borrower waits in
 * a queue, output before input, each first come, first served; a part of the limit
 * is reserved for output, so that what was read can be answered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/list.h"
#include "lombard/base/stats.h"
#include "lombard/loan/buf.h"

struct pool;

enum { POOL_BYTES_MIN = 4 * BUF_TOTAL_BYTES }; /* a request and its reply, for two */

struct pool_config {
    size_t limit_bytes;   /* of all buffers; at least POOL_BYTES_MIN */
    size_t reserve_bytes; /* of these, for output only */
    size_t keep_bytes;    /* the freelist is not trimmed below this */
};

enum loan_purpose { LOAN_FOR_INPUT, LOAN_FOR_OUTPUT };

enum { LOAN_PURPOSES = LOAN_FOR_OUTPUT + 1 };

/* Callers switch over all of these, with no default. */
enum loan_result {
    LOAN_EXISTING,  /* the borrower already holds one: *slot is unchanged */
    LOAN_LOANED,    /* *slot came from the freelist */
    LOAN_ALLOCATED, /* the freelist was empty: *slot is new */
    LOAN_WAITING,   /* at the limit: queued, on_grant() will bring one */
    LOAN_FAILED,    /* the kernel refused memory; not queued, *slot is unchanged */
};

/*
 * What waits for a buffer. Lives inside the borrower's own struct, which may use the node
 * for other lists while it does not wait. One that waits must call pool_forget() before it
 * is destroyed.
 */
struct borrower {
    struct list_node node;
};

/* Called when a waiter gets its buffer, which is now lent to it; the node is unlinked. */
typedef void pool_on_grant(struct borrower *borrower, enum loan_purpose purpose,
                           struct buf *buf);

/* What happened, for each purpose. The first five sum to the calls of pool_loan(). */
struct pool_counts {
    uint64_t existing;
    uint64_t loaned;
    uint64_t allocated;
    uint64_t waiting;
    uint64_t failed;
};

/* The ledger. made == free + lent. */
struct pool_ledger {
    uint64_t made;                    /* buffers in existence */
    uint64_t free;                    /* in the freelist */
    uint64_t lent;                    /* with borrowers */
    uint64_t lent_for[LOAN_PURPOSES]; /* of these, by purpose */
    uint64_t peak;                    /* most ever made */
    uint64_t waiters;                 /* borrowers in the queues */
    uint64_t limit;                   /* all in buffers */
    uint64_t reserve;
    bool lowered;     /* the limit was, and there are still more */
    uint64_t trimmed; /* given back to the kernel since the start */
};

/* NULL when memory is short. */
struct pool *pool_create(const struct pool_config *config, pool_on_grant *on_grant) MUST_USE;
/* No buffer may be lent any more. */
void pool_destroy(struct pool *pool);

/*
 * Lend a buffer into *SLOT (which holds the borrower's buffer, or NULL). When
 * the result is LOAN_WAITING, BORROWER is queued for PURPOSE.
 */
enum loan_result pool_loan(struct pool *pool, struct borrower *borrower,
                           enum loan_purpose purpose, struct buf **slot) MUST_USE;
/*
 * Take *SLOT back; *SLOT becomes NULL. It must be empty, else a release build counts
 * that, and leaves it with the borrower. PURPOSE is that of the loan. A waiter, if there
 * is one, gets the buffer immediately.
 */
void pool_return(struct pool *pool, enum loan_purpose purpose, struct buf **slot);
/* Take a borrower that waits out of its queue. */
void pool_forget(struct pool *pool, struct borrower *borrower);

/*
 * Another limit, and another reserve. Where more are made than that, the freelist gives back what it
 * has, a part now and a part with each pool_trim(); what is lent is taken back as it comes.
 */
void pool_set_limit(struct pool *pool, size_t limit_bytes, size_t reserve_bytes);

/* Give back to the kernel what the freelist holds above its recent need. Call it once a second. */
void pool_trim(struct pool *pool);

const struct pool_counts *pool_counts(const struct pool *pool, enum loan_purpose purpose);
void pool_ledger(const struct pool *pool, struct pool_ledger *ledger);
/* Borrowers in the queues, as in the ledger. */
uint64_t pool_waiters(const struct pool *pool);
/* Counters back to 0; the ledger stays. */
void pool_reset_counts(struct pool *pool);
/* For stats_add(), with the pool: the ledger; and the counts, by purpose. */
extern const struct stat_section pool_ledger_stats, pool_loan_stats;
/* Whether the sums of a ledger are right, and its limit is kept. */
bool pool_ledger_adds_up(const struct pool_ledger *ledger) MUST_USE;
/* Walk the freelist: every buffer in it empty, the ledger true, and no waiter that could be served. */
bool pool_check(const struct pool *pool) MUST_USE;
