/*
 * tests/search/loan_pool.h - all states of the freelist: three borrowers, four
 * buffers, one of them for output alone.
 *
 * Each borrower may ask for a buffer to read into and for one to write from,
 * put a byte and a reference into it, take bytes out of it one by one or all at
 * once, return it, give up waiting or go
 * away; memory may be refused whenever it is asked for; and the freelist may be
 * trimmed at any time. A model says what must follow: which buffer is lent, which borrower
 * waits in which order, and what the ledger says.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/loan/pool.h"

enum { BORROWERS = 3, LIMIT = 4, RESERVE = 1, NONE = -1, POOL_MEMORY = 1024 };

enum { PIECES_MAX = 2, VALUE_BYTES = 2, BYTES_MAX = 1 + VALUE_BYTES };

enum piece { PIECE_BYTE, PIECE_REF };

/* What a buffer was filled with since it was last empty, and how much of that is gone. */
struct load {
    enum piece pieces[PIECES_MAX];
    int count;
    int gone; /* bytes */
};

struct holder {
    struct borrower borrower;
    struct buf *slot[2]; /* by purpose */
    struct load load[2];
    bool waits;
    enum loan_purpose waits_for;
};

/* All that there is. */
struct pool_world {
    struct pool *pool;
    struct holder holders[BORROWERS];
    bool refuse; /* memory */
    uint64_t pool_words[POOL_MEMORY / sizeof(uint64_t)];
    size_t pool_bytes;
    bool pool_made;
    struct buf bufs[LIMIT];
    bool mapped[LIMIT];
    /* the model */
    int stack[LIMIT]; /* free buffers, the last one is lent next */
    int stacked;
    int queue[2][BORROWERS];
    int queued[2];
    int least_free;
    int released; /* references, since the operation began */
    int granted;  /* likewise */
};

extern struct pool_world w;
/* What references refer to. */
extern const char value[VALUE_BYTES];

/* --- loan_pool_model.c --- */

int number_of(const struct buf *buf);
int lent_for(enum loan_purpose purpose);
int lent(void);
/* Whether one more may be lent. */
bool is_allowed(enum loan_purpose purpose);
void model_enqueue(int number, enum loan_purpose purpose);
void model_dequeue(int number);
/* BUF is lent from the freelist: it must be the one that is next. */
void model_pop(const struct buf *buf);
/* What the pool calls. */
void on_grant(struct borrower *borrower, enum loan_purpose purpose, struct buf *buf);

/* The bytes that LOAD of borrower NUMBER has left; returns how many. */
int bytes_left(const struct load *load, int number, char bytes[BYTES_MAX]);
bool has_piece(const struct load *load, enum piece piece);
/* Whether a reference in it is not gone yet. */
int refs_left(const struct load *load);

/* --- loan_pool_check.c --- */

/* In any state. */
void check_pool(void);
/* When all borrowers are gone: the pool ends, and nothing is left. */
void check_pool_end(void);
