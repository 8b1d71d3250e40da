/* Moves the offsets of one buffer, and the references that grow from its back. */
#include "lombard/loan/buf.h"

#include <string.h>

#include "lombard/base/invariant.h"
#include "lombard/base/iov.h"

/* Where reference INDEX lies. */
static inline size_t
ref_off(uint32_t index)
{
    return BUF_BYTES - (index + 1) * sizeof(struct buf_ref);
}

static inline const struct buf_ref *
ref_at(const struct buf *buf, uint32_t index)
{
    return (const void *)(buf->data + ref_off(index));
}

static inline struct buf_ref *
ref_to_change(struct buf *buf, uint32_t index)
{
    return (void *)(buf->data + ref_off(index));
}

static inline void
reset(struct buf *buf)
{
    buf->read_off = 0;
    buf->write_off = 0;
    buf->ref_count = 0;
    buf->ref_done = 0;
}

void
buf_init(struct buf *buf)
{
    list_init(&buf->node);
    reset(buf);
}

uint64_t
buf_pending_bytes(const struct buf *buf)
{
    uint64_t bytes = buf->write_off - buf->read_off;

    for (uint32_t i = buf->ref_done; i < buf->ref_count; i++)
        bytes += ref_at(buf, i)->bytes - ref_at(buf, i)->sent;
    return bytes;
}

void
buf_visit_refs(const struct buf *buf, const struct buf_owner *visitor)
{
    for (uint32_t i = buf->ref_done; i < buf->ref_count; i++)
        visitor->release(visitor->ctx, ref_at(buf, i)->base);
}

bool
buf_next_ref(const struct buf *buf, uint32_t *i, struct buf_ref *ref)
{
    if (buf->ref_done + *i >= buf->ref_count)
        return false;
    *ref = *ref_at(buf, buf->ref_done + (*i)++);
    return true;
}

static void __attribute__((cold, noinline))
damage(struct buf *buf, const char *file, int line, const char *what)
{
    (void)!invariant_broken(file, line, what);
    buf->ref_done |= BUF_DAMAGED;
}

/* Whether COND is true, which is a mistake: see buf_is_sound(). What was to be done is left out. */
#define DAMAGED(buf, cond) (UNLIKELY(cond) && (damage((buf), __FILE__, __LINE__, #cond), true))

static inline void
advance(struct buf *buf, size_t n)
{
    buf->write_off += (uint32_t)n;
}

void
buf_produced(struct buf *buf, size_t n)
{
    BUG_ON(n > buf_room(buf)); /* too late for more: it would have been written already */
    advance(buf, n);
}

void
buf_append(struct buf *buf, struct slice bytes)
{
    if (DAMAGED(buf, bytes.len > buf_room(buf)))
        return;
    bytes_copy(buf_tail(buf), bytes.ptr, bytes.len);
    advance(buf, bytes.len);
}

void
buf_append_ref(struct buf *buf, struct slice value)
{
    struct buf_ref *ref = ref_to_change(buf, buf->ref_count);

    BUG_ON(buf_room(buf) < sizeof(*ref));
    BUG_ON(value.len == 0 || value.len > UINT32_MAX);
    ref->base = value.ptr;
    ref->bytes = (uint32_t)value.len;
    ref->sent = 0;
    ref->at_off = buf->write_off;
    ref->spare = 0;
    buf->ref_count++;
}

/* An iovec list being filled, up to a number of entries and of bytes. */
struct iov_fill {
    struct iovec *iov;
    int count;
    int max;
    size_t left;
};

static void
iov_add(struct iov_fill *fill, const char *ptr, size_t bytes)
{
    size_t n = bytes < fill->left ? bytes : fill->left;

    if (n == 0)
        return;
    fill->iov[fill->count++] = iov_of(slice_make(ptr, n));
    fill->left -= n;
}

int
buf_iovecs(const struct buf *buf, struct iovec *iov, int max, size_t limit)
{
    struct iov_fill fill = {iov, 0, max, limit};
    uint32_t off = buf->read_off;

    /* Two entries a round: the bytes before a reference, and the reference. */
    for (uint32_t i = buf->ref_done; i < buf->ref_count; i++) {
        const struct buf_ref *ref = ref_at(buf, i);

        if (fill.count + 2 > max || fill.left == 0)
            return fill.count;
        iov_add(&fill, (const char *)buf->data + off, ref->at_off - off);
        off = ref->at_off;
        iov_add(&fill, ref->base + ref->sent, ref->bytes - ref->sent);
    }
    if (fill.count < max)
        iov_add(&fill, (const char *)buf->data + off, buf->write_off - off);
    return fill.count;
}

static void
reset_when_empty(struct buf *buf)
{
    if (buf_is_empty(buf))
        reset(buf);
}

static inline void
consume_bytes(struct buf *buf, size_t n)
{
    if (DAMAGED(buf, n > buf->write_off - buf->read_off))
        return;
    buf->read_off += (uint32_t)n;
    reset_when_empty(buf);
}

/* Not inlined: it would make the short way save registers that only this one needs. */
static __attribute__((noinline)) void
consume_with_refs(struct buf *buf, size_t n, const struct buf_owner *owner)
{
    while (buf->ref_done < buf->ref_count) {
        struct buf_ref *ref = ref_to_change(buf, buf->ref_done);
        uint32_t before = ref->at_off - buf->read_off;
        uint32_t of_ref = ref->bytes - ref->sent;

        if (n < before)
            break;
        n -= before;
        buf->read_off = ref->at_off;
        if (n < of_ref) {
            ref->sent += (uint32_t)n;
            return;
        }
        n -= of_ref;
        buf->ref_done++;
        owner->release(owner->ctx, ref->base);
    }
    consume_bytes(buf, n);
}

/* Most buffers have no references: these take the short way. */
void
buf_consumed(struct buf *buf, size_t n, const struct buf_owner *owner)
{
    if (buf->ref_done < buf->ref_count)
        consume_with_refs(buf, n, owner);
    else
        consume_bytes(buf, n);
}

void
buf_pack(struct buf *buf)
{
    struct slice pending = buf_pending(buf);

    if (DAMAGED(buf, buf->ref_count != 0))
        return;
    memmove(buf->data, pending.ptr, pending.len);
    buf->read_off = 0;
    buf->write_off = (uint32_t)pending.len;
}

void
buf_clear(struct buf *buf, const struct buf_owner *owner)
{
    buf->ref_done &= ~BUF_DAMAGED;
    for (; buf->ref_done < buf->ref_count; buf->ref_done++)
        owner->release(owner->ctx, ref_at(buf, buf->ref_done)->base);
    reset(buf);
}
