/* Takes from the host what a daemon needs: descriptors, sockets, files. */
#include "daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lombard/base/log.h"
#include "lombard/base/num.h"
#include "lombard/base/sys.h"
#include "lombard/conn/server.h"
#include "lombard/event/signal.h"

enum {
    OWN_DESCRIPTORS = 16, /* that are opened later: epoll, signals, files, one to accept with */
    CONNS_MIN = 4,        /* fewer are not worth starting for */
};

static uint64_t
count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (dir == NULL)
        return OWN_DESCRIPTORS;
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count - 3; /* ".", ".." and the directory itself */
}

/* Raise the limit on descriptors as far as WANTED, if that may be; what it is then. */
static uint64_t
raise_descriptors(uint64_t wanted)
{
    struct rlimit raised = {wanted, wanted};
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return wanted;
    if (limit.rlim_max < wanted) {
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            return wanted; /* we may: root */
        raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
    } else {
        raised.rlim_max = limit.rlim_max;
    }
    return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

bool
daemon_raise_limits(struct config *config)
{
    uint64_t own = count_descriptors() + OWN_DESCRIPTORS;
    uint64_t limit = raise_descriptors(own + SERVER_LINGERS_MAX + config->max_conns);
    uint64_t left = limit > own ? limit - own : 0;
    uint64_t lingerers = left / 4 < SERVER_LINGERS_MAX ? left / 4 : SERVER_LINGERS_MAX;

    if (left - lingerers >= config->max_conns)
        return true;
    if (left < CONNS_MIN) {
        log_line(LOG_ERROR,
                 "this process may open only %" PRIu64 " descriptors, and needs %" PRIu64
                 " for itself: raise the limit (ulimit -n, LimitNOFILE=)",
                 limit, own);
        return false;
    }
    config->max_conns = (uint32_t)(left - lingerers);
    log_line(LOG_WARN,
             "this process may open only %" PRIu64 " descriptors: -c is lowered to %u. Raise "
             "the limit (ulimit -n, LimitNOFILE=) to have more",
             limit, config->max_conns);
    return true;
}

/* --- Memory --- */

struct store *
daemon_make_store(const struct config *config)
{
    struct store_config store_config = {
        .limit_bytes = config->memory_mb << 20,
        .item_bytes_max = config->item_bytes_max,
        .evict = config->evict,
        .with_cas = config->with_cas,
    };
    struct store *store;

    sys_random(&store_config.hash_key, sizeof(store_config.hash_key));
    store = store_create(&store_config);
    if (store == NULL)
        log_line(LOG_ERROR, "no memory for a cache of %" PRIu64 " MB: lower -m",
                 config->memory_mb);
    return store;
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
    uint32_t number = default_port > 0 ? (uint32_t)default_port : 0; /* any */

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
        return listen_at(NULL, config->port > 0 ? (uint16_t)config->port : 0, config, sockets);
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
        log_line(LOG_ERROR, "failed to listen on UNIX socket %s: %s", config->unix_path,
                 strerror(err));
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
    listen_set_peer_timeout(sockets, config->peer_timeout_s);
    return true;
}

/* --- Files --- */

/* What a file is made of, for user_make(). */
struct text_file {
    struct own_file *file;
    const char *path;
    const char *text;
};

static bool
write_text(void *ctx)
{
    const struct text_file *t = ctx;

    return own_file_write(t->file, t->path, t->text);
}

/* The pid in the regular file PATH, or 0. */
static pid_t
read_pid(const char *path)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[32] = "";
    struct stat st;

    if (fd < 0)
        return 0;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    (void)close(fd);
    return (pid_t)strtol(text, NULL, 10);
}

bool
daemon_write_pid(const char *path, const struct user *user, struct own_file *file)
{
    char text[32];
    struct text_file made = {file, path, text};
    pid_t before = read_pid(path);

    if (before > 0 && before != getpid() && (kill(before, 0) == 0 || errno == EPERM))
        log_line(LOG_WARN, "-P: %s names a process that is running, %ld; it is overwritten",
                 path, (long)before);
    (void)snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (user_make(user, write_text, &made))
        return true;
    log_line(LOG_ERROR, "-P: could not write %s: %s", path, strerror(errno));
    return false;
}

void
daemon_remove(struct own_file *file)
{
    if (own_file_remove(file))
        return;
    log_line(LOG_WARN, "could not remove %s: %s", file->path, strerror(errno));
    own_file_fini(file);
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
daemon_write_ports(const struct listen_sockets *sockets, const struct user *user)
{
    const char *path = getenv("MEMCACHED_PORT_FILENAME");
    char text[LISTEN_SOCKETS_MAX * 24];
    struct own_file file;
    struct text_file made = {&file, path, text};
    size_t used = 0;
    bool ok;

    if (path == NULL)
        return true;
    text[0] = '\0';
    for (int i = 0; i < sockets->count; i++) {
        uint16_t port = listen_port(sockets->fd[i]);

        if (port != 0)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "TCP %s: %u\n",
                                     is_ipv6(sockets->fd[i]) ? "INET6" : "INET", port);
    }
    own_file_init(&file);
    ok = user_make(user, write_text, &made);
    if (!ok)
        log_line(LOG_ERROR, "MEMCACHED_PORT_FILENAME: could not write %s: %s", path,
                 strerror(errno));
    else
        (void)close(file.fd); /* as with memcached, it stays when we go */
    return ok;
}
