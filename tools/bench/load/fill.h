/*
 * tools/bench/load/fill.h - storing every key once, and again those that were lost or refused.
 *
 *     pass 0:  keys 0, 1, ... count - 1
 *     pass n:  the keys that pass n - 1 lost or was refused
 *
 * A pass begins when all of the one before have had their outcome. It ends when nothing is
 * missing, when a whole pass has stored nothing, or after FILL_PASSES_MAX of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"

enum { FILL_PASSES_MAX = 16 };

struct fill_plan {
    uint64_t count;   /* keys in all */
    uint64_t next;    /* of this pass, how many have been begun */
    uint64_t planned; /* of this pass */
    uint64_t open;    /* begun, without an outcome */
    uint64_t stored;  /* in this pass */
    uint64_t again;   /* stores that were begun anew, over all passes */
    uint32_t pass;
    uint32_t *list;   /* keys of this pass; not in pass 0 */
    uint32_t *failed; /* keys for the next one */
    uint64_t failed_count;
    uint64_t failed_size;
    uint64_t unlisted; /* failed, too, but memory was short */
};

void fill_begin(struct fill_plan *f, uint64_t count);
void fill_fini(struct fill_plan *f);
/* The next key to store. False: none now, either because outcomes are awaited or for good. */
bool fill_next(struct fill_plan *f, uint32_t *key) MUST_USE;
/* Whether fill_next() would find one. */
bool fill_has_next(const struct fill_plan *f);
/* Nothing more will be begun. */
bool fill_is_over(const struct fill_plan *f);
/* What became of a key that fill_next() gave. */
void fill_outcome(struct fill_plan *f, uint32_t key, bool stored);
/* How many keys are not stored, once it is over. */
uint64_t fill_missing(const struct fill_plan *f);
