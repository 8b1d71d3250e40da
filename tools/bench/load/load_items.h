/*
 * tools/bench/load/load_items.h - what is known of items that are more than a version: numbers, values
 * that grow, and when an item expires.
 */
#pragma once

#include "load/load.h"

/* False when memory is short. */
bool items_init(struct load *l) MUST_USE;
void items_fini(struct load *l);
/* In a child: what its parent knows, too. */
void items_join(struct load *l, const struct load *parent);

/* Whether there are such items at all. */
static inline bool
items_exist(const struct load *l)
{
    return UNLIKELY(l->numbers.list != NULL || l->pieces.list != NULL ||
                    l->expiry.list != NULL);
}

/* QUERY is about to be sent; where items_exist(). */
void items_begin(struct load *l, struct query *query);
/* It is answered: c->reader says how. A read of what append or prepend made, or a store that begins
 * anew, is left to C. Where items_exist(). */
void items_done(struct load *l, struct caller *c, const struct query *query);
/* It asked for no answer, and a later one was answered. */
void items_done_quietly(struct load *l, const struct query *query, bool doubtful);
/* It was lost, if it was SENT at all. */
void items_lost(struct load *l, const struct query *query, bool sent);
/* c->reader holds a value that has grown. */
void items_grown(struct load *l, struct caller *c, const struct query *query);
/* c->reader holds a sound value of another kind: whether it should have expired. */
bool items_is_expired(const struct load *l, const struct caller *c, const struct query *query);
/* KEY of QUERY was missing: it is counted if it should not have been. Where items expire only. */
void items_missed(struct load *l, const struct query *query, uint32_t key);
