/*
 * src/conn/conn.h - a connection's life: into a state and its list, and out of it; and its end.
 *
 * Who decides is above: settle.c chooses the state after a dispatch, shed.c and sweep.c which
 * connection is closed. Here is only what that takes.
 */
#pragma once

#include "conn_state.h"
#include "lombard/base/invariant.h"

/*
 * A connection for FD in C, which is the table's; not watched. Of a unix socket a receive may end where
 * descriptors were sent with the bytes, which nothing tells: its input is reported until there is none.
 */
void conn_init(struct conn *c, struct server *server, int fd, bool is_unix);
/* Likewise, watched. False when the loop refuses. */
bool conn_open(struct conn *c, struct server *server, int fd, bool is_unix) MUST_USE;

/* Remove C from the list that goes with its state. */
void conn_leave_list(struct conn *c);
/* Into QUEUE, which is one of the server's. */
void conn_make_ready(struct conn *c, struct list_node *queue);
/* The pool brings a buffer: pool_create()'s on_grant. */
void conn_on_grant(struct borrower *borrower, enum loan_purpose purpose, struct buf *buf);

/* Close at the end of this iteration, for this reason unless conn_finish() named one. */
void conn_mark_dead(struct conn *c, enum close_reason reason);
/* Likewise, after a system call on its socket failed with ERR. */
void conn_socket_failed(struct conn *c, int err);
/* Close when what is in the output has left; read no further command. */
void conn_finish(struct conn *c, enum close_reason reason);
/* Likewise, where REQ, which was answered, is the last one. */
void conn_finish_after(struct conn *c, const struct request *req);
/* Give back all that it holds. Its output is lost. */
void conn_release(struct conn *c);

/*
 * Whether an invariant of C does not hold, which is then counted, and C alone closed, with
 * CLOSE_INTERNAL: the caller goes no further with it. A test build stops there instead.
 */
#define CONN_BROKEN(c, cond)                                                                   \
    (UNLIKELY(cond) && (conn_close_broken((c), __FILE__, __LINE__, #cond), true))
/* For CONN_BROKEN(). */
void conn_close_broken(struct conn *c, const char *file, int line, const char *what)
    __attribute__((cold, noinline));

/*
 * Whether its socket has something for it that was not delivered yet: to be asked before it is
 * judged by the time that has passed. A system call: for the few that are to be closed.
 */
bool conn_has_event(const struct conn *c);
/* Milliseconds since it stalled. */
uint32_t conn_stalled_for_ms(const struct conn *c);
/* What `stats conns` calls its state; whether it calls one so. */
const char *conn_state_name(const struct conn *c);
bool conn_is_state_name(const char *name);
