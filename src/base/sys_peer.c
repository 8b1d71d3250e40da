/* Who is at the other end of a socket, and how it is. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lombard/base/attr.h"
#include "lombard/base/sys.h"

union address {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

static void
show_address(const union address *addr, char *dst, size_t bytes)
{
    char host[INET6_ADDRSTRLEN];

    switch (addr->any.sa_family) {
    case AF_INET:
        (void)inet_ntop(AF_INET, &addr->in4.sin_addr, host, sizeof(host));
        (void)snprintf(dst, bytes, "tcp:%s:%u", host, ntohs(addr->in4.sin_port));
        return;
    case AF_INET6:
        (void)inet_ntop(AF_INET6, &addr->in6.sin6_addr, host, sizeof(host));
        (void)snprintf(dst, bytes, "tcp6:[%s]:%u", host, ntohs(addr->in6.sin6_port));
        return;
    default: (void)snprintf(dst, bytes, "unix:%s", addr->un.sun_path); return;
    }
}

void
sys_own_name(int fd, char *dst, size_t bytes)
{
    union address addr;
    socklen_t len = sizeof(addr);

    memset(&addr, 0, sizeof(addr));
    if (getsockname(fd, &addr.any, &len) != 0)
        (void)snprintf(dst, bytes, "gone");
    else
        show_address(&addr, dst, bytes);
}

/*
 * Of a connection that was reset, or whose peer has vanished, getpeername() says nothing any more, and
 * SO_PEERNAME does: to who asks for no more bytes than its address has.
 */
static bool
take_peer_address(int fd, union address *addr)
{
    static const socklen_t lens[] = {sizeof(addr->in6), sizeof(addr->in4)};
    socklen_t len = sizeof(*addr);

    memset(addr, 0, sizeof(*addr));
    if (getpeername(fd, &addr->any, &len) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        len = lens[i];
        if (getsockopt(fd, SOL_SOCKET, SO_PEERNAME, addr, &len) == 0)
            return true;
    }
    return false;
}

void
sys_peer_name(int fd, char *dst, size_t bytes)
{
    union address addr;

    if (!take_peer_address(fd, &addr))
        (void)snprintf(dst, bytes, "gone");
    else if (addr.any.sa_family == AF_UNIX)
        sys_own_name(fd, dst,
                     bytes); /* a client's has no name: say whose door it came through */
    else
        show_address(&addr, dst, bytes);
}

bool
sys_peer_user(int fd, struct sys_peer_user *user)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    /* For a TCP socket the kernel answers, too: that it knows none. */
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 || cred.pid == 0)
        return false;
    *user = (struct sys_peer_user){cred.uid, cred.pid};
    return true;
}

bool
sys_peer_state(int fd, struct sys_peer_state *state)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    memset(&info, 0, sizeof(info));
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return false;
    state->silent_ms = info.tcpi_last_ack_recv;
    state->unanswered = (uint32_t)info.tcpi_retransmits + info.tcpi_probes;
    return true;
}
