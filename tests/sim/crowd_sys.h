/*
 * tests/sim/crowd_sys.h - a simulated kernel for a million clients.
 *
 * crowd_sys.c defines every function of lombard/base/sys.h: descriptors are
 * entries of one array that is made and touched before anything is measured, so
 * that what grows afterwards is the server's. A client is a request that waits to
 * be received and a count of the bytes that were sent to it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Allocate what that many clients need; false when there is no memory. */
bool crowd_init(uint32_t clients);
/* The descriptor that listens. */
int crowd_listen(void);
/* That many more clients wait to be accepted; they get the next descriptors. */
void crowd_connect(uint32_t clients);
/* Client I (from 0) sends REQUEST, which stays there until it was received. */
void crowd_say(uint32_t client, const char *request, size_t bytes);
/* Client I has closed its end. */
void crowd_close(uint32_t client);
/* Bytes that were sent to all clients. */
uint64_t crowd_heard_bytes(void);
void crowd_advance_ms(uint64_t ms);
/* What a dispatch costs in this kernel alone: an event, a recv, a send of nothing. */
void crowd_touch(uint32_t client);
