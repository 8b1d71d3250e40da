/*
 * src/conn/sweep.h - once a tick, a part of all connections is looked at.
 */
#pragma once

#include "server_state.h"

/* Close connections that are idle for --idle-timeout. */
void server_sweep_idle(struct server *server);
/* Likewise connections whose peers acknowledge nothing for --peer-timeout. */
void server_sweep_vanished(struct server *server);
