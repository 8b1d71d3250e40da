/* The simulated calls on sockets, each of which may fail, be short or be interrupted. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/uio.h>

#include "lombard/base/iov.h"
#include "lombard/base/sys.h"

#include "sim_priv.h"

static bool
is_fatal(int err)
{
    return err != EAGAIN && err != EINTR && err != ENOBUFS && err != ENOMEM;
}

ssize_t
sim_fail(int err)
{
    errno = err;
    return -1;
}

/* What a receiving call finds: bytes to hand out (then *N is their limit), or its result. */
static bool
may_receive(struct sim_link *link, enum sim_call call, size_t *n, ssize_t *result)
{
    int err = sim_io_refusal(call);
    size_t could;

    if (err != 0) {
        if (is_fatal(err))
            link_break(link);
        link->arrivals++; /* what is there came behind it */
        *result = sim_fail(err);
        return false;
    }
    if (link->reset) {
        *result = link->reset_reported ? 0 : sim_fail(ECONNRESET);
        link->reset_reported = true;
        return false;
    }
    if (queue_len(&link->in) == 0) {
        *result = link->client_finished ? 0 : sim_fail(EAGAIN);
        return false;
    }
    could = *n < queue_len(&link->in) ? *n : queue_len(&link->in);
    *n = sim_perhaps_fewer(could);
    if (*n < could)
        link->arrivals++; /* the rest came behind it */
    world.now_ns += *n / BYTES_A_NS;
    return true;
}

ssize_t
sys_recv(int fd, void *dst, size_t bytes)
{
    struct sim_link *link = link_get(fd, "recv");
    size_t n = bytes;
    ssize_t result;

    if (bytes == 0)
        sim_die("recv of 0 bytes: its answer cannot be told from the end");
    if (may_receive(link, SIM_RECV, &n, &result))
        result = (ssize_t)queue_take(&link->in, dst, n);
    return (ssize_t)sim_traced(SIM_RECV, fd, (int64_t)bytes, result);
}

static size_t
iov_bytes(const struct iovec *iov, int count)
{
    size_t bytes = 0;

    for (int i = 0; i < count; i++)
        bytes += iov[i].iov_len;
    return bytes;
}

ssize_t
sys_readv(int fd, const struct iovec *iov, int count)
{
    struct sim_link *link = link_get(fd, "readv");
    size_t bytes = iov_bytes(iov, count), n = bytes;
    ssize_t result;

    if (bytes == 0 || count <= 0 || count > 1024)
        sim_die("readv of %zu bytes in %d pieces", bytes, count);
    if (may_receive(link, SIM_READV, &n, &result)) {
        result = (ssize_t)n;
        for (int i = 0; i < count && n > 0; i++)
            n -=
                queue_take(&link->in, iov[i].iov_base, n < iov[i].iov_len ? n : iov[i].iov_len);
    }
    return (ssize_t)sim_traced(SIM_READV, fd, (int64_t)bytes, result);
}

/* What a sending call may do: *N bytes at most, or its result. */
static bool
may_send(struct sim_link *link, enum sim_call call, size_t *n, ssize_t *result)
{
    int err = sim_io_refusal(call);

    if (err != 0) {
        if (is_fatal(err))
            link_break(link);
        *result = sim_fail(err);
        return false;
    }
    if (link->server_finished) {
        *result = sim_fail(EPIPE);
        return false;
    }
    if (link->reset) {
        *result = sim_fail(link->reset_reported ? EPIPE : ECONNRESET);
        link->reset_reported = true;
        return false;
    }
    if (link_out_room(link) == 0) {
        *result = sim_fail(EAGAIN);
        return false;
    }
    *n = sim_perhaps_fewer(*n < link_out_room(link) ? *n : link_out_room(link));
    return true;
}

static ssize_t
send_pieces(struct sim_link *link, const struct iovec *iov, int count, size_t n)
{
    size_t left = n;

    for (int i = 0; i < count && left > 0; i++) {
        size_t piece = left < iov[i].iov_len ? left : iov[i].iov_len;

        queue_put(&link->out, iov[i].iov_base, piece);
        left -= piece;
    }
    link->sent_bytes += n;
    world.now_ns += n / BYTES_A_NS;
    return (ssize_t)n;
}

ssize_t
sys_send(int fd, const void *src, size_t bytes)
{
    struct sim_link *link = link_get(fd, "send");
    struct iovec iov = iov_of(slice_make(src, bytes));
    size_t n = bytes;
    ssize_t result;

    if (bytes == 0)
        sim_die("send of 0 bytes");
    if (may_send(link, SIM_SEND, &n, &result))
        result = send_pieces(link, &iov, 1, n);
    return (ssize_t)sim_traced(SIM_SEND, fd, (int64_t)bytes, result);
}

ssize_t
sys_sendmsg(int fd, const struct iovec *iov, int count)
{
    struct sim_link *link = link_get(fd, "sendmsg");
    size_t bytes = iov_bytes(iov, count), n = bytes;
    ssize_t result;

    if (bytes == 0 || count <= 0 || count > 1024)
        sim_die("sendmsg of %zu bytes in %d pieces", bytes, count);
    if (may_send(link, SIM_SENDMSG, &n, &result))
        result = send_pieces(link, iov, count, n);
    return (ssize_t)sim_traced(SIM_SENDMSG, fd, (int64_t)bytes, result);
}

