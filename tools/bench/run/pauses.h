/*
 * tools/bench/run/pauses.h - connections that wait: for a database, for their user to think, for another
 * client to fill a key; and sessions, which end and begin anew.
 */
#pragma once

#include "run/driver.h"

/* Room for all connections. False when memory is short. */
bool pauses_init(struct driver *d) MUST_USE;
void pauses_fini(struct driver *d);
/* A phase begins: so do sessions. */
void pauses_begin(struct driver *d);
/* Whether C has to wait before it is given more work, or has left. */
bool pauses_hold(struct driver *d, struct channel *c) MUST_USE;
/* The next connection whose time has come, or NULL. */
struct channel *pauses_due(struct driver *d);
/* Until then; UINT64_MAX: no connection waits. */
uint64_t pauses_wait_ns(const struct driver *d);
/* How many requests C may begin until its session ends. */
uint64_t pauses_left(const struct driver *d, const struct channel *c);
