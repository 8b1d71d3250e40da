/*
 * include/lombard/proto/meta.h - the meta commands of the text protocol.
 *
 *     mg <key> <flag>*            ms <key> <bytes> <flag>*\r\n<value>
 *     md <key> <flag>*            ma <key> <flag>*
 *     me <key> [b]                mn
 *
 * A flag is one letter, with its argument right behind it. Source: protocol.txt,
 * "Meta Commands", and memcached's answers to malformed lines. Called by
 * text.h's functions only.
 */
#pragma once

#include "lombard/proto/reply.h"
#include "lombard/proto/request.h"

/*
 * A line, without its end, whose first word is WORD: two letters, the first of
 * which is 'm'. REQ is always filled, with OP_REFUSED where it makes no sense.
 */
void meta_parse(struct slice word, struct slice line, struct request *req);

/* Head of a reply to a request with REQ_META, at DST (room for TEXT_HEAD_BYTES_MAX). */
size_t meta_reply_head(const struct request *req, const struct reply *reply, char *dst);
/* Whether the value goes behind it, and "\r\n" behind that. */
bool meta_reply_has_value(const struct request *req, const struct reply *reply);
