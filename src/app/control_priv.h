/*
 * src/app/control_priv.h - what the files of the control socket have to agree on.
 *
 *     control.c         the socket, and what its peer says
 *     control_give.c    what it is given: first while clients are served, then the rest
 */
#pragma once

#include "control.h"
#include "passing.h"

/* The peer is told WHY, if it still listens; what was begun with it is over, and serving goes on. */
void control_refuse(struct control *control, enum pass_kind kind, const char *why);
/* Tell the peer what of PROCESS does not change. NULL, or why it cannot be. */
const char *control_offer(struct process *process) MUST_USE;
/*
 * Send it descriptors of the next connections. PASS_GOT, and whether these were the last ones; PASS_LATE: its socket
 * is full, and nothing was sent.
 */
enum pass_result control_send_early(struct process *process, bool *last) MUST_USE;
/* No client is served: give it the rest. NULL: it has everything; or why it has not, with room for BYTES in TEXT. */
const char *control_give(struct process *process, char *text, size_t bytes) MUST_USE;
