/*
 * src/conn/group.h - connections being served together.
 */
#pragma once

#include "server_state.h"

/*
 * Serve a group from the front of QUEUE, whose connections are CONN_READY: received and sent for in
 * one system call each, where there is a ring; one's cache misses are fetched while another is
 * worked at. Each gets a SLICE. One with more to do than a first slice makes up a group of its own.
 */
void conn_serve_group(struct server *server, struct list_node *queue, enum slice_kind slice);
