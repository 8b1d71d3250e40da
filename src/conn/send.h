/*
 * src/conn/send.h - what is pending in a write buffer, to the socket.
 *
 *     conn_flush()        now, by calls of its own
 *     conn_queue_send()   with those of others of its group, by conn_send_queued()
 *
 * All of these need a lent write buffer, which a connection keeps while it is queued.
 */
#pragma once

#include "conn_state.h"
#include "step.h"

/* Send what is pending, as far as the socket and the budget take it. */
enum flush conn_flush(struct conn *c, struct budget *budget) MUST_USE;
/*
 * Leave what is pending for conn_send_queued(), which is to come before BUDGET dies. False: it is too
 * much, or of too many pieces, for that; conn_flush() it.
 */
bool conn_queue_send(struct conn *c, struct budget *budget) MUST_USE;
/*
 * Send what is queued, in one call if that pays. A connection whose socket took less is `blocked`
 * then, or dead. False: nothing was queued.
 */
bool conn_send_queued(struct server *server);
