/*
 * src/conn/sweep.h - once a tick, a part of all connections is looked at.
 */
#pragma once

#include "server_state.h"

/* Close connections that are idle for --idle-timeout. */
void server_sweep_idle(struct server *server);
/* Likewise connections whose peers acknowledge nothing for --peer-timeout. */
void server_sweep_vanished(struct server *server);

/* --peer-timeout is SECONDS now, for what is accepted from now on, and what is connected. */
void server_change_peer_timeout(struct server *server, uint32_t seconds);
/* Tell the kernel so of a part of all connections, until it knows of all. */
void server_sweep_probes(struct server *server);
