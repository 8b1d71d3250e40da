/*
 * src/conn/receive.h - bytes from a connection's socket.
 */
#pragma once

#include <sys/types.h>

#include "conn_state.h"
#include "step.h"

/* Receive once into the read buffer, which must be lent. */
enum receive_result conn_receive(struct conn *c, struct budget *budget) MUST_USE;
/* Account for the result GOT of a recv() or readv() of at most WANTED bytes; < 0: errno. */
enum receive_result conn_received(struct conn *c, ssize_t got, size_t wanted,
                                  struct budget *budget) MUST_USE;
