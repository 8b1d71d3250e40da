/*
 * tools/bench/wire/out.h - batches of requests on their way to one send each.
 *
 *     iov:   [scratch 0..90) [pool ...) [pool ...) [scratch 90..200) | [scratch 200..300) ...
 *            part of one connection                                  | of the next one
 *
 * Formatted bytes lie in a scratch that all connections share; the filler of a
 * long value is referenced where it lies and never copied.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "lombard/base/attr.h"

enum {
    OUT_COPY_MAX = 4096, /* a value of at most this is copied */
};

struct out {
    struct iovec *iov;
    unsigned char *scratch;
    size_t iov_count;
    size_t iov_size;
    size_t first; /* of iov: where the last part begins */
    size_t used;  /* of the scratch */
    size_t size;
    size_t total; /* bytes in the last part */
};

/* Room for at least one request of HEAD_BYTES formatted bytes and VALUE_BYTES of value. */
bool out_init(struct out *out, size_t head_bytes, size_t value_bytes) MUST_USE;
void out_fini(struct out *out);

static inline void
out_reset(struct out *out)
{
    out->iov_count = 0;
    out->first = 0;
    out->used = 0;
    out->total = 0;
}

/* What follows is sent by itself. */
static inline void
out_begin_part(struct out *out)
{
    out->first = out->iov_count;
    out->total = 0;
}

/* The last part, for sendmsg(): how many iovecs. */
static inline size_t
out_part_iovs(const struct out *out)
{
    return out->iov_count - out->first;
}

/* Whether one more request of at most HEAD_BYTES and VALUE_BYTES fits. */
bool out_has_room(const struct out *out, size_t head_bytes, size_t value_bytes) MUST_USE;

/* Where to format; then say how many bytes with out_wrote(). */
static inline unsigned char *
out_at(struct out *out)
{
    return out->scratch + out->used;
}

void out_wrote(struct out *out, size_t bytes);
/* Append constant bytes without copying them. */
void out_reference(struct out *out, const void *src, size_t bytes);
/* Drop the first BYTES of the last part: they were sent before. */
void out_skip(struct out *out, size_t bytes);
