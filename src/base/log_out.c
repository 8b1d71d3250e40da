/* Writing a line without ever waiting for whatever is behind standard error, or another descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log_priv.h"
#include "lombard/base/iov.h"
#include "lombard/base/log.h"
#include "lombard/base/num.h"

/*
 * Standard error is shared: with the shell, with other processes that write there. O_NONBLOCK belongs to
 * the open file, so setting it there would let their writes fail. So, in this order:
 *
 *     a file               write(2): it waits for no peer
 *     a socket             send(2) with MSG_DONTWAIT
 *     a pipe, a terminal   an open file of our own, which does have O_NONBLOCK (log_open)
 *     ... not permitted    pwritev2(2) with RWF_NOWAIT, which pipes know since Linux 6.4
 *     ... not known        the flag after all, while poll(2) says ready and for one call
 */
static int own_fd = -1;
static bool torn; /* the last line was cut: a terminal took a part of it */
static bool to_journal;
static bool given;      /* own_fd is that of log_use(): standard error is another file */
static bool complained; /* there, of the lines that are lost now */

/* JOURNAL_STREAM is the device and the inode of the socket that systemd's journal reads. */
static bool
is_journal(const struct stat *st)
{
    const char *text = getenv("JOURNAL_STREAM");
    const char *colon = text != NULL ? strchr(text, ':') : NULL;
    uint64_t device, inode;

    return colon != NULL && num_parse_u64(slice_make(text, (size_t)(colon - text)), &device) &&
           num_parse_u64(slice_make(colon + 1, strlen(colon + 1)), &inode) &&
           device == st->st_dev && inode == st->st_ino;
}

bool
log_is_journal(void)
{
    return to_journal;
}

void
log_close(void)
{
    if (own_fd >= 0)
        (void)close(own_fd);
    own_fd = -1;
    torn = given = complained = false;
    to_journal = false;
}

void
log_use(int fd)
{
    log_close();
    own_fd = fd;
    given = true;
}

void
log_open(void)
{
    struct stat shared, own;

    log_close();
    if (fstat(STDERR_FILENO, &shared) != 0)
        return;
    to_journal = is_journal(&shared);
    if (!S_ISFIFO(shared.st_mode) && !S_ISCHR(shared.st_mode))
        return;
    own_fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own_fd < 0)
        return;
    if (fstat(own_fd, &own) != 0 || own.st_dev != shared.st_dev || own.st_ino != shared.st_ino)
        log_close();
}

/* For where nothing else is known: others see the flag for the length of one call. */
static ssize_t
write_with_flag(const char *line, size_t len)
{
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    ssize_t written;
    int err;

    if (flags < 0 || poll(&ready, 1, 0) != 1)
        return -1;
    if ((flags & O_NONBLOCK) != 0)
        return write(STDERR_FILENO, line, len);
    if (fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK) != 0)
        return -1;
    written = write(STDERR_FILENO, line, len);
    err = errno;
    (void)fcntl(STDERR_FILENO, F_SETFL, flags);
    errno = err;
    return written;
}

/* pwritev2(), which musl has only since 1.2.5, at no offset: as writev(), or EAGAIN. */
static ssize_t
write_at_once(const struct iovec *iov)
{
    static const long nowait = 8; /* RWF_NOWAIT */

    return syscall(SYS_pwritev2, (long)STDERR_FILENO, iov, 1UL, -1L, -1L, nowait);
}

static ssize_t
write_shared(const char *line, size_t len)
{
    struct iovec iov = iov_of(slice_make(line, len));
    struct stat st;
    ssize_t written;

    if (fstat(STDERR_FILENO, &st) != 0)
        return -1;
    if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
        return write(STDERR_FILENO, line, len);
    if (S_ISSOCK(st.st_mode))
        return send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    written = write_at_once(&iov);
    if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL))
        return written;
    return write_with_flag(line, len);
}

static ssize_t
write_some(const char *line, size_t len)
{
    ssize_t written;

    do
        written = own_fd >= 0 ? write(own_fd, line, len) : write_shared(line, len);
    while (written < 0 && errno == EINTR);
    return written;
}

void
log_complain(const char *format, ...)
{
    char text[512] = "lombard: ";
    size_t used = strlen(text);
    va_list args;
    int len;

    if (!given) /* the log is standard error */
        return;
    va_start(args, format);
    len = vsnprintf(text + used, sizeof(text) - used - 1, format, args);
    va_end(args);
    if (len < 0)
        return;
    used += (size_t)len < sizeof(text) - used - 1 ? (size_t)len : sizeof(text) - used - 2;
    text[used++] = '\n';
    (void)!write_shared(text, used);
}

/* Once until it works again, where somebody may look: the log itself cannot say it. */
static void
complain(int err)
{
    if (!given || complained)
        return;
    complained = true;
    log_complain("the log cannot be written: %s. Its lines are counted in log_dropped",
                 strerror(err));
}

/* All of it, or false. */
static bool
write_all(const char *line, size_t len)
{
    ssize_t written = write_some(line, len);
    ssize_t rest = 0;

    /* A part of it is no error yet: the rest tells which. */
    if (written > 0 && written < (ssize_t)len)
        rest = write_some(line + written, len - (size_t)written);
    if (written >= 0 && rest >= 0 && written + rest == (ssize_t)len) {
        complained = false;
        return true;
    }
    complain(written < 0 || rest < 0 ? errno : ENOSPC);
    torn |= written > 0;
    return false;
}

bool
log_put(const char *line, size_t len)
{
    if (torn && !write_all("\n", 1))
        return false;
    torn = false;
    return write_all(line, len);
}
