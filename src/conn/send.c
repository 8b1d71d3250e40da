/* Sends what is pending in write buffers: of one connection, or of a group in one call. */
#include "send.h"

#include <errno.h>
#include <sys/uio.h>

#include "conn.h"
#include "lombard/base/sys.h"
#include "server_state.h"

enum {
    IOVECS_MAX = 64,
    QUEUED_REFS_MAX = 4, /* parts of values that are sent from where they lie, */
    QUEUED_IOVECS_MAX = 2 * QUEUED_REFS_MAX + 1, /* and bytes before, between and behind them */
};

_Static_assert((int)GROUP_CONNS <= (int)SYS_MANY_MAX, "a group is one call");

static size_t
iov_bytes(const struct iovec *iov, int count)
{
    size_t bytes = 0;

    for (int i = 0; i < count; i++)
        bytes += iov[i].iov_len;
    return bytes;
}

/* What the kernel did with WANTED bytes: it took SENT of them, or an errno below 0. */
static enum flush
send_done(struct conn *c, struct budget *budget, ssize_t sent, size_t wanted)
{
    /* A host that is short of memory is a full socket, not a broken one. */
    if (sent == -EAGAIN || sent == -ENOBUFS || sent == -ENOMEM) {
        c->blocked = true;
        return FLUSH_BLOCKED;
    }
    if (sent < 0) {
        conn_socket_failed(c, (int)-sent);
        return FLUSH_DEAD;
    }
    buf_consumed(c->wbuf, (size_t)sent, &c->server->owner);
    c->bytes_out += (uint64_t)sent;
    c->active_s = c->server->attended_s;
    c->server->stats.bytes_written += (uint64_t)sent;
    budget->bytes -= (uint64_t)sent;
    if ((size_t)sent == wanted)
        return FLUSH_DONE;
    c->blocked = true;
    return FLUSH_BLOCKED;
}

/* --- One connection --- */

/* One system call for what is pending, of at most LIMIT bytes; *WANTED: how many it offered. */
static ssize_t
send_once(struct conn *c, size_t limit, size_t *wanted)
{
    struct iovec iov[IOVECS_MAX];
    int count;

    if (c->wbuf->ref_done == c->wbuf->ref_count) {
        struct slice bytes = buf_pending(c->wbuf);

        *wanted = bytes.len < limit ? bytes.len : limit;
        return sys_send(c->watch.fd, bytes.ptr, *wanted);
    }
    count = buf_iovecs(c->wbuf, iov, IOVECS_MAX, limit);
    *wanted = iov_bytes(iov, count);
    return sys_sendmsg(c->watch.fd, iov, count);
}

enum flush
conn_flush(struct conn *c, struct budget *budget)
{
    if (CONN_BROKEN(c, !buf_is_sound(c->wbuf)))
        return FLUSH_DEAD;
    while (!buf_is_empty(c->wbuf)) {
        enum flush result;
        size_t wanted;
        ssize_t sent;

        if (budget->bytes == 0)
            return FLUSH_PAUSED;
        sent = send_once(c, budget->bytes, &wanted);
        if (sent < 0 && errno == EINTR)
            continue;
        result = send_done(c, budget, sent < 0 ? -errno : sent, wanted);
        if (result != FLUSH_DONE)
            return result;
    }
    return FLUSH_DONE;
}

/* --- A group --- */

bool
conn_queue_send(struct conn *c, struct budget *budget)
{
    struct send_queue *queue = &c->server->sends;
    const struct buf *buf = c->wbuf;
    uint64_t bytes;

    if (queue->count == GROUP_CONNS || !buf_is_sound(buf) || buf_is_empty(buf) ||
        buf->ref_count - buf->ref_done > QUEUED_REFS_MAX)
        return false;
    bytes = buf_pending_bytes(buf);
    if (bytes > DRAWN(QUEUED_BYTES_MAX) || bytes > budget->bytes)
        return false;
    queue->bytes += bytes;
    queue->of[queue->count++] = (struct queued_send){c, budget};
    return true;
}

/* What is left, as after an interrupted call, goes by calls of its own. */
static void
finish_queued(const struct queued_send *queued, const struct sys_transfer *transfer)
{
    struct conn *c = queued->conn;
    size_t wanted = iov_bytes(transfer->iov, transfer->count);

    if (transfer->result == -EINTR ||
        send_done(c, queued->budget, transfer->result, wanted) == FLUSH_DONE)
        (void)CONN_BROKEN(c, conn_flush(c, queued->budget) == FLUSH_PAUSED);
}

bool
conn_send_queued(struct server *server)
{
    struct send_queue *queue = &server->sends;
    struct sys_transfer transfers[GROUP_CONNS];
    struct iovec iov[GROUP_CONNS][QUEUED_IOVECS_MAX];
    struct queued_send queued[GROUP_CONNS];
    unsigned count = 0;

    if (queue->count == 0)
        return false;
    for (unsigned i = 0; i < queue->count; i++) {
        const struct conn *c = queue->of[i].conn;

        if (c->state != CONN_RUNNING) /* killed by another of its group */
            continue;
        transfers[count].fd = c->watch.fd;
        transfers[count].iov = iov[count];
        transfers[count].count =
            buf_iovecs(c->wbuf, iov[count], QUEUED_IOVECS_MAX, DRAWN(QUEUED_BYTES_MAX));
        queued[count++] = queue->of[i];
    }
    queue->count = 0;
    queue->bytes = 0;
    transfer_many(&server->transfers, TRANSFER_SEND, transfers, count);
    for (unsigned i = 0; i < count; i++)
        finish_queued(&queued[i], &transfers[i]);
    return true;
}
