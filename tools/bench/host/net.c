/* Resolves addresses, listens, and tells where a peer is. */
#include "host/net.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "lombard/base/num.h"
#include "lombard/base/sys.h"

static const char default_port[] = "11211";

static bool
resolve_unix(const char *path, struct net_addr *out, const char **why)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(un.sun_path)) {
        *why = "the path of the unix socket is too long";
        return false;
    }
    memcpy(un.sun_path, path, strlen(path));
    memcpy(&out->addr, &un, sizeof(un));
    out->len = sizeof(un);
    return true;
}

/* Cut TEXT into host and port, in place. */
static bool
split_port(char *text, const char **host, const char **port)
{
    char *colon = strrchr(text, ':');

    *host = text;
    *port = default_port;
    if (text[0] == '[') {
        char *close = strchr(text, ']');

        if (close == NULL || (close[1] != ':' && close[1] != '\0'))
            return false;
        *host = text + 1;
        *close = '\0';
        colon = close[1] == ':' ? close + 1 : NULL;
    } else if (colon != NULL && strchr(text, ':') != colon) {
        colon = NULL; /* a bare IPv6 address */
    }
    if (colon != NULL) {
        *colon = '\0';
        *port = colon + 1;
    }
    if (**host == '\0')
        *host = "127.0.0.1";
    return **port != '\0';
}

/* getaddrinfo() takes greater ones modulo 65536. */
static bool
is_port(const char *text)
{
    uint32_t port;

    return num_parse_u32(slice_make(text, strlen(text)), &port) && port > 0 &&
           port <= UINT16_MAX;
}

bool
net_resolve(const char *text, struct net_addr *out, const char **why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found;
    const char *host;
    const char *port;
    char copy[sizeof(out->text)];
    int rc;

    memset(out, 0, sizeof(*out));
    if (strlen(text) >= sizeof(out->text)) {
        *why = "the address is too long";
        return false;
    }
    memcpy(out->text, text, strlen(text));
    memcpy(copy, out->text, sizeof(copy));
    if (text[0] == '/' || strncmp(text, "unix:", 5) == 0)
        return resolve_unix(text[0] == '/' ? text : text + 5, out, why);
    if (!split_port(copy, &host, &port)) {
        *why = "not of the form host:port";
        return false;
    }
    if (!is_port(port)) {
        *why = "a port is a number from 1 to 65535";
        return false;
    }
    rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0) {
        *why = gai_strerror(rc);
        return false;
    }
    memcpy(&out->addr, found->ai_addr, found->ai_addrlen);
    out->len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

/* The address without its port. */
static size_t
host_part(const struct sockaddr_storage *addr, const void **part)
{
    if (addr->ss_family == AF_INET) {
        *part = &((const struct sockaddr_in *)addr)->sin_addr;
        return sizeof(struct in_addr);
    }
    if (addr->ss_family == AF_INET6) {
        *part = &((const struct sockaddr_in6 *)addr)->sin6_addr;
        return sizeof(struct in6_addr);
    }
    return 0;
}

static bool
is_loopback(const struct sockaddr_storage *addr)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)addr;

    return addr->ss_family == AF_INET && ntohl(in4->sin_addr.s_addr) >> 24 == 127;
}

bool
net_is_local(int fd)
{
    struct sockaddr_storage here = {0};
    struct sockaddr_storage there = {0};
    socklen_t here_len = sizeof(here);
    socklen_t there_len = sizeof(there);
    const void *a;
    const void *b;
    size_t bytes;

    if (getsockname(fd, (struct sockaddr *)&here, &here_len) != 0 ||
        getpeername(fd, (struct sockaddr *)&there, &there_len) != 0)
        return false;
    if (there.ss_family == AF_UNIX || is_loopback(&there))
        return true;
    bytes = host_part(&here, &a);
    return bytes > 0 && bytes == host_part(&there, &b) && memcmp(a, b, bytes) == 0;
}

bool
net_leads_home(const struct net_addr *addr)
{
    int family = addr->addr.ss_family;
    /* Connecting a socket of datagrams chooses the address that a connection would come from. */
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool home = family == AF_UNIX;

    if (fd < 0)
        return home;
    if (!home && connect(fd, (const struct sockaddr *)&addr->addr, addr->len) == 0)
        home = net_is_local(fd);
    (void)close(fd);
    return home;
}

int
net_listen(struct net_addr *out)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in4);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4); /* inherited: never paced */
    if (bind(fd, (const struct sockaddr *)&in4, len) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&in4, &len) != 0) {
        (void)close(fd);
        return -1;
    }
    memset(out, 0, sizeof(*out));
    memcpy(&out->addr, &in4, sizeof(in4));
    out->len = len;
    (void)snprintf(out->text, sizeof(out->text), "127.0.0.1:%u", ntohs(in4.sin_port));
    return fd;
}

bool
net_send_all(int fd, const unsigned char *p, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = sys_send(fd, p, bytes);

        if (n < 0)
            return false;
        p += n;
        bytes -= (size_t)n;
    }
    return true;
}

void
net_keep_only(int fd, int other)
{
    unsigned low = (unsigned)(other < 0 || fd < other ? fd : other);
    unsigned high = (unsigned)(fd > other ? fd : other);

    if (low > 3)
        (void)close_range(3, low - 1, 0);
    if (high > low + 1)
        (void)close_range(low + 1, high - 1, 0);
    (void)close_range(high + 1, ~0U, 0);
}

uint64_t
net_raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        rlim_t before = limit.rlim_cur;

        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            return before;
    }
    return limit.rlim_cur;
}
