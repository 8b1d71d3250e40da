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

/* Sockets to be opened: for what, and as which options say. */
struct opening {
    const struct config *config;
    const struct user *user;
    struct listen_sockets *sockets;
    struct own_file *file;
    const char *option;  /* that names an address or a path, */
    const char *another; /* and what to use when it is taken */
    const char *path;
    unsigned mode;
};

static bool
listen_at(const struct opening *o, const char *host, uint16_t port)
{
    const char *shown = host == NULL ? "*" : host;

    switch (listen_open_tcp(host, port, (int)o->config->backlog, o->sockets)) {
    case LISTEN_OK: return true;
    case LISTEN_BAD_ADDRESS:
        log_line(LOG_ERROR, "%s: '%s' is no address of this host", o->option, shown);
        return false;
    case LISTEN_FAILED:
        log_line(LOG_ERROR, "failed to listen on TCP port %u (address %s): %s%s%s", port, shown,
                 strerror(errno),
                 errno == EADDRINUSE ? ". Is another server running? Choose a port with " : "",
                 errno == EADDRINUSE ? o->another : "");
        return false;
    }
    return false;
}

static bool
listen_at_text(const struct opening *o, const char *text, int default_port)
{
    struct tcp_address address;

    if (tcp_address_parse(text, default_port, &address))
        return listen_at(o, address.host, address.port);
    log_line(LOG_ERROR, "%s: malformed address '%s'", o->option, text);
    return false;
}

static bool
listen_tcp(const struct opening *o)
{
    const struct config *config = o->config;

    if (config->host_count == 0)
        return listen_at(o, NULL, config->port > 0 ? (uint16_t)config->port : 0);
    for (int i = 0; i < config->host_count; i++)
        if (!listen_at_text(o, config->hosts[i], config->port))
            return false;
    return true;
}

/* For user_make(). */
static bool
open_unix(void *ctx)
{
    const struct opening *o = ctx;

    switch (listen_open_unix(o->path, o->mode, (int)o->config->backlog, o->sockets)) {
    case LISTEN_OK: return true;
    case LISTEN_BAD_ADDRESS:
    case LISTEN_FAILED: break;
    }
    return false;
}

/* The user of -u could not make it there, so root did: it is to be the user's all the same. */
static void
give_to_user(const struct opening *o)
{
    const struct user *user = o->user;
    const struct own_file *file = o->file;
    struct stat st;

    if (!user->other || fstat(file->fd, &st) != 0 || st.st_uid == user->uid)
        return;
    /* Only what we have just made is given away, whatever the name means by now. */
    if (st.st_uid == geteuid() && st.st_nlink == 1 &&
        fchownat(file->fd, "", user->uid, user->gid, AT_EMPTY_PATH) == 0)
        return;
    log_line(LOG_WARN, "%s: %s stays root's, which user %s may not be able to use: %s",
             o->option, file->path, user->name, strerror(errno));
}

/* Why a socket could not be made, and what to do. */
static void
log_unix_failure(const struct opening *o, int err)
{
    const char *why = strerror(err);
    const char *option = "";
    struct stat st;

    if (err == EADDRINUSE && lstat(o->path, &st) == 0) {
        option = o->option;
        if (S_ISSOCK(st.st_mode))
            why = "another server is listening there. Name another path with ";
        else if (S_ISDIR(st.st_mode))
            why = "that is a directory. Name a path in it with ";
        else
            why = "there is a file which is no socket. Remove it, or name another path with ";
    }
    log_line(LOG_ERROR, "failed to listen on UNIX socket %s: %s%s", o->path, why, option);
}

static bool
listen_unix(struct opening *o)
{
    int lock = own_file_lock(o->path);
    bool ok = user_make(o->user, open_unix, o);
    int err = errno;

    if (ok && !own_file_hold(o->file, o->path))
        log_line(LOG_WARN, "%s: %s will stay behind: %s", o->option, o->path, strerror(errno));
    own_file_unlock(lock);
    if (ok && o->file->fd >= 0)
        give_to_user(o);
    if (!ok)
        log_unix_failure(o, err);
    return ok;
}

void
daemon_sockets_init(struct daemon_sockets *sockets)
{
    for (int role = 0; role < SESSION_ROLES; role++) {
        sockets->of[role].count = 0;
        own_file_init(&sockets->files[role]);
    }
}

