/*
 * src/conn/shutdown.h - the end of the server; what others may call of it is in conn/server.h.
 */
#pragma once

#include "server_state.h"

void shutdown_init(struct server *server);
/* Accept no more. */
void server_stop_listeners(struct server *server);
/* The server is shutting down, and none but connections by HTTP are left. */
bool server_is_drained(const struct server *server) MUST_USE;
/* Then: mark those dead that are idle, and accept no more, either. */
void server_end_http(struct server *server);
