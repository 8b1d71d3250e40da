/*
 * src/proto/request_priv.h - how parsers begin a request, and refuse one.
 */
#pragma once

#include "lombard/proto/request.h"

/* All of REQ is zero but its op; place, echo and meta are as they were. */
void request_init(struct request *req, enum request_op op);
/* An answer of the parser's own: what its protocol sends as it is, or nothing. */
void request_refuse(struct request *req, struct slice answer);
/* Likewise; a quiet request is not answered. */
void request_answer(struct request *req, struct slice answer);
/* Refuse a store command of which value_bytes and body_bytes are known: they are discarded. */
void request_refuse_value(struct request *req, struct slice answer);
