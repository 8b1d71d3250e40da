/*
 * tools/bench/builtin/stub_reply.h - the replies of the built-in server, in the protocol of the request.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builtin/stub_parse.h"

/* Replies that are not sent yet. */
struct stub_out {
    unsigned char *p;
    size_t bytes;
    size_t size;
};

enum stub_status {
    STUB_DONE,
    STUB_NOT_STORED,
    STUB_EXISTS,
    STUB_NOT_FOUND,
    STUB_FAILED, /* SERVER_ERROR */
};

/* What stands before and behind a value. */
struct stub_value_head {
    const char *name;
    size_t name_len;
    size_t bytes; /* announced */
    uint64_t cas;
    uint32_t flags;
};

void stub_emit(struct stub_out *out, const void *src, size_t bytes);
void stub_put_value_head(struct stub_out *out, const struct stub_request *r,
                         const struct stub_value_head *head);
/* The end of a value's line, where the protocol has one. */
void stub_put_value_end(struct stub_out *out, const struct stub_request *r);
/* The reply to R without a value. Nothing where R is quiet and all is well, or nothing was found. */
void stub_put_status(struct stub_out *out, const struct stub_request *r,
                     enum stub_status status);
/* The end of a get that found (or not) its last key. FOUND: some. */
void stub_put_get_end(struct stub_out *out, const struct stub_request *r, bool found);
/* The number that incr or decr made. */
void stub_put_number(struct stub_out *out, const struct stub_request *r, uint64_t v);
