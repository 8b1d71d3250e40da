/*
 * src/conn/output.h - replies to bytes in the write buffer.
 *
 * All of these need a lent write buffer.
 */
#pragma once

#include "conn_state.h"
#include "step.h"

/* Whether there is room for any one reply. */
bool conn_has_reply_room(const struct conn *c);
/*
 * Format a reply; there must be room. True where all of it is in the buffer, as nearly always, and nothing
 * else has changed; it may leave a task behind, or C dead.
 */
bool conn_reply(struct conn *c, const struct request *req, const struct reply *reply);
/* Format one without a value at DST (room for PROTO_HEAD_BYTES_MAX); how many bytes. */
size_t conn_format_refusal(const struct conn *c, const struct request *req,
                           const struct reply *reply, char *dst);
/* Go on with a TASK_VALUE or a TASK_STREAM. */
enum step conn_value_step(struct conn *c) MUST_USE;
enum step conn_stream_step(struct conn *c) MUST_USE;
/*
 * Of a TASK_STREAM or a TASK_SCAN: what comes before its lines, or with STREAM_TAIL after them. False
 * while there is no room for all of it.
 */
bool conn_stream_frame(struct conn *c, const struct request *req) MUST_USE;
/* That was the last line: end it, and the task. */
enum step conn_stream_end(struct conn *c, const struct request *req) MUST_USE;
