/*
 * src/conn/server_stats.h - what `stats` says about the process, its connections and buffers.
 */
#pragma once

#include "server_state.h"

void server_register_stats(struct server *server);
