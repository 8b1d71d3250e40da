/*
 * src/conn/stash.h - input of a connection that holds no read buffer.
 *
 * A partial command of at most STASH_BYTES_MAX; all of them together take at most as much as
 * --buffer-memory. A connection has either a stash or a read buffer, but between the grant of
 * a buffer and its next dispatch.
 */
#pragma once

#include "conn_state.h"

/* Move the rest of the input into a stash, if it is small, and return the read buffer. */
void conn_stash_input(struct conn *c);
/* Keep INPUT, whatever the limits are. False when memory is short. */
bool conn_keep_input(struct conn *c, struct slice input) MUST_USE;
/* What is kept: there is a stash. */
struct slice conn_stashed_input(const struct conn *c);
/* The reverse, once a read buffer is lent. */
void conn_unstash_input(struct conn *c);
void conn_drop_stash(struct conn *c);
uint32_t conn_stash_bytes(const struct conn *c);
