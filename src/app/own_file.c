/* Makes the pid file and holds it and the socket, so that only what is ours is removed. */
#include "own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sealed.h"

enum {
    LOCK_TRIES = 100,
    LOCK_WAIT_MS = 10,
    FILE_MODE = 0644,
};

/* --- Names --- */

static bool
is_cut(int len, size_t bytes)
{
    if (len >= 0 && (size_t)len < bytes)
        return false;
    errno = ENAMETOOLONG;
    return true;
}

/* The directory of PATH, to be locked; where it may not be read, at least to find names in it. */
static int
open_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char directory[PATH_MAX];
    int dir;

    if (slash == NULL)
        (void)snprintf(directory, sizeof(directory), ".");
    else
        (void)snprintf(directory, sizeof(directory), "%.*s/", (int)(slash - path), path);
    dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir >= 0 ? dir : open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Whether the lock could be had in time. */
static bool
lock_directory(int dir)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(dir, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK)
            return false;
        (void)poll(NULL, 0, LOCK_WAIT_MS);
    }
    return false;
}

int
own_file_lock(const char *path)
{
    int dir = open_directory(path);

    if (dir < 0 || lock_directory(dir))
        return dir;
    (void)close(dir);
    return -1;
}

void
own_file_unlock(int lock)
{
    if (lock >= 0)
        (void)close(lock);
}

/* --- Making --- */

void
own_file_init(struct own_file *file)
{
    *file = (struct own_file){.path = "", .name = "", .dir = -1, .fd = -1};
}

/* FILE is FD at PATH, which is sealed, from now on; FD is closed when that cannot be. */
static bool
take_hold(struct own_file *file, const char *path, int fd)
{
    int dir = open_directory(path);

    if (dir < 0) {
        (void)close(fd);
        return false;
    }
    *file =
        (struct own_file){.path = path, .name = strrchr(path, '/') + 1, .dir = dir, .fd = fd};
    return true;
}

/* Never through a link that another user has planted, and never into another's file. */
static int
open_new(const char *path)
{
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = open(path, flags, FILE_MODE);

    if (fd >= 0 || errno != EEXIST)
        return fd;
    /* Left over by a process that had our number and crashed. */
    return unlink(path) == 0 ? open(path, flags, FILE_MODE) : -1;
}

/* A device or a socket at PATH was named by mistake: it must survive that. */
static bool
may_replace(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
        return true;
    errno = S_ISDIR(st.st_mode) ? EISDIR : EEXIST;
    return false;
}

static bool
move_there(const char *temporary, const char *path)
{
    int lock = own_file_lock(path);
    bool ok = may_replace(path) && rename(temporary, path) == 0;
    int err = errno;

    own_file_unlock(lock);
    errno = err;
    return ok;
}

/* TEXT at PATH, under another name in the same folder. A descriptor, or -1 with errno. */
static int
write_there(const char *path, const char *text)
{
    char temporary[PATH_MAX];
    size_t len = strlen(text);
    int fd, err;

    if (is_cut(snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", path, (long)getpid()),
               sizeof(temporary)))
        return -1;
    fd = open_new(temporary);
    if (fd < 0)
        return -1;
    errno = ENOSPC; /* for a short write, which sets none */
    if (write(fd, text, len) == (ssize_t)len && move_there(temporary, path))
        return fd;
    err = errno;
    (void)unlink(temporary);
    (void)close(fd);
    errno = err;
    return -1;
}

bool
own_file_write(struct own_file *file, const char *path, const char *text)
{
    const char *absolute = sealed_path(path);
    int fd = absolute != NULL ? write_there(absolute, text) : -1;

    return fd >= 0 && take_hold(file, absolute, fd);
}

bool
own_file_hold(struct own_file *file, const char *path)
{
    const char *absolute = sealed_path(path);
    struct stat st;
    int fd = absolute != NULL ? open(absolute, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;

    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
        return take_hold(file, absolute, fd);
    (void)close(fd);
    errno = ENOTSOCK;
    return false;
}

bool
own_file_adopt(struct own_file *file, const char *path, int dir, int fd)
{
    const char *absolute = *path == '/' ? sealed_text(path) : NULL;

    if (absolute == NULL)
        return false;
    *file = (struct own_file){
        .path = absolute, .name = strrchr(absolute, '/') + 1, .dir = dir, .fd = fd};
    return true;
}

/* Whether NAME, in DIR where it is relative, means it. */
static bool
is_named(const struct own_file *file, int dir, const char *name)
{
    struct stat named, ours;

    return file->fd >= 0 && fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(file->fd, &ours) == 0 && named.st_dev == ours.st_dev &&
           named.st_ino == ours.st_ino;
}

bool
own_file_is_at(const struct own_file *file, const char *path)
{
    return is_named(file, AT_FDCWD, path);
}

bool
own_file_rewrite(const struct own_file *file, const char *text)
{
    size_t len = strlen(text);

    if (ftruncate(file->fd, 0) != 0)
        return false;
    errno = ENOSPC; /* for a short write, which sets none */
    return pwrite(file->fd, text, len, 0) == (ssize_t)len;
}

/* --- Removing: by what is open already, for the sandbox opens nothing for it --- */

static bool
is_ours(const struct own_file *file)
{
    return is_named(file, file->dir, file->name);
}

bool
own_file_remove(struct own_file *file)
{
    bool ok = true;
    int err;

    if (file->fd < 0)
        return true;
    (void)lock_directory(file->dir);
    if (is_ours(file))
        ok = unlinkat(file->dir, file->name, 0) == 0;
    err = errno;
    (void)flock(file->dir, LOCK_UN);
    if (ok)
        own_file_fini(file);
    errno = err;
    return ok;
}

void
own_file_leave(struct own_file *file)
{
    if (file->fd < 0)
        return;
    (void)close(file->fd);
    (void)close(file->dir);
    file->fd = file->dir = -1;
}

void
own_file_fini(struct own_file *file)
{
    /* A number that is not ours any more would be taken for a process that runs. */
    if (file->fd >= 0 && is_ours(file))
        (void)!ftruncate(file->fd, 0); /* a socket has nothing to take out */
    own_file_leave(file);
}
