/* Connects to servers by name, address or path, without waiting for them. */
#include "dial.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lombard/base/num.h"

static int
begin_connect(int family, const struct sockaddr *address, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (connect(fd, address, len) == 0 || errno == EINPROGRESS)
        return fd;
    (void)close(fd);
    return -1;
}

static int
connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    return begin_connect(AF_UNIX, (const struct sockaddr *)&address, sizeof(address));
}

/* "[v6]:port", "host:port", ":port" and "host"; a bare v6 address has two colons or more. */
static void
split(const char *text, char host[DIAL_HOST_BYTES], char port[16])
{
    const char *colon = strrchr(text, ':');
    size_t len = strlen(text);

    (void)snprintf(port, 16, "11211");
    if (colon != NULL && (strchr(text, ':') == colon || (text[0] == '[' && colon[-1] == ']'))) {
        (void)snprintf(port, 16, "%.15s", colon + 1);
        len = (size_t)(colon - text);
    }
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    (void)snprintf(host, DIAL_HOST_BYTES, "%.*s", (int)len, len == 0 ? "127.0.0.1" : text);
    if (len == 0)
        (void)snprintf(host, DIAL_HOST_BYTES, "127.0.0.1");
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
dial_is_address(const char *address)
{
    char host[DIAL_HOST_BYTES], port[16];

    if (strchr(address, '/') != NULL)
        return true;
    split(address, host, port);
    return is_port(port);
}

int
dial(const char *address, const char **why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char host[DIAL_HOST_BYTES], port[16];
    struct addrinfo *found;
    int fd = -1;
    int error;

    if (strchr(address, '/') != NULL) {
        fd = connect_unix(address);
        *why = strerror(errno);
        return fd;
    }
    split(address, host, port);
    if (!is_port(port)) {
        *why = "a port is a number from 1 to 65535";
        return -1;
    }
    error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        *why = gai_strerror(error);
        return -1;
    }
    for (const struct addrinfo *one = found; one != NULL && fd < 0; one = one->ai_next)
        fd = begin_connect(one->ai_family, one->ai_addr, one->ai_addrlen);
    *why = strerror(errno);
    freeaddrinfo(found);
    return fd;
}
