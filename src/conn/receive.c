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
    if (got < 0 && errno == EINTR)
        return RECEIVED_SOME;
    if (got < 0 && errno == EAGAIN) {
        c->more_input = false;
        return RECEIVED_LAST;
    }
    if (got < 0) {
        conn_socket_failed(c, errno);
        return RECEIVED_END;
    }
    c->bytes_in += bytes;
    c->active_s = c->server->attended_s;
    c->server->stats.bytes_read += bytes;
    budget->bytes -= bytes < budget->bytes ? bytes : budget->bytes;
    if (bytes < wanted) {
        /* All there was: no second call only to hear EAGAIN. */
        c->more_input = false;
        return RECEIVED_LAST;
    }
    return RECEIVED_SOME;
}

enum receive_result
conn_receive(struct conn *c, struct budget *budget)
{
    size_t room = buf_room(c->rbuf);
    ssize_t got;

    if (CONN_BROKEN(c, !buf_is_sound(c->rbuf)))
        return RECEIVED_END;
    if (room < BUF_BYTES / 2) {
        buf_pack(c->rbuf);
        room = buf_room(c->rbuf);
    }
    /* Every parser is bounded well below a buffer: it should have refused. */
    if (CONN_BROKEN(c, room == 0))
        return RECEIVED_END;
    got = sys_recv(c->watch.fd, buf_tail(c->rbuf), room);
    if (got > 0)
        buf_produced(c->rbuf, (size_t)got);
    return conn_received(c, got, room, budget);
}
