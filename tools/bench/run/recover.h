/*
 * tools/bench/run/recover.h - connections that are lost, given up, and opened again.
 *
 * A connection on which something was answered is replaced immediately; one on which nothing was,
 * and one that cannot be opened, is tried again after a pause. None of it waits: connecting goes
 * through epoll like everything else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "run/driver.h"

/* A phase begins: its times without a connection count from now. */
void recover_begin(struct driver *d);
/* It is over at END_NS: count those that last. */
void recover_end(struct driver *d, uint64_t end_ns);
/* C is lost: counted, and to be connected again. */
void recover_lose(struct driver *d, struct channel *c);
/* An event of C, which is being connected. True: it is up now. */
bool recover_connected(struct driver *d, struct channel *c) MUST_USE;
/* Connect again what is due, and lose those on which an answer is overdue. */
void recover_tick(struct driver *d);
/* How long to wait for events at most, for recover_tick() to be in time. */
uint64_t recover_wait_ns(const struct driver *d);
/* Whether the server is given up, as no connection has been of use for seconds. */
bool recover_is_hopeless(struct driver *d);
/* Drop all that is in flight: the phase is given up. */
void recover_give_up(struct driver *d);
/* The session of C is over, as planned: nothing is in flight. The next one connects at AGAIN_NS. */
void recover_leave(struct driver *d, struct channel *c, uint64_t again_ns);
/* Sending on C has failed: it is lost; what the server had answered before is still there. */
void recover_send_failed(struct driver *d, struct channel *c);
