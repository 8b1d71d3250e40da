/*
 * src/conn/watch.h - connections that watch: a task that ends with the connection.
 */
#pragma once

#include "conn_state.h"
#include "step.h"
#include "task.h"

/* C watches these topics from now on: the answer. */
enum reply_status conn_watch_begin(struct conn *c, uint32_t topics);
/* What it sends is discarded. */
enum step conn_watch_step(struct conn *c);
/* At the end of an iteration: those that have lines to send are ready. */
void server_wake_watchers(struct server *server);
