/*
 * src/conn/shutdown.h - the end of the server; what others may call of it is in conn/server.h.
 */
#pragma once

#include "server_state.h"

void shutdown_init(struct server *server);
/* Accept no more. */
void server_stop_listeners(struct server *server);
