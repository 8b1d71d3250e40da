/*
 * src/conn/schedule.h - what is served when, within one iteration of the loop.
 */
#pragma once

#include "server_state.h"

void schedule_init(struct server *server);
/* These are the loop's: see struct loop_user. CTX is the server. */
void schedule_begin(void *ctx);
void schedule_serve(void *ctx);
bool schedule_has_work(void *ctx);
/* In a tick that comes LATE_NS after it was due: an event, unless what held it up was one. */
void server_note_late(struct server *server, uint64_t late_ns);
/* At the end of an iteration: where connections wait for buffers, free some, every RELIEF_MS. */
void schedule_relief(struct server *server);
