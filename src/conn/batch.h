/*
 * src/conn/batch.h - requests parsed ahead, hashed, prefetched, then executed in order.
 *
 *     conn_parse_ahead()      up to 32 requests into dispatch->batch; their buckets are fetched
 *     conn_prefetch_ahead()   their items
 *     conn_prefetch_far()     those of them that take one more step
 *     conn_prefetch_values()  the values of the first VALUES_AHEAD
 *     conn_step()             execute them, each with its reply, as far as replies have room; meanwhile
 *                             fetch the value of the one that comes VALUES_AHEAD later
 *
 * Between the first and the last, other connections of the group do the same: a cache miss of
 * one is waited for while another is worked at.
 */
#pragma once

#include "conn_state.h"
#include "step.h"

/* The next piece of work that input and tasks offer. */
enum step conn_step(struct conn *c, struct dispatch *dispatch) MUST_USE;
/* Parse what is there. Leaves nothing behind but what it put into DISPATCH, and c->proto_state. */
void conn_parse_ahead(struct conn *c, struct dispatch *dispatch);
void conn_prefetch_ahead(struct conn *c, struct dispatch *dispatch);
void conn_prefetch_far(struct conn *c, const struct dispatch *dispatch);
/* Of the first of COUNT requests, which are executed one after the other. False: replies are short. */
bool conn_prefetch_values(const struct server *server, const struct batch_entry *entries,
                          uint32_t count);
/* Undo that: it cannot be executed now, and will be parsed again. Looks at no entry. */
void conn_rewind(struct conn *c, struct dispatch *dispatch);
