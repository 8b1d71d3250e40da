/*
 * src/conn/careful.h - requests of a batch that take more than to execute and answer them.
 *
 *     conn_care_begin()       which of them do: batch_entry's `care`
 *         conn_run_carefully()    each of those
 *         conn_answer_seldom()    any that was executed with a status from REPLY_SELDOM on
 *
 * All that is decided for a batch as a whole costs the other requests nothing: whether commands are
 * watched or traced, what the session may do, and which request is drawn for `stats hotkeys`.
 */
#pragma once

#include "conn_state.h"
#include "lombard/proto/reply.h"
#include "step.h"

/* C is about to execute BATCH. What may change who may do what ends a batch: PROP_BARRIER. */
void conn_care_begin(const struct conn *c, struct batch *batch);

/* Execute and answer ENTRY, of the input IN. True when the next entry of BATCH may follow. */
bool conn_run_carefully(struct conn *c, struct batch *batch, const struct batch_entry *entry,
                        struct slice in) MUST_USE;
/*
 * ENTRY was executed, and *REPLY is no answer yet, an error, or has a body that is still to come.
 * Where memory is lacking that stalled clients hold, they are closed, and it is executed again.
 */
void conn_answer_seldom(struct conn *c, struct batch *batch, const struct batch_entry *entry,
                        struct slice in, struct reply *reply) __attribute__((noinline));
