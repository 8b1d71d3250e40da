/*
 * include/lombard/proto/proto.h - one set of functions over all protocols.
 *
 * The first byte of a connection says what it speaks, for good: 0x80 is the
 * binary protocol, everything else the text protocol. Pure functions, nothing
 * is kept but struct proto_state; whatever the stream is cut into, the sequence
 * of requests is the same.
 *
 * Replies are made of three parts: a head that is formatted, the item's value
 * where it lies, and a constant tail. What noreply and quiet commands suppress
 * is an empty head, no value and an empty tail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/slice.h"
#include "lombard/proto/reply.h"
#include "lombard/proto/request.h"
#include "lombard/proto/text.h"

enum proto_kind {
    PROTO_UNKNOWN, /* no byte has come yet */
    PROTO_TEXT,
    PROTO_BINARY,
};

/* Embedded in every connection, zeroed for a new one. */
struct proto_state {
    struct text_state text; /* PROTO_TEXT */
    enum proto_kind kind;
};

/* A reply's head takes at most this, in every protocol. */
enum { PROTO_HEAD_BYTES_MAX = 1024 };

/* What `stats conns` calls it: "unknown", "text", "binary". */
const char *proto_name(enum proto_kind kind);

/*
 * Take the next request from the front of IN. PARSE_COMPLETE: *REQ is filled,
 * the first *USED bytes are its head, body_bytes follow them. PARSE_PARTIAL: the
 * head is not all there; *USED bytes may be dropped all the same, the others
 * have to be shown again, with more behind them.
 *
 * *REQ points into IN and, where the key was sent in base64, into itself: it is
 * not to be copied. Who needs it again later parses the same bytes again, with a
 * copy of the state made before the first time.
 */
enum parse_result proto_parse(struct proto_state *state, struct slice in, struct request *req,
                              size_t *used) MUST_USE;

/*
 * Whether TAIL, the last body_bytes - value_bytes bytes of a store command's
 * body, ends the value. Binary bodies have no tail: always true.
 */
bool proto_value_ends(const struct proto_state *state, const char *tail);

/* Write the head at DST (room for PROTO_HEAD_BYTES_MAX); how many bytes, perhaps 0. */
size_t proto_reply_head(const struct proto_state *state, const struct request *req,
                        const struct reply *reply, char *dst);
/* Whether the item's value goes between head and tail. */
bool proto_reply_has_value(const struct proto_state *state, const struct request *req,
                           const struct reply *reply);
/* What comes last: constant bytes, perhaps none. */
struct slice proto_reply_tail(const struct proto_state *state, const struct request *req,
                              const struct reply *reply);

/* One line of a STREAM_STATS at DST (room for STREAM_LINE_BYTES); how many bytes. */
size_t proto_stat_line(const struct proto_state *state, const struct request *req,
                       const char *name, const char *value, char *dst);
/* What ends a stream, at DST (room for STREAM_LINE_BYTES); how many bytes. */
size_t proto_stream_end(const struct proto_state *state, const struct request *req, char *dst);
