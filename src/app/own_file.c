/* Makes the pid file and holds it and the socket, so that only what is ours is removed. */
#include "own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool
make_absolute(char *dst, size_t bytes, const char *path)
{
    char here[PATH_MAX];

    if (path[0] == '/')
        return !is_cut(snprintf(dst, bytes, "%s", path), bytes);
    if (getcwd(here, sizeof(here)) == NULL)
        return false;
    return !is_cut(snprintf(dst, bytes, "%s/%s", here, path), bytes);
}

int
own_file_lock(const char *path)
{
    const char *slash = strrchr(path, '/');
    char directory[PATH_MAX];
    int lock;

    if (slash == NULL)
        (void)snprintf(directory, sizeof(directory), ".");
    else
        (void)snprintf(directory, sizeof(directory), "%.*s/", (int)(slash - path), path);
    lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0)
        return -1;
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(lock, LOCK_EX | LOCK_NB) == 0)
            return lock;
        (void)poll(NULL, 0, LOCK_WAIT_MS);
    }
    (void)close(lock);
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
    file->path[0] = '\0';
    file->fd = -1;
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
    errno = EEXIST;
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

bool
own_file_write(struct own_file *file, const char *path, const char *text)
{
    char temporary[PATH_MAX];
    size_t len = strlen(text);
    int fd, err;

    if (!make_absolute(file->path, sizeof(file->path), path) ||
        is_cut(snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", file->path, (long)getpid()),
               sizeof(temporary)))
        return false;
    fd = open_new(temporary);
    if (fd < 0)
        return false;
    errno = ENOSPC; /* for a short write, which sets none */
    if (write(fd, text, len) == (ssize_t)len && move_there(temporary, file->path)) {
        file->fd = fd;
        return true;
    }
    err = errno;
    (void)unlink(temporary);
    (void)close(fd);
    errno = err;
    return false;
}

bool
own_file_hold(struct own_file *file, const char *path)
{
    struct stat st;

    if (!make_absolute(file->path, sizeof(file->path), path))
        return false;
    file->fd = open(file->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (file->fd < 0)
        return false;
    if (fstat(file->fd, &st) == 0 && S_ISSOCK(st.st_mode))
        return true;
    (void)close(file->fd);
    file->fd = -1;
    errno = ENOTSOCK;
    return false;
}

/* --- Removing --- */

static bool
is_ours(const struct own_file *file)
{
    struct stat named, ours;

    return lstat(file->path, &named) == 0 && fstat(file->fd, &ours) == 0 &&
           named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

bool
own_file_remove(struct own_file *file)
{
    bool ok = true;
    int lock, err;

    if (file->fd < 0)
        return true;
    lock = own_file_lock(file->path);
    if (is_ours(file))
        ok = unlink(file->path) == 0;
    err = errno;
    own_file_unlock(lock);
    if (ok)
        own_file_fini(file);
    errno = err;
    return ok;
}

void
own_file_fini(struct own_file *file)
{
    if (file->fd < 0)
        return;
    /* A number that is not ours any more would be taken for a process that runs. */
    if (is_ours(file))
        (void)!ftruncate(file->fd, 0); /* a socket has nothing to take out */
    (void)close(file->fd);
    file->fd = -1;
}
