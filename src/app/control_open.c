/* Opens the socket of --control, and closes it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "lombard/base/log.h"
#include "lombard/event/listen.h"

enum { BACKLOG = 8, MODE = 0600 };

void
control_init(struct control *control)
{
    memset(control, 0, sizeof(*control));
    control->watch.fd = control->peer.fd = control->image_fd = -1;
    own_file_init(&control->file);
}

/* For user_make(). */
struct opening {
    const char *path;
    int fd;
};

static bool
bind_there(int fd, const struct sockaddr_un *address)
{
    mode_t mask = umask(0777 & ~MODE);
    bool ok = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

    (void)umask(mask);
    return ok;
}

static const char *
what_to_do(const char *path, int err)
{
    struct stat st;

    switch (err) {
    case EADDRINUSE: break;
    case ENAMETOOLONG: return ": of a socket it has at most 107 bytes";
    case EACCES:
    case EPERM:
    case EROFS: return ": the server's user (-u) must be able to make it there";
    default: return "";
    }
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return ": what is there is no socket, and stays";
    return ". To take the place of the server there: --takeover";
}

static bool
open_socket(void *ctx)
{
    struct opening *o = ctx;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int err;

    errno = ENAMETOOLONG;
    if (strlen(o->path) >= sizeof(address.sun_path))
        return false;
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", o->path);
    o->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (o->fd < 0)
        return false;
    listen_remove_dead(&address, SOCK_SEQPACKET);
    if (bind_there(o->fd, &address) && listen(o->fd, BACKLOG) == 0)
        return true;
    err = errno;
    (void)close(o->fd);
    errno = err;
    return false;
}

bool
control_open(struct control *control, const char *path, const struct user *user)
{
    struct opening o = {path, -1};
    int lock = own_file_lock(path);
    bool ok = user_make(user, open_socket, &o);
    int err = errno;

    if (ok && !own_file_hold(&control->file, path))
        log_line(LOG_WARN, "--control: %s will stay behind: %s", path, strerror(errno));
    own_file_unlock(lock);
    if (!ok) {
        log_line(LOG_ERROR, "--control: %s: %s%s", path, strerror(err), what_to_do(path, err));
        return false;
    }
    control->watch.fd = o.fd;
    control->image_fd = memfd_create("lombard-image", MFD_CLOEXEC);
    if (control->image_fd >= 0)
        return true;
    log_line(LOG_ERROR, "--control: no file in memory: %s", strerror(errno));
    return false;
}

void
control_close(struct control *control)
{
    if (control->watch.fd >= 0)
        (void)close(control->watch.fd);
    if (control->image_fd >= 0)
        (void)close(control->image_fd);
    control->watch.fd = control->image_fd = -1;
}
