#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lombard/base/log.h"
#include "lombard/base/num.h"

enum { SPARE_DESCRIPTORS = 64 }; /* for everything that is no client */

void
daemon_raise_limits(struct config *config)
{
    rlim_t wanted = (rlim_t)config->max_conns + SPARE_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    if (limit.rlim_max < wanted) {
        struct rlimit raised = {wanted, wanted};

        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            return; /* we may: root */
        wanted = limit.rlim_max;
    }
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        wanted >= (rlim_t)config->max_conns + SPARE_DESCRIPTORS)
        return;
    config->max_conns = wanted > (rlim_t)2 * SPARE_DESCRIPTORS
                            ? (uint32_t)(wanted - SPARE_DESCRIPTORS)
                            : (uint32_t)SPARE_DESCRIPTORS;
    log_line(LOG_WARN,
             "this process may open only %lu descriptors: -c is lowered to %u. Raise the "
             "limit (ulimit -n, LimitNOFILE=) to have more",
             (unsigned long)wanted, config->max_conns);
}

/* --- Listening --- */

/* Where one -l says to listen. */
struct place {
    char host[256];
    uint16_t port;
};

/* "host", "host:port", "[v6]", "[v6]:port"; a bare v6 address has two colons or more. */
static bool
parse_place(const char *text, int default_port, struct place *place)
{
    const char *end = text + strlen(text);
    const char *colon = strrchr(text, ':');
    const char *port = NULL;
    uint32_t number = (uint32_t)default_port;

    if (*text == '[') {
        text++;
        end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        port = end[1] == ':' ? end + 2 : NULL;
    } else if (colon != NULL && strchr(text, ':') == colon) {
        end = colon;
        port = colon + 1;
    }
    if (port != NULL &&
        (!num_parse_u32(slice_make(port, strlen(port)), &number) || number > 65535))
        return false;
    if (end == text || (size_t)(end - text) >= sizeof(place->host))
        return false;
    (void)snprintf(place->host, sizeof(place->host), "%.*s", (int)(end - text), text);
    place->port = (uint16_t)number;
    return true;
}

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
        return listen_at(NULL, (uint16_t)config->port, config, sockets);
    for (int i = 0; i < config->host_count; i++) {
        struct place place;

        if (!parse_place(config->hosts[i], config->port, &place)) {
            log_line(LOG_ERROR, "-l: malformed address '%s'", config->hosts[i]);
            return false;
        }
        if (!listen_at(place.host, place.port, config, sockets))
            return false;
    }
    return true;
}

static bool
listen_unix(const struct config *config, struct listen_sockets *sockets)
{
    switch (
        listen_open_unix(config->unix_path, config->unix_mode, (int)config->backlog, sockets)) {
    case LISTEN_OK: return true;
    case LISTEN_BAD_ADDRESS:
    case LISTEN_FAILED: break;
    }
    log_line(LOG_ERROR, "failed to listen on UNIX socket %s: %s", config->unix_path,
             strerror(errno));
    return false;
}

bool
daemon_listen(const struct config *config, struct listen_sockets *sockets)
{
    if (config->unix_path != NULL && !listen_unix(config, sockets))
        return false;
    if (config->tcp && !listen_tcp(config, sockets))
        return false;
    listen_set_peer_timeout(sockets, config->peer_timeout_s);
    return true;
}

/* --- The process --- */

static bool
is_root(void)
{
    return getuid() == 0 || geteuid() == 0;
}

bool
daemon_check_user(const struct config *config)
{
    if (!is_root())
        return true;
    if (config->user == NULL) {
        log_line(LOG_ERROR, "can't run as root without the -u switch");
        return false;
    }
    if (getpwnam(config->user) == NULL) {
        log_line(LOG_ERROR, "can't find the user %s to switch to", config->user);
        return false;
    }
    return true;
}

bool
daemon_drop_privileges(const struct config *config)
{
    const struct passwd *user = is_root() ? getpwnam(config->user) : NULL;

    if (user == NULL || user->pw_uid == 0)
        return true; /* nothing to drop, or root on purpose */
    if (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) {
        log_line(LOG_ERROR, "failed to assume identity of user %s: %s", config->user,
                 strerror(errno));
        return false;
    }
    return true;
}

bool
daemon_detach(void)
{
    int null_fd;

    switch (fork()) {
    case -1: log_line(LOG_ERROR, "failed to fork: %s", strerror(errno)); return false;
    case 0: break;
    default: _exit(0);
    }
    if (setsid() < 0 || chdir("/") != 0) {
        log_line(LOG_ERROR, "failed to detach: %s", strerror(errno));
        return false;
    }
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0) {
        log_line(LOG_ERROR, "failed to open /dev/null: %s", strerror(errno));
        return false;
    }
    /* With -v somebody wants to see the log; else it has nowhere to go. */
    if (log_get_level() <= LOG_INFO && dup2(null_fd, STDERR_FILENO) < 0)
        return false;
    (void)close(null_fd);
    log_open();
    return true;
}

/* Write to PATH under a temporary name first: whoever waits for the file reads it whole. */
static bool
write_file(const char *path, const char *text)
{
    char temporary[4096];
    FILE *file;
    bool ok;

    if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int)sizeof(temporary)) {
        errno = ENAMETOOLONG;
        return false;
    }
    file = fopen(temporary, "we");
    if (file == NULL)
        return false;
    ok = fputs(text, file) >= 0;
    ok = fclose(file) == 0 && ok;
    return ok && rename(temporary, path) == 0;
}

bool
daemon_write_pid(const char *path)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (write_file(path, text))
        return true;
    log_line(LOG_ERROR, "-P: could not write %s: %s", path, strerror(errno));
    return false;
}

static bool
is_ipv6(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    memset(&address, 0, sizeof(address));
    return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
           address.ss_family == AF_INET6;
}

bool
daemon_write_ports(const struct listen_sockets *sockets)
{
    const char *path = getenv("MEMCACHED_PORT_FILENAME");
    char text[LISTEN_SOCKETS_MAX * 24];
    size_t used = 0;

    if (path == NULL)
        return true;
    text[0] = '\0';
    for (int i = 0; i < sockets->count; i++) {
        uint16_t port = listen_port(sockets->fd[i]);

        if (port != 0)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "TCP %s: %u\n",
                                     is_ipv6(sockets->fd[i]) ? "INET6" : "INET", port);
    }
    if (write_file(path, text))
        return true;
    log_line(LOG_ERROR, "MEMCACHED_PORT_FILENAME: could not write %s: %s", path,
             strerror(errno));
    return false;
}
