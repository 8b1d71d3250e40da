/* Opens sockets that listen, or takes over what another process has opened. */
#include "lombard/event/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lombard/base/sys.h"

static bool
set_flag(int fd, int level, int name)
{
    return sys_set_option(fd, level, name, 1) == 0;
}

/*
 * The kernel would take megabytes for a peer that does not read, and when all sockets
 * together hold what it allows, all connections suffer. What is under way to a peer that reads
 * is not limited by this.
 */
static bool
limit_unsent(int fd)
{
    return sys_set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, LISTEN_UNSENT_BYTES_MAX) == 0;
}

static bool
is_loopback(const struct sockaddr *address)
{
    const struct sockaddr_in *in4 = (const void *)address;
    const struct sockaddr_in6 *in6 = (const void *)address;

    if (address->sa_family == AF_INET)
        return ntohl(in4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/*
 * Within one machine nothing is congested; but some algorithms (BBR) pace what they send
 * all the same, which costs timers and waiting. Reno is always there and does not.
 */
static void
do_not_pace(int fd, const struct sockaddr *address)
{
    static const char algorithm[] = "reno";

    if (is_loopback(address))
        (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, algorithm, sizeof(algorithm) - 1);
}

/* What is accepted inherits these, so that no call is spent on it then. */
static bool
set_inherited(int fd)
{
    return set_flag(fd, SOL_SOCKET, SO_KEEPALIVE) && set_flag(fd, IPPROTO_TCP, TCP_NODELAY) &&
           limit_unsent(fd);
}

static int
open_address(const struct addrinfo *address, int backlog)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int err;

    if (fd < 0)
        return -1;
    do_not_pace(fd, address->ai_addr);
    if (set_flag(fd, SOL_SOCKET, SO_REUSEADDR) && set_inherited(fd) &&
        (address->ai_family != AF_INET6 || set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, backlog) == 0)
        return fd;
    err = errno;
    (void)close(fd);
    errno = err;
    return -1;
}

static void
set_port(struct sockaddr *address, uint16_t port)
{
    _Static_assert(offsetof(struct sockaddr_in, sin_port) ==
                       offsetof(struct sockaddr_in6, sin6_port),
                   "one assignment sets either");

    ((struct sockaddr_in *)(void *)address)->sin_port = htons(port);
}

static void
close_from(struct listen_sockets *sockets, int first)
{
    int err = errno;

    while (sockets->count > first)
        (void)close(sockets->fd[--sockets->count]);
    errno = err;
}

/* A host without IPv6 still has a wildcard address for it: that one may fail. */
static bool
may_be_missing(const struct addrinfo *address)
{
    return address->ai_family == AF_INET6 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
}

enum listen_result
listen_open_tcp(const char *host, uint16_t port, int backlog, struct listen_sockets *sockets)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *all;
    char service[8];
    int first = sockets->count;

    (void)snprintf(service, sizeof(service), "%u", port);
    if (getaddrinfo(host, service, &hints, &all) != 0)
        return LISTEN_BAD_ADDRESS;
    for (struct addrinfo *address = all; address != NULL; address = address->ai_next) {
        int fd;

        if (sockets->count == LISTEN_SOCKETS_MAX)
            break;
        if (sockets->count > first)
            set_port(address->ai_addr, listen_port(sockets->fd[first]));
        fd = open_address(address, backlog);
        if (fd >= 0)
            sockets->fd[sockets->count++] = fd;
        else if (!may_be_missing(address)) {
            close_from(sockets, first);
            break;
        }
    }
    freeaddrinfo(all);
    return sockets->count > first ? LISTEN_OK : LISTEN_FAILED;
}

void
listen_remove_dead(const struct sockaddr_un *address, int type)
{
    struct stat st;
    int probe;

    if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    /* A queue that is full belongs to a server that lives: this does not wait for it. */
    probe = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return;
    if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
        errno == ECONNREFUSED)
        (void)unlink(address->sun_path);
    (void)close(probe);
}

