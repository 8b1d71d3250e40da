/*
 * tools/bench/data/query.h - one request, from the moment it is decided until answered.
 *
 * It says all that is needed to make its bytes, as often as needed: a request
 * of which the socket took only a part is formatted again, not kept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum query_kind {
    QUERY_GET, /* one key or many */
    QUERY_GAT,
    QUERY_SET,
    QUERY_ADD,
    QUERY_REPLACE,
    QUERY_CAS, /* a gets, then a cas with what it brought */
    QUERY_APPEND,
    QUERY_PREPEND,
    QUERY_DELETE,
    QUERY_TOUCH,
    QUERY_INCR,
    QUERY_DECR,
    QUERY_NOOP,
};

enum { QUERY_KIND_COUNT = QUERY_NOOP + 1 };

const char *query_kind_name(enum query_kind kind);
/* Whether it carries a value. */
bool query_has_value(enum query_kind kind);
/* Whether it works on a number. */
bool query_is_counter(enum query_kind kind);
/* Whether its keys have names of their own, as what lies under them is no self-verifying value:
 * counters, and values that grow. */
bool query_has_own_names(enum query_kind kind);

#define QUERY_VERSION_MAX ((UINT32_C(1) << 31) - 1)

/* One key of a request. */
struct query_key {
    uint32_t id;
    uint32_t
        oldest : 31; /* reads: the oldest version that may come; stores: their base (keys.h) */
    uint32_t sharp : 1; /* reads: a value one version too old would be noticed */
};

enum {
    QUERY_QUIET = 1U << 0, /* noreply: no answer is due when all is well */
    QUERY_LEASE =
        1U << 1, /* gets: win, or wait for the client that has won; deletes: mark as stale */
    QUERY_REFILL = 1U << 2,   /* a store after a miss: not part of the mix */
    QUERY_TIMED = 1U << 3,    /* counts in the latencies */
    QUERY_COUNTER = 1U << 4,  /* a store of a number, for incr and decr to work on */
    QUERY_GROWING = 1U << 5,  /* a store or read of a value that append and prepend let grow */
    QUERY_ANSWERED = 1U << 6, /* refused before all of it was sent: the rest has to follow */
    QUERY_CLAIM = 1U << 7,    /* hitratio: it has the claim of its key (holds.h) */
};

struct query {
    uint64_t due_ns;        /* when it should have been sent */
    uint64_t sent_ns;       /* when it was */
    struct query_key *keys; /* `one`, or key_count of them elsewhere */
    struct query_key one;
    uint64_t cas; /* CAS, the second half */
    uint32_t key_count;
    uint32_t version;     /* stores and deletes */
    uint32_t value_bytes; /* stores; of a value that grows, each piece */
    uint32_t ttl_s;       /* stores, touches */
    uint32_t recache_s;   /* gets with LEASE: win also if it expires within so many; 0: not */
    uint32_t wire_bytes;  /* of the request, as last formatted */
    uint8_t kind;         /* enum query_kind */
    uint8_t flags;        /* QUERY_* */
};

/* Whether its answer is a value or none: gets, and the first half of a cas. */
static inline bool
query_is_read(const struct query *query)
{
    return query->kind == QUERY_GET || query->kind == QUERY_GAT ||
           (query->kind == QUERY_CAS && query->cas == 0);
}

/* How a request ended. */
enum outcome {
    OUTCOME_GET_END,    /* all values of a get have come */
    OUTCOME_STORED,     /* also deleted, touched: what was asked for was done */
    OUTCOME_NOT_STORED, /* add, replace, cas: for a reason that is none of an error */
    OUTCOME_NOT_FOUND,
    OUTCOME_NUMBER,
    OUTCOME_ERROR, /* the server said so: the reader has its words */
};
