/*
 * src/conn/permission.h - whether a client may ask for what it asks for.
 */
#pragma once

#include "conn_state.h"
#include "lombard/cmd/cmd.h"

/*
 * The one place that decides whether C may ask for REQ, in whatever protocol: nothing is executed
 * without it. False: that was answered, and C may be finishing.
 */
bool conn_may_run(struct conn *c, const struct request *req) MUST_USE;
/* C is answered REPLY_ADMIN_ONLY: count it, and say who asked. */
void conn_note_admin_only(struct conn *c, enum request_op op);
/* Say who failed to authenticate, but not with what. */
void conn_log_auth_failure(const struct conn *c);
