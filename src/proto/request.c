/* Begins requests, and refuses them. */
#include "request_priv.h"

#include <stddef.h>
#include <string.h>

void
request_init(struct request *req, enum request_op op)
{
    enum { HALF = offsetof(struct request, place) / 2 };

    _Static_assert(offsetof(struct request, place) % 2 == 0, "all of it is cleared");
    /* In two parts, each of which is a few stores: gcc makes a loop of the whole. */
    memset(req, 0, HALF);
    memset((char *)req + HALF, 0, HALF);
    req->op = op;
}

void
request_refuse(struct request *req, struct slice answer)
{
    request_init(req, OP_REFUSED);
    req->refusal = answer;
}

void
request_answer(struct request *req, struct slice answer)
{
    request_refuse(req, (req->flags & REQ_QUIET) != 0 ? slice_make(NULL, 0) : answer);
}

void
request_refuse_value(struct request *req, struct slice answer)
{
    uint64_t value_bytes = req->value_bytes;
    uint64_t body_bytes = req->body_bytes;

    request_refuse(req, answer);
    req->value_bytes = value_bytes;
    req->body_bytes = body_bytes;
}
