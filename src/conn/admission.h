/*
 * src/conn/admission.h - which connections are let in, and as what.
 *
 * At most max_conns clients, and as many connections of other roles as each role's own limit says.
 * Where no listener is for operators, one connection more is accepted from this host, for an
 * operator who looks: it may run commands that only look, and becomes a client when there is room.
 */
#pragma once

#include "server_state.h"

/* The answer to a connection over max_conns. */
struct slice server_reject_text(void);
/* Make C, which is the operator's, one of the clients. False when there is no room for one more. */
bool server_make_client(struct server *server, struct conn *c);
/* Whether C is an operator's: by its listener, or where there is none for them, by this host. */
bool server_is_operator(const struct conn *c);
/* Once a tick: close the operator's connection if it turns out to be none, or idle. */
void server_check_operator(struct server *server);
/* At the end of an iteration: let those in, or reject them, for whom there was no room before. */
void server_admit_newcomers(struct server *server);
