/*
 * src/conn/discard.h - bodies that are not wanted.
 */
#pragma once

#include "conn_state.h"
#include "step.h"

/*
 * REQ is refused, and BYTES of its body are still to come: discard them. Its reply, of
 * which room was made for one, goes out behind them, as at memcached: a proxy that
 * is sending the value would take an earlier answer for one to something else.
 */
void conn_refuse(struct conn *c, const struct request *req, const struct reply *reply,
                 uint64_t bytes);
/* Go on with a TASK_REFUSAL. */
enum step conn_refusal_step(struct conn *c) MUST_USE;
/* Go on discarding where no answer is due. */
enum step conn_discard_step(struct conn *c) MUST_USE;