/* The next in the queue, or NULL; clients that gave up before being accepted are skipped. */
static struct sim_link *
next_in_backlog(struct sim_fd *listener)
{
    struct list_node *node = list_pop_front(&listener->backlog);

    return node == NULL ? NULL : CONTAINER_OF(node, struct sim_link, node);
}

int
sys_accept(int listen_fd)
{
    struct sim_fd *listener = fd_get(listen_fd, "accept");
    struct sim_link *link;
    int err = sim_refusal(SIM_ACCEPT), fd = -1;

    if (listener->kind != FD_LISTENER)
        sim_die("accept of descriptor %d, which does not listen", listen_fd);
    if (err == 0 && sim_one_in(world.faults.interrupt))
        err = EINTR;
    if (err == ECONNABORTED || err == EPERM) {
        link = next_in_backlog(listener);
        if (link != NULL)
            link->reset = true;
    }
    if (err == 0) {
        link = next_in_backlog(listener);
        if (link == NULL) {
            err = EAGAIN;
        } else {
            fd_open(FD_LINK, &fd)->link = link;
            link->fds = 1;
            link->accepted = true;
        }
    }
    if (err != 0)
        fd = (int)sim_fail(err);
    return (int)sim_traced(SIM_ACCEPT, listen_fd, 0, fd);
}

int
sys_set_option(int fd, int level, int name, int value)
{
    int err = sim_refusal(SIM_SET_OPTION);

    (void)fd_get(fd, "setsockopt");
    (void)level;
    (void)value;
    return (int)sim_traced(SIM_SET_OPTION, fd, name, err != 0 ? sim_fail(err) : 0);
}

int
sys_shutdown_write(int fd)
{
    struct sim_link *link = link_get(fd, "shutdown");
    int err = sim_refusal(SIM_SHUTDOWN);

    if (err == 0)
        link->server_finished = true;
    return (int)sim_traced(SIM_SHUTDOWN, fd, 0, err != 0 ? sim_fail(err) : 0);
}

ssize_t
sys_read(int fd, void *dst, size_t bytes)
{
    (void)dst;
    (void)bytes;
    (void)fd_get(fd, "read");
    return sim_fail(EAGAIN);
}

int
sys_shutdown(int fd)
{
    link_get(fd, "shutdown")->server_finished = true;
    sim_trace("shutdown both", fd, 0, 0, 0);
    return 0;
}

/* What was left of LINK, or by EPFD, is reported no more. */
static void
free_left(const struct sim_link *link, int epfd)
{
    for (int fd = FIRST_FD; fd < world.fd_end; fd++) {
        struct sim_fd *f = &world.fds[fd];

        if (f->kind != FD_LEFT || (f->link != link && f->epfd != epfd))
            continue;
        f->kind = FD_FREE;
        f->watched = false;
        world.left--;
        if (fd < world.fd_low)
            world.fd_low = fd;
    }
}

static void
close_link(struct sim_link *link)
{
    if (--link->fds > 0)
        return;
    if (world.left > 0)
        free_left(link, -1);
    link->server_closed = true;
    link->server_finished = true;
    /* As in TCP: to close with input unread is to reset. */
    if (queue_len(&link->in) > 0)
        link_reset(link);
    if (link->client_gone)
        link_free_now(link);
}

static void
close_listener(struct sim_fd *listener)
{
    struct sim_link *link;

    if (listener->passed_to != NULL) {
        list_append_all(&listener->passed_to->backlog, &listener->backlog);
        return;
    }
    while ((link = next_in_backlog(listener)) != NULL)
        link->reset = true;
}

int
sys_close(int fd)
{
    struct sim_fd *f = fd_get(fd, "close");

    world.calls[SIM_CLOSE]++;
    sim_trace("close", fd, 0, 0, 0);
    if (f->kind == FD_LINK && f->watched && f->link->fds > 1) {
        f->kind = FD_LEFT;
        f->link->fds--;
        world.left++;
        return 0;
    }
    switch (f->kind) {
    case FD_LINK: close_link(f->link); break;
    case FD_LISTENER: close_listener(f); break;
    case FD_EPOLL:
        if (world.left > 0)
            free_left(NULL, fd);
        break;
    case FD_LEFT:
    case FD_FREE: break;
    }
    f->kind = FD_FREE;
    f->watched = false;
    if (fd < world.fd_low)
        world.fd_low = fd;
    return 0;
}

void
sys_own_name(int fd, char *dst, size_t bytes)
{
    (void)snprintf(dst, bytes, "tcp:192.0.2.2:%d", fd);
}

void
sys_peer_name(int fd, char *dst, size_t bytes)
{
    bool local = link_get(fd, "getpeername")->local;

    (void)snprintf(dst, bytes, "tcp:%s:%d", local ? "127.0.0.1" : "192.0.2.1", fd);
}
