/* Collects the bytes of several requests for one send. */
#include "wire/out.h"

#include <stdlib.h>
#include <string.h>

#include "data/value.h"

enum {
    SCRATCH_BYTES = 64 * 1024, /* of formatted requests in one send: stays in the cache */
    IOV_SPARE = 256,
};

static size_t
iovs_needed(size_t value_bytes)
{
    return value_bytes / VALUE_POOL_BYTES + 4;
}

bool
out_init(struct out *out, size_t head_bytes, size_t value_bytes)
{
    memset(out, 0, sizeof(*out));
    out->size = SCRATCH_BYTES + 2 * (head_bytes + OUT_COPY_MAX);
    out->iov_size = iovs_needed(value_bytes) + IOV_SPARE;
    out->scratch = malloc(out->size);
    out->iov = calloc(out->iov_size, sizeof(*out->iov));
    if (out->scratch != NULL && out->iov != NULL)
        return true;
    out_fini(out);
    return false;
}

void
out_fini(struct out *out)
{
    free(out->scratch);
    free(out->iov);
    out->scratch = NULL;
    out->iov = NULL;
}

bool
out_has_room(const struct out *out, size_t head_bytes, size_t value_bytes)
{
    size_t copied = value_bytes < OUT_COPY_MAX ? value_bytes : OUT_COPY_MAX;

    return out->size - out->used >= head_bytes + copied &&
           out->iov_size - out->iov_count >= iovs_needed(value_bytes);
}

/* An iovec's base is not const, for readv()'s sake: nothing is written through it here. */
static void *
without_const(const void *p)
{
    void *q;

    memcpy(&q, &p, sizeof(q));
    return q;
}

void
out_wrote(struct out *out, size_t bytes)
{
    unsigned char *at = out_at(out);
    struct iovec *last = out->iov + out->iov_count - 1;

    if (out->iov_count > out->first && (unsigned char *)last->iov_base + last->iov_len == at)
        last->iov_len += bytes;
    else
        out->iov[out->iov_count++] = (struct iovec){at, bytes};
    out->used += bytes;
    out->total += bytes;
}

void
out_reference(struct out *out, const void *src, size_t bytes)
{
    out->iov[out->iov_count++] = (struct iovec){without_const(src), bytes};
    out->total += bytes;
}

void
out_skip(struct out *out, size_t bytes)
{
    struct iovec *iov = out->iov + out->first;
    size_t first = 0;

    BUG_ON(bytes > out->total);
    out->total -= bytes;
    while (bytes > 0 && bytes >= iov[first].iov_len)
        bytes -= iov[first++].iov_len;
    if (bytes > 0) {
        iov[first].iov_base = (unsigned char *)iov[first].iov_base + bytes;
        iov[first].iov_len -= bytes;
    }
    out->iov_count -= first;
    memmove(iov, iov + first, out_part_iovs(out) * sizeof(*iov));
}
