/*
 * src/conn/join.h - append and prepend to long values, part by part.
 */
#pragma once

#include "conn_state.h"
#include "step.h"

/* REQ was answered REPLY_JOIN. ALL of it, head and body, is copied; STATE as for an upload. */
void conn_join_begin(struct conn *c, const struct request *req, struct slice all,
                     const struct proto_state *state);
/* A part of it, of at most budget->bytes. */
enum step conn_join_step(struct conn *c, struct budget *budget) MUST_USE;
