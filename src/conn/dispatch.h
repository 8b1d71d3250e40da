/*
 * src/conn/dispatch.h - one connection being served.
 *
 *     conn_dispatch_begin()     it leaves its queue, and is CONN_RUNNING
 *     conn_dispatch_prepare()   where it has no more than input to come: that may be received for it
 *     conn_dispatch_serve()     receive, execute and send until its slice is over
 *     conn_dispatch_end()       it is where it belongs; what it does not need goes back
 */
#pragma once

#include <sys/uio.h>

#include "server_state.h"

/* C is CONN_READY; its slice has this budget. */
void conn_dispatch_begin(struct dispatch *dispatch, struct conn *c, enum slice_kind slice,
                         const struct budget *budget);
/*
 * Lend a read buffer to a connection that holds nothing, as serving it would first of all. True: what
 * is received into ROOM is to be given to conn_receive_done(). False: nothing is to be received
 * beforehand; where it is not CONN_RUNNING any more, its dispatch is to be ended now.
 */
bool conn_dispatch_prepare(struct dispatch *dispatch, struct iovec *room) MUST_USE;
/*
 * True when it has more to do now. With dispatch->may_queue its replies may be left for
 * conn_send_queued(); dispatch->queued then, and it is ended after that.
 */
bool conn_dispatch_serve(struct dispatch *dispatch) MUST_USE;
/*
 * What DISPATCH's connection was answered is sent, and what those queued before it were, if it is
 * anything: read the clock for it. Before its buffers are returned.
 */
void conn_settle_latency(const struct dispatch *dispatch);
/* MORE: it goes on as soon as others had their slice. */
void conn_dispatch_end(struct dispatch *dispatch, bool more);
