/* Connects to servers, waiting for it or not, and sets the options of sockets. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>
#include <unistd.h>

#include "host/net.h"

/* Take the address 127.1.x.y, so that every one brings its own range of ports. */
static int
bind_source(int fd, uint32_t source)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    int on = 1;

    in4.sin_addr.s_addr = htonl(0x7f010000U + source);
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    return bind(fd, (const struct sockaddr *)&in4, sizeof(in4));
}

/*
 * Within one machine nothing is congested. Some algorithms (BBR) pace what is
 * sent all the same: a store of 1 MB then waits for the pacing, not for the
 * server, and each wait is a timer (half of the client's CPU for it). A socket
 * that was connected with such an algorithm goes on pacing with any other, so
 * it is chosen before.
 */
static void
avoid_pacing(int fd, const struct net_addr *addr)
{
    if (net_leads_home(addr))
        (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4); /* always built in */
}

/* Close FD, for a reason that is in errno. */
static int
fail(int fd)
{
    int error = errno;

    if (fd >= 0)
        (void)close(fd);
    errno = error;
    return -1;
}

/* Before it is connected. */
static void
set_tcp_options(int fd, const struct net_addr *addr)
{
    int on = 1;

    if (addr->addr.ss_family == AF_UNIX)
        return;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    avoid_pacing(fd, addr);
}

int
net_connect(const struct net_addr *addr, uint32_t source)
{
    struct timeval limit = {.tv_sec = 5};
    int family = addr->addr.ss_family;
    int flags;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    /* Connecting blocks, but not for ever. */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    set_tcp_options(fd, addr);
    if ((source != 0 && family == AF_INET && bind_source(fd, source) != 0) ||
        connect(fd, (const struct sockaddr *)&addr->addr, addr->len) != 0)
        return fail(fd);
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return fail(fd);
    return fd;
}

int
net_connect_begin(const struct net_addr *addr, uint32_t source)
{
    int family = addr->addr.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    set_tcp_options(fd, addr);
    if (source != 0 && family == AF_INET && bind_source(fd, source) != 0)
        return fail(fd);
    if (connect(fd, (const struct sockaddr *)&addr->addr, addr->len) != 0 &&
        errno != EINPROGRESS)
        return fail(fd);
    return fd;
}

bool
net_connect_end(int fd)
{
    struct sockaddr_storage peer;
    socklen_t peer_len = sizeof(peer);
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return false;
    errno = error;
    if (error != 0)
        return false;
    if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) != 0) {
        errno = errno == ENOTCONN ? EINPROGRESS : errno;
        return false;
    }
    return true;
}
