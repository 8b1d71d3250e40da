/*
 * tools/bench/run/clients.h - clients of several servers that share the keys.
 *
 * A client has a connection to each server, in a row, and as many requests in flight as one connection
 * has where there is one server:
 *
 *     channels:  | client 0: server 0, server 1, server 2 | client 1: server 0, ... |
 *
 * While one of its connections is lost, what is for that server is given up at once and counted, and the
 * others go on at full speed. While all are lost it begins nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "run/driver.h"

/* Give the client that C belongs to work for DEPTH requests in flight, and send it. */
void clients_give_work(struct driver *d, struct channel *c, uint64_t depth);
/* Open loop: begin what is due on the client that C belongs to. False: it cannot. */
bool clients_dispatch(struct driver *d, struct channel *c) MUST_USE;
