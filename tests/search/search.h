/*
 * tests/search/search.h - every operation in every order, on the real code.
 *
 * A subject is some of the program's own C files together with all they work on,
 * which lies in one block of memory at a fixed address. A state is a copy of that
 * block: copied back, every pointer in it is right again. From each state that
 * was reached, each operation is tried; where that leads to a state that was not
 * seen before (by its hash), it is kept, until no new one is found or the stated
 * depth is reached. Breadth first: what is found is a shortest way to it.
 *
 *     state 0 --op--> state 1 --op--> ...       invariants are checked after each
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

struct subject {
    const char *name;
    void *block; /* all of its memory */
    size_t bytes;
    unsigned depth_max;         /* 0: until nothing new is found */
    void (*reset)(void);        /* the first state */
    unsigned (*op_count)(void); /* of the state that is there */
    /* False: not possible in this state, and nothing was changed. */
    bool (*op_run)(unsigned op);
    void (*op_name)(unsigned op, char *dst, size_t bytes);
    /* search_wrong() if something is. It may change the block: that is undone. */
    void (*check)(void);
    /* Put what tells states apart, and nothing else. */
    void (*describe)(void);
};

struct search_totals {
    uint64_t states;
    uint64_t transitions;
    unsigned depth;
    bool exhausted; /* no state is left whose operations were not all tried */
    double seconds;
};

/* Ends the program with the way to it where an invariant is broken. */
void search_run(const struct subject *subject, struct search_totals *totals);
/* One line: what was searched. */
void search_print(const struct subject *subject, const struct search_totals *totals);

/* For check(), and for callbacks: print why, and the operations that led there. */
void search_wrong(const char *format, ...) PRINTF_LIKE(1, 2) NORETURN;

/* For describe(). */
void search_put(uint64_t number);
void search_put_bytes(const void *src, size_t bytes);
