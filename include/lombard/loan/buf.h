/*
 * include/lombard/loan/buf.h - one buffer, lent from the global freelist.
 *
 *     0        read_off        write_off            refs         BUF_BYTES
 *     | sent    | pending bytes |      room     | ref2 | ref1 | ref0 |
 *
 * Bytes are formatted at write_off and leave from read_off. A value too long to
 * be copied is queued as a reference: where it lies, and after which byte of
 * this buffer it goes into the stream. References grow from the back. Queued
 * bytes never move; when nothing is pending any more, all offsets go back to 0.
 *
 * Invariant: read_off <= write_off <= BUF_BYTES - refs. Nothing else than these
 * offsets says whether a buffer is still needed. Borrowers fill, drain and
 * return; they never allocate or free. No I/O and no logging here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/list.h"
#include "lombard/base/slice.h"

struct iovec;

/* Of a buffer with its header. Tests that search all states need small ones. */
#ifndef BUF_TOTAL_BYTES_OF_TEST
enum { BUF_TOTAL_BYTES = 20 * 1024 };
#else
enum { BUF_TOTAL_BYTES = BUF_TOTAL_BYTES_OF_TEST };
#endif

struct buf {
    struct list_node node; /* in the freelist, or unlinked */
    uint32_t write_off;    /* bytes from data[0]: first free byte */
    uint32_t read_off;     /* bytes from data[0]: first unsent byte */
    uint32_t ref_count;    /* references queued since the buffer was last empty */
    uint32_t ref_done;     /* of these, already sent and released; and perhaps BUF_DAMAGED */
    unsigned char data[BUF_TOTAL_BYTES - 32];
};

/* In ref_done: an operation that did not fit was left out; see buf_is_sound(). */
#define BUF_DAMAGED UINT32_C(0x80000000)

enum { BUF_BYTES = sizeof(((struct buf *)0)->data) }; /* payload of one buffer */

_Static_assert(sizeof(struct buf) == BUF_TOTAL_BYTES,
               "a buffer is one mapping, without padding");

/* Bytes that lie elsewhere. BASE stays as queued: it is what gets unpinned. */
struct buf_ref {
    const char *base; /* first byte */
    uint32_t bytes;   /* of the whole range, at least 1 */
    uint32_t sent;    /* of these */
    uint32_t at_off;  /* goes out when read_off has reached this */
    uint32_t spare;
};

_Static_assert(BUF_BYTES % _Alignof(struct buf_ref) == 0 &&
                   offsetof(struct buf, data) % _Alignof(struct buf_ref) == 0,
               "references from the back are aligned");

/* What buf_consumed() calls for every reference that was sent. */
struct buf_owner {
    void (*release)(void *ctx, const void *base);
    void *ctx;
};

void buf_init(struct buf *buf);

/* Nothing pending: neither a byte nor a reference. */
static inline bool
buf_is_empty(const struct buf *buf)
{
    return buf->read_off == buf->write_off && buf->ref_done == buf->ref_count;
}

/*
 * Whether the invariant holds, and nothing was left out. An operation that does not fit is a
 * mistake of the caller's: a test build stops there; a release build counts it, leaves it out
 * and marks the buffer. Its borrower then gives up what is in it: buf_clear().
 */
static inline bool
buf_is_sound(const struct buf *buf)
{
    return buf->read_off <= buf->write_off && buf->ref_done <= buf->ref_count &&
           buf->write_off + buf->ref_count * sizeof(struct buf_ref) <= BUF_BYTES;
}

/* Bytes that can be formatted at buf_tail(). */
static inline size_t
buf_room(const struct buf *buf)
{
    return BUF_BYTES - buf->ref_count * sizeof(struct buf_ref) - buf->write_off;
}

static inline char *
buf_tail(struct buf *buf)
{
    return (char *)buf->data + buf->write_off;
}

/* The contiguous pending bytes: all of them when there is no reference. */
static inline struct slice
buf_pending(const struct buf *buf)
{
    return slice_make((const char *)buf->data + buf->read_off, buf->write_off - buf->read_off);
}

/* Bytes still to be sent, including those of references. */
uint64_t buf_pending_bytes(const struct buf *buf);

/* Note that N bytes were formatted at write_off, where they must fit. */
void buf_produced(struct buf *buf, size_t n);
/* Copy bytes to write_off, where they must fit. */
void buf_append(struct buf *buf, struct slice bytes);
/*
 * Queue VALUE to go out after what has been formatted so far. The caller has
 * pinned it. There must be room for a reference (sizeof(struct buf_ref)).
 */
void buf_append_ref(struct buf *buf, struct slice value);

/*
 * Describe what is pending, in order, in at most MAX iovecs of LIMIT bytes in
 * all. Returns how many; 0 only when the buffer is empty.
 */
int buf_iovecs(const struct buf *buf, struct iovec *iov, int max, size_t limit);

/*
 * Note that N bytes left, bytes and references in order; that many must be pending.
 * Consumes exactly those, and releases the references that are through.
 * The only place where output offsets advance.
 */
void buf_consumed(struct buf *buf, size_t n, const struct buf_owner *owner);
/*
 * Move the pending bytes to the front, to make room behind them. For input only:
 * bytes that are queued for output never move. There must be no reference.
 */
void buf_pack(struct buf *buf);
/* Call visitor->release() for each reference that is pending; nothing is released. */
void buf_visit_refs(const struct buf *buf, const struct buf_owner *visitor);
/* The first reference that is pending with *I 0, and on; false when there is none any more. */
bool buf_next_ref(const struct buf *buf, uint32_t *i, struct buf_ref *ref) MUST_USE;
/* Drop everything that is pending, releasing all references. */
void buf_clear(struct buf *buf, const struct buf_owner *owner);
