/* Receives once, into the read buffer; and accounts for the result of any receiving call. */
#include "receive.h"

#include <errno.h>

#include "conn.h"
#include "lombard/base/sys.h"
#include "server_state.h"

enum receive_result
conn_received(struct conn *c, ssize_t got, size_t wanted, struct budget *budget)
{
    uint64_t bytes = got > 0 ? (uint64_t)got : 0;

    if (got == 0) {
        c->eof = true;
        c->more_input = false;
        return RECEIVED_END;
    }
    if (got == -EINTR)
        return RECEIVED_SOME;
    if (got == -EAGAIN) {
        c->more_input = false;
        return RECEIVED_LAST;
    }
    if (got < 0) {
        conn_socket_failed(c, (int)-got);
        return RECEIVED_END;
    }
    c->bytes_in += bytes;
    c->active_s = c->server->attended_s;
    c->server->stats.bytes_read += bytes;
    budget->bytes -= bytes < budget->bytes ? bytes : budget->bytes;
    if (bytes < wanted && LIKELY(!c->watch.partial)) {
        /* All there was: no second call only to hear EAGAIN. */
        c->more_input = false;
        return RECEIVED_LAST;
    }
    return RECEIVED_SOME;
}

bool
conn_receive_room(struct conn *c, struct iovec *room)
{
    if (CONN_BROKEN(c, !buf_is_sound(c->rbuf)))
        return false;
    if (buf_room(c->rbuf) < BUF_BYTES / 2)
        buf_pack(c->rbuf);
    /* Every parser is bounded well below a buffer: it should have refused. */
    if (CONN_BROKEN(c, buf_room(c->rbuf) == 0))
        return false;
    *room = (struct iovec){buf_tail(c->rbuf), buf_room(c->rbuf)};
    return true;
}

enum receive_result
conn_receive_done(struct conn *c, ssize_t got, size_t wanted, struct budget *budget)
{
    if (got > 0)
        buf_produced(c->rbuf, (size_t)got);
    return conn_received(c, got, wanted, budget);
}

enum receive_result
conn_receive(struct conn *c, struct budget *budget)
{
    struct iovec room;
    ssize_t got;

    if (!conn_receive_room(c, &room))
        return RECEIVED_END;
    got = sys_recv(c->watch.fd, room.iov_base, room.iov_len);
    return conn_receive_done(c, got < 0 ? -errno : got, room.iov_len, budget);
}
