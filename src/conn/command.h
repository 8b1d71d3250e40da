/*
 * src/conn/command.h - what a command means for its connection, for others and for the server.
 */
#pragma once

#include "conn_state.h"

/* Execute REQ of C, which cmd leaves to this layer (REPLY_CONN): *REPLY is the answer. */
void conn_command(struct conn *c, const struct request *req, struct reply *reply);
/* REQ of C was answered with STATUS: go on from there. */
void conn_after_command(struct conn *c, const struct request *req, enum reply_status status);