/* What --admin or --http names; NULL: it is none, but an address. */
static const char *
path_of(const char *text)
{
    return text != NULL && strchr(text, '/') != NULL ? text : NULL;
}

/* Where --admin names an address without a port; 0: any free one. */
static int
admin_port(const struct config *config)
{
    int port = config->port + ADMIN_PORT_ABOVE;

    return config->port > 0 && port <= UINT16_MAX ? port : 0;
}

static struct opening
opening_for(const struct config *config, const struct user *user,
            struct daemon_sockets *sockets, enum session_role role)
{
    struct opening o = {
        .config = config,
        .user = user,
        .sockets = &sockets->of[role],
        .file = &sockets->files[role],
        .mode = config->unix_mode,
    };

    switch (role) {
    case ROLE_CLIENT:
        o.option = "-l";
        o.another = "-p";
        o.path = config->unix_path;
        break;
    case ROLE_ADMIN:
        o.option = o.another = "--admin";
        o.path = path_of(config->admin);
        o.mode = config->admin_mode;
        break;
    case ROLE_HTTP:
        o.option = o.another = "--http";
        o.path = path_of(config->http);
        break;
    }
    return o;
}

/* O is for what TEXT names; NULL: nothing. Not where a service manager has given it. */
static bool
is_address(const struct opening *o, const char *text)
{
    return text != NULL && o->path == NULL && o->sockets->count == 0;
}

static bool
listen_path(struct opening *o)
{
    return o->path == NULL || o->sockets->count > 0 || listen_unix(o);
}

bool
daemon_listen(const struct config *config, const struct user *user,
              struct daemon_sockets *sockets)
{
    struct opening clients = opening_for(config, user, sockets, ROLE_CLIENT);
    struct opening operators = opening_for(config, user, sockets, ROLE_ADMIN);
    struct opening http = opening_for(config, user, sockets, ROLE_HTTP);
    bool opens_clients = clients.sockets->count == 0;
    bool others_given = sockets->of[ROLE_ADMIN].count > 0 || sockets->of[ROLE_HTTP].count > 0;

    if ((opens_clients && config->tcp && !listen_tcp(&clients)) ||
        (is_address(&operators, config->admin) &&
         !listen_at_text(&operators, config->admin, admin_port(config))) ||
        (is_address(&http, config->http) && !listen_at_text(&http, config->http, HTTP_PORT)))
        return false;
    if (!opens_clients && (config->host_count > 0 || config->unix_path != NULL))
        log_line(LOG_WARN, "LISTEN_FDS: the sockets of the service manager are used; -l and -s "
                           "are not looked at");
    if (opens_clients && others_given && config->tcp)
        log_line(LOG_INFO,
                 "LISTEN_FDS: among the sockets of the service manager is none for "
                 "clients: they are served where -p and -l say, and with -p 0 nowhere");
    signals_hold(); /* not sooner: a name that does not resolve takes long */
    clients.option = "-s";
    if ((opens_clients && clients.path != NULL && !listen_unix(&clients)) ||
        !listen_path(&operators) || !listen_path(&http))
        return false;
    if (clients.sockets->count == 0) {
        log_line(LOG_ERROR, "-p 0: there is no TCP, no -s, and no socket of a service manager");
        return false;
    }
    for (int role = 0; role < SESSION_ROLES; role++) {
        listen_set_peer_timeout(&sockets->of[role], config->server.peer_timeout_s);
        if (config->total_bytes > 0) /* a container counts what is in sockets, too */
            listen_limit_unread(&sockets->of[role]);
    }
    return true;
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

static const char *
purpose_of(int role)
{
    switch ((enum session_role)role) {
    case ROLE_CLIENT: return "";
    case ROLE_ADMIN: return " for operators";
    case ROLE_HTTP: return " for HTTP";
    }
    BUG("session_role out of range");
}

void
daemon_log_listening(const struct daemon_sockets *sockets)
{
    char address[sizeof(struct sockaddr_storage)];

    for (int role = 0; role < SESSION_ROLES; role++) {
        for (int i = 0; i < sockets->of[role].count; i++) {
            show_address(sockets->of[role].fd[i], address, sizeof(address));
            log_line(LOG_INFO, "listening on %s%s", address, purpose_of(role));
        }
    }
}