enum listen_result
listen_open_unix(const char *path, unsigned mode, int backlog, struct listen_sockets *sockets)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t before;
    int fd, err;
    bool bound;

    if (strlen(path) >= sizeof(address.sun_path) || sockets->count == LISTEN_SOCKETS_MAX) {
        errno = ENAMETOOLONG;
        return LISTEN_FAILED;
    }
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    listen_remove_dead(&address, SOCK_STREAM);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return LISTEN_FAILED;
    before = umask((mode_t)(~mode & 0777));
    bound = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    (void)umask(before);
    if (bound && listen(fd, backlog) == 0) {
        sockets->fd[sockets->count++] = fd;
        return LISTEN_OK;
    }
    err = errno;
    (void)close(fd);
    errno = err;
    return LISTEN_FAILED;
}

/* A number that the kernel knows of the socket; -1 where it knows none. */
static int
get_option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

static void
do_not_pace_adopted(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    memset(&address, 0, sizeof(address));
    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        do_not_pace(fd, (const struct sockaddr *)&address);
}

enum listen_result
listen_adopt(int fd, struct listen_sockets *sockets)
{
    int domain = get_option(fd, SO_DOMAIN);
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return LISTEN_FAILED;
    errno = EINVAL;
    if (sockets->count == LISTEN_SOCKETS_MAX || get_option(fd, SO_TYPE) != SOCK_STREAM ||
        get_option(fd, SO_ACCEPTCONN) != 1 ||
        (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX))
        return LISTEN_BAD_ADDRESS;
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        (domain != AF_UNIX && !set_inherited(fd)))
        return LISTEN_FAILED;
    do_not_pace_adopted(fd);
    sockets->fd[sockets->count++] = fd;
    return LISTEN_OK;
}

/*
 * Inherited by what is accepted. A unix socket refuses: its peers cannot vanish. TCP_USER_TIMEOUT is no
 * help with what was sent: it also ends a peer that answers, but whose window stays closed.
 */
static void
set_probes(int fd, int idle_s, int interval_s, int probes)
{
    if (sys_set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s) == 0 &&
        sys_set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s) == 0)
        (void)!sys_set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, probes);
}

void
listen_change_peer_timeout(int fd, uint32_t seconds)
{
    enum { PROBES = 4, LINUX_IDLE_S = 7200, LINUX_INTERVAL_S = 75, LINUX_PROBES = 9 };
    enum { IDLE_MAX_S = 32767 }; /* the kernel refuses more */
    uint32_t half_s = seconds / 2 + 1;

    if (seconds == 0)
        set_probes(fd, LINUX_IDLE_S, LINUX_INTERVAL_S, LINUX_PROBES);
    else
        set_probes(fd, half_s < IDLE_MAX_S ? (int)half_s : IDLE_MAX_S,
                   (int)(seconds / (2 * PROBES) + 1), PROBES);
}

void
listen_set_peer_timeout(const struct listen_sockets *sockets, uint32_t seconds)
{
    for (int i = 0; seconds > 0 && i < sockets->count; i++)
        listen_change_peer_timeout(sockets->fd[i], seconds);
}

void
listen_limit_unread(const struct listen_sockets *sockets)
{
    /* The kernel doubles the value, for its own records of the bytes. */
    for (int i = 0; i < sockets->count; i++)
        (void)!sys_set_option(sockets->fd[i], SOL_SOCKET, SO_RCVBUF, LISTEN_UNREAD_BYTES_MAX);
}

uint16_t
listen_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    memset(&address, 0, sizeof(address));
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    if (address.ss_family != AF_INET && address.ss_family != AF_INET6)
        return 0;
    return ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
}

bool
listen_is_unix(int fd)
{
    return get_option(fd, SO_DOMAIN) == AF_UNIX;
}
