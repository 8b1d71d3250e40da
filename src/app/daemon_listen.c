/* Opens the sockets that the options ask for, and says what is in the way. */
#include "daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lombard/base/log.h"
#include "lombard/event/signal.h"
#include "tcp_address.h"

static bool
listen_at(const char *host, uint16_t port, const struct config *config,
          struct listen_sockets *sockets)
{
    const char *shown = host == NULL ? "*" : host;

    switch (listen_open_tcp(host, port, (int)config->backlog, sockets)) {
    case LISTEN_OK: return true;
    case LISTEN_BAD_ADDRESS:
        log_line(LOG_ERROR, "-l: '%s' is no address of this host", shown);
        return false;
    case LISTEN_FAILED:
        log_line(LOG_ERROR, "failed to listen on TCP port %u (address %s): %s%s", port, shown,
                 strerror(errno),
                 errno == EADDRINUSE ? ". Is another server running? Choose a port with -p"
                                     : "");
        return false;
    }
    return false;
}

static bool
listen_tcp(const struct config *config, struct listen_sockets *sockets)
{
    if (config->host_count == 0)
        return listen_at(NULL, config->port > 0 ? (uint16_t)config->port : 0, config, sockets);
    for (int i = 0; i < config->host_count; i++) {
        struct tcp_address address;

        if (!tcp_address_parse(config->hosts[i], config->port, &address)) {
            log_line(LOG_ERROR, "-l: malformed address '%s'", config->hosts[i]);
            return false;
        }
        if (!listen_at(address.host, address.port, config, sockets))
            return false;
    }
    return true;
}

/* What a socket is made of, for user_make(). */
struct unix_socket {
    const struct config *config;
    struct listen_sockets *sockets;
};

static bool
open_unix(void *ctx)
{
    const struct unix_socket *u = ctx;

    switch (listen_open_unix(u->config->unix_path, u->config->unix_mode,
                             (int)u->config->backlog, u->sockets)) {
    case LISTEN_OK: return true;
    case LISTEN_BAD_ADDRESS:
    case LISTEN_FAILED: break;
    }
    return false;
}

/* The user of -u could not make it there, so root did: it is to be the user's all the same. */
static void
give_to(const struct user *user, const struct own_file *file)
{
    struct stat st;

    if (!user->other || fstat(file->fd, &st) != 0 || st.st_uid == user->uid)
        return;
    /* Only what we have just made is given away, whatever the name means by now. */
    if (st.st_uid == geteuid() && st.st_nlink == 1 &&
        fchownat(file->fd, "", user->uid, user->gid, AT_EMPTY_PATH) == 0)
        return;
    log_line(LOG_WARN, "-s: %s stays root's, which user %s may not be able to use: %s",
             file->path, user->name, strerror(errno));
}

/* Why a socket could not be made at PATH, and what to do. */
static void
log_unix_failure(const char *path, int err)
{
    const char *why = strerror(err);
    struct stat st;

    if (err == EADDRINUSE && lstat(path, &st) == 0) {
        if (S_ISSOCK(st.st_mode))
            why = "another server is listening there. Name another path with -s";
        else if (S_ISDIR(st.st_mode))
            why = "that is a directory. Name a path in it with -s";
        else
            why = "there is a file which is no socket. Remove it, or name another path with -s";
    }
    log_line(LOG_ERROR, "failed to listen on UNIX socket %s: %s", path, why);
}

static bool
listen_unix(const struct config *config, const struct user *user,
            struct listen_sockets *sockets, struct own_file *file)
{
    struct unix_socket made = {config, sockets};
    int lock = own_file_lock(config->unix_path);
    bool ok = user_make(user, open_unix, &made);
    int err = errno;

    if (ok && !own_file_hold(file, config->unix_path))
        log_line(LOG_WARN, "-s: %s will stay behind: %s", config->unix_path, strerror(errno));
    own_file_unlock(lock);
    if (ok && file->fd >= 0)
        give_to(user, file);
    if (!ok)
        log_unix_failure(config->unix_path, err);
    return ok;
}

bool
daemon_listen(const struct config *config, const struct user *user,
              struct listen_sockets *sockets, struct own_file *unix_file)
{
    if (config->tcp && !listen_tcp(config, sockets))
        return false;
    signals_hold(); /* not sooner: a name that does not resolve takes long */
    if (config->unix_path != NULL && !listen_unix(config, user, sockets, unix_file))
        return false;
    listen_set_peer_timeout(sockets, config->server.peer_timeout_s);
    return true;
}

void
daemon_listen_given(const struct config *config, const struct listen_sockets *sockets)
{
    signals_hold();
    listen_set_peer_timeout(sockets, config->server.peer_timeout_s);
}

/* "TCP 0.0.0.0:11211", "TCP [::]:11211", or the path of a unix socket, at DST. */
static void
show_address(int fd, char *dst, size_t bytes)
{
    struct sockaddr_storage address;
    const struct sockaddr_in *in4 = (const void *)&address;
    const struct sockaddr_in6 *in6 = (const void *)&address;
    const struct sockaddr_un *un = (const void *)&address;
    socklen_t len = sizeof(address);
    char host[INET6_ADDRSTRLEN];

    memset(&address, 0, sizeof(address));
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        (void)snprintf(dst, bytes, "descriptor %d", fd);
    } else if (address.ss_family == AF_INET) {
        (void)inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
        (void)snprintf(dst, bytes, "TCP %s:%u", host, ntohs(in4->sin_port));
    } else if (address.ss_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        (void)snprintf(dst, bytes, "TCP [%s]:%u", host, ntohs(in6->sin6_port));
    } else if (un->sun_path[0] == '\0') {
        (void)snprintf(dst, bytes, "@%s", un->sun_path + 1);
    } else {
        (void)snprintf(dst, bytes, "%s", un->sun_path);
    }
}

void
daemon_log_listening(const struct listen_sockets *sockets)
{
    char address[sizeof(struct sockaddr_storage)];

    for (int i = 0; i < sockets->count; i++) {
        show_address(sockets->fd[i], address, sizeof(address));
        log_line(LOG_INFO, "listening on %s", address);
    }
}
