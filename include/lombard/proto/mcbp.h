/*
 * include/lombard/proto/mcbp.h - memcached's binary protocol.
 *
 *     0      1       2          4         5     6        8      12      16     24
 *     | 0x80 | opcode | key len | ext len | ... | vbucket | body | opaque | cas |
 *     | extras | key | value                                                    |
 *
 * Numbers are big-endian; the body is extras, key and value together. A reply
 * has 0x81 in front and a status instead of the vbucket. Source: the binary
 * protocol's specification (docs/binary-protocol-revamped), and memcached itself
 * where the two differ. Stateless; same shape as text.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lombard/base/attr.h"
#include "lombard/proto/reply.h"
#include "lombard/proto/request.h"

enum { MCBP_MAGIC_REQUEST = 0x80, MCBP_MAGIC_REPLY = 0x81, MCBP_HEADER_BYTES = 24 };

/* As text_parse(). What cannot be understood any more carries REQ_CLOSE. */
enum parse_result mcbp_parse(struct slice in, struct request *req, size_t *used) MUST_USE;

/* Header, extras, and the key or message, at DST; at most this many bytes. */
enum { MCBP_HEAD_BYTES_MAX = 512 };
size_t mcbp_reply_head(const struct request *req, const struct reply *reply, char *dst);
/* Whether the item's value comes next; nothing follows it. */
bool mcbp_reply_has_value(const struct request *req, const struct reply *reply);

/* One packet of a STREAM_STATS at DST (room for STREAM_LINE_BYTES); how many bytes. */
size_t mcbp_stat_packet(const struct request *req, const char *name, const char *value,
                        char *dst);
/* The packet that ends a stream. */
size_t mcbp_stream_end(const struct request *req, char *dst);
