/*
 * src/conn/dispatch.h - connections being served.
 */
#pragma once

#include "server_state.h"

/*
 * Serve a group from the front of QUEUE, whose connections are CONN_READY: one's cache
 * misses are fetched while another is worked at. Each gets a SLICE.
 * One with more to do than a first slice makes up a group of its own.
 */
void conn_dispatch_group(struct server *server, struct list_node *queue, enum slice_kind slice);
