/*
 * tools/bench/op.h - one request, from the moment it is decided until answered.
 *
 * It says all that is needed to make its bytes, as often as needed: a request
 * of which the socket took only a part is formatted again, not kept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum op_kind {
    OP_GET, /* one key or many */
    OP_GAT,
    OP_SET,
    OP_ADD,
    OP_REPLACE,
    OP_CAS, /* a gets, then a cas with what it brought */
    OP_APPEND,
    OP_PREPEND,
    OP_DELETE,
    OP_TOUCH,
    OP_INCR,
    OP_DECR,
    OP_NOOP,
};

enum { OP_KIND_COUNT = OP_NOOP + 1 };

const char *op_kind_name(enum op_kind kind);
/* Whether it carries a value. */
bool op_has_value(enum op_kind kind);
/* Whether it works on a number. */
bool op_is_counter(enum op_kind kind);
/* Whether its keys have names of their own, as what lies under them is no self-verifying value:
 * counters, and values that grow. */
bool op_has_own_names(enum op_kind kind);

#define OP_FLOOR_MAX ((UINT32_C(1) << 31) - 1)

/* One key of a request. */
struct op_key {
    uint32_t id;
    uint32_t floor : 31; /* reads: of the key when sent; stores: their base (keys.h) */
    uint32_t sharp : 1;  /* reads: a value one version too old would be noticed */
};

enum {
    OP_QUIET = 1U << 0,    /* noreply: no answer is due when all is well */
    OP_REFILL = 1U << 2,   /* a store after a miss: not part of the mix */
    OP_TIMED = 1U << 3,    /* counts in the latencies */
    OP_COUNTER = 1U << 4,  /* a store of a number, for incr and decr to work on */
    OP_GROWING = 1U << 5,  /* a store of a value that append and prepend let grow */
    OP_ANSWERED = 1U << 6, /* refused before all of it was sent: the rest has to follow */
    OP_CLAIM = 1U << 7,    /* hitratio: it has the claim of its key (holds.h) */
};

struct op {
    uint64_t due_ns;     /* when it should have been sent */
    uint64_t sent_ns;    /* when it was */
    struct op_key *keys; /* `one`, or key_count of them elsewhere */
    struct op_key one;
    uint64_t cas; /* CAS, the second half */
    uint32_t key_count;
    uint32_t version;     /* stores and deletes */
    uint32_t value_bytes; /* stores */
    uint32_t ttl_s;       /* stores, touches */
    uint32_t wire_bytes;  /* of the request, as last formatted */
    uint8_t kind;         /* enum op_kind */
    uint8_t flags;        /* OP_* */
};

/* How a request ended. */
enum outcome {
    OUTCOME_GET_END,    /* all values of a get have come */
    OUTCOME_STORED,     /* also deleted, touched: what was asked for was done */
    OUTCOME_NOT_STORED, /* add, replace, cas: for a reason that is none of an error */
    OUTCOME_NOT_FOUND,
    OUTCOME_NUMBER,
    OUTCOME_ERROR, /* the server said so: the reader has its words */
};
