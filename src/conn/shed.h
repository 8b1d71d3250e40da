/*
 * src/conn/shed.h - connections that hold something while they wait for their peer.
 */
#pragma once

#include "server_state.h"

void server_init_stalled(struct server *server);
/* C holds something and waits for its peer, since c->stalled_ms. */
void server_add_stalled(struct server *server, struct conn *c);
/*
 * The last command lacked memory. Replies of others of its group that are queued are sent first. Where closing stalled connections frees what it
 * lacked, close as many as that takes, the ones that hold most for longest. True: try again.
 * *CLOSED counts the connections closed for one request so far, from 0.
 */
bool server_make_room(struct server *server, uint32_t *closed) MUST_USE;
/* Once a tick: close connections that stalled for too long, or whose memory others need. */
void server_shed(struct server *server);
/* Only the part that frees buffers for connections that wait for one. */
void server_shed_for_waiters(struct server *server);
