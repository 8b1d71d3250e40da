/*
 * src/conn/notice.h - events of connections: who, and what it held.
 */
#pragma once

#include "conn_state.h"
#include "lombard/base/eventlog.h"

/* An event of C, if it is admitted: id= and addr=, then the fields of FORMAT, and name=. */
void conn_notice(struct event_kind *kind, const struct conn *c, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* REQ of C was refused, or failed: count it, and where it lacked memory, say so. */
void conn_notice_error(struct conn *c, const struct request *req, enum reply_status status);
/* For an event: " uid=0 pid=17" at DST, where C came through a unix socket; else "". Returns DST. */
const char *conn_peer_user(const struct conn *c, char *dst, size_t bytes);
/* C, which holds all that it has and is in its state, is going to be closed for REASON. */
void conn_notice_closed(const struct conn *c, enum close_reason reason);
