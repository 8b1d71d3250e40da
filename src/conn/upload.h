/*
 * src/conn/upload.h - values that do not fit into the read buffer, received in place.
 *
 *     conn_upload_begin()     space in the store; a TASK_UPLOAD
 *     conn_upload_receive()   readv() straight into it, as often as it takes
 *     conn_upload_step()      what came with the head, and the end: commit, or refuse
 */
#pragma once

#include "conn_state.h"
#include "step.h"

/*
 * Receive the body of REQ, whose HEAD is at the front of the input, straight
 * into the store. STATE is the protocol's before that head.
 */
void conn_upload_begin(struct conn *c, const struct request *req, struct slice head,
                       const struct proto_state *state);
/*
 * Where the store has to make space first, and that takes as long as one dispatch may, both let the budget end.
 */
enum step conn_upload_step(struct conn *c, struct budget *budget) MUST_USE;
/* Receive once, to where the value will lie in the store; the read buffer is empty. */
enum receive_result conn_upload_receive(struct conn *c, struct budget *budget) MUST_USE;
