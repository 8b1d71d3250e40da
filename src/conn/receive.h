/*
 * src/conn/receive.h - bytes from a connection's socket.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "conn_state.h"
#include "step.h"

/* Receive once into the read buffer, which must be lent. */
enum receive_result conn_receive(struct conn *c, struct budget *budget) MUST_USE;
/* Where such a call would put how much. False: C is dead. */
bool conn_receive_room(struct conn *c, struct iovec *room) MUST_USE;
/*
 * The call was made elsewhere: its result GOT is as of conn_received(), and is in the buffer. What it
 * came to can be seen in C as well.
 */
enum receive_result conn_receive_done(struct conn *c, ssize_t got, size_t wanted,
                                      struct budget *budget);
/* Account for the result GOT of a recv() or readv() of at most WANTED bytes; < 0: an errno. */
enum receive_result conn_received(struct conn *c, ssize_t got, size_t wanted,
                                  struct budget *budget) MUST_USE;
