/* Opens the file of --log-file, and opens it again when it was renamed. */
#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lombard/base/log.h"
#include "sandbox.h"
#include "sealed.h"

/* Opening it at the start: as one user, then perhaps as another. */
struct attempt {
    struct log_file *file;
    const struct user *user;
    int err; /* of the first one */
};

/*
 * As root only a file of its own making, which is then the user's: no link is followed. Where there is
 * something already, the user's own attempt has failed with ERR.
 */
static int
make_for(const char *path, const struct user *user, int err)
{
    int fd = open(path, SANDBOX_APPEND_FLAGS | O_EXCL | O_NOFOLLOW, SANDBOX_FILE_MODE);

    if (fd < 0 && errno == EEXIST)
        errno = err;
    if (fd < 0 || fchown(fd, user->uid, user->gid) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static bool
attempt(void *ctx)
{
    struct attempt *a = ctx;

    if (a->err == 0)
        a->file->fd = sandbox_open(SANDBOX_APPEND, a->file->path);
    else
        a->file->fd = make_for(a->file->path, a->user, a->err);
    a->err = errno;
    return a->file->fd >= 0;
}

bool
log_file_open(struct log_file *file, const char *path, const struct user *user)
{
    struct attempt a = {.file = file, .user = user};

    *file = (struct log_file){.path = sealed_path(path), .fd = -1};
    if (file->path != NULL && user_make(user, attempt, &a))
        return true;
    log_line(LOG_ERROR, "--log-file: could not open %s: %s", path, strerror(errno));
    return false;
}

void
log_file_use(struct log_file *file)
{
    log_use(file->fd);
    file->fd = -1;
}

void
log_file_reopen(struct log_file *file)
{
    const char *why;
    int fd;

    if (file->path == NULL)
        return;
    fd = sandbox_open(SANDBOX_APPEND, file->path);
    if (fd >= 0) {
        log_use(fd);
        return;
    }
    why = strerror(errno);
    log_line(LOG_ERROR, "--log-file: could not open %s again: %s. The log stays where it is",
             file->path, why);
    /* The file that has this line may have been removed. */
    log_complain("--log-file: could not open %s again: %s. The log stays where it was",
                 file->path, why);
}

void
log_file_close(struct log_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
}
