/* Goes into the background, and lets the caller know how that went. */
#include "detach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lombard/base/log.h"

void
detach_keep_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        /* The lowest that is free is FD. Without /dev, the number at least is taken. */
        if (open("/dev/null", O_RDWR) < 0)
            (void)!open("/", O_RDONLY | O_DIRECTORY);
    }
}

static bool
say_failed(const char *what)
{
    log_line(LOG_ERROR, "-d: failed to %s: %s", what, strerror(errno));
    return false;
}

/* One byte comes, its exit status if it has failed, which it has said; or the pipe's end: it has died. */
static int
wait_for(int fd)
{
    unsigned char status;
    ssize_t n;

    do
        n = read(fd, &status, 1);
    while (n < 0 && errno == EINTR);
    (void)close(fd);
    if (n == 1)
        return status;
    log_line(LOG_ERROR, "-d: the server died before it was ready");
    return EX_OSERR;
}

/*
 * The child of a child. A service manager that is told of the daemon waits for its end only if it is its own child
 * by then, which it is when its parent has gone.
 */
static void
become_daemon(struct detach *detach)
{
    pid_t parent = getpid(), child;

    (void)setsid(); /* cannot fail in a child that was just forked */
    child = fork();
    if (child < 0) {
        (void)say_failed("fork");
        detach_end(detach, EX_OSERR);
    }
    if (child != 0)
        _exit(EX_OK);
    while (getppid() == parent)
        (void)poll(NULL, 0, 1);
}

enum detach_result
detach_begin(struct detach *detach, int *status)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        (void)say_failed("make a pipe");
        return DETACH_FAILED;
    }
    (void)signal(SIGCHLD,
                 SIG_DFL); /* the caller may have ignored it, which would be inherited */
    child = fork();
    if (child < 0) {
        (void)say_failed("fork");
        (void)close(ends[0]);
        (void)close(ends[1]);
        return DETACH_FAILED;
    }
    if (child > 0) {
        (void)close(ends[1]);
        (void)!waitpid(child, NULL, 0);
        *status = wait_for(ends[0]);
        return DETACH_PARENT;
    }
    (void)close(ends[0]);
    detach->ready_fd = ends[1];
    become_daemon(detach);
    return DETACH_CHILD;
}

bool
detach_prepare(struct detach *detach)
{
    detach->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (detach->null_fd < 0)
        return say_failed("open /dev/null");
    if (!detach->keep_directory && chdir("/") != 0)
        return say_failed("leave the working directory");
    if (dup2(detach->null_fd, STDIN_FILENO) < 0 || dup2(detach->null_fd, STDOUT_FILENO) < 0)
        return say_failed("leave standard input and output");
    return true;
}

static bool
tell_parent(struct detach *detach)
{
    bool told = write(detach->ready_fd, "", 1) == 1;

    if (!told)
        (void)say_failed("tell the caller, which has gone");
    (void)close(detach->ready_fd);
    detach->ready_fd = -1;
    return told;
}

bool
detach_ready(struct detach *detach, enum detach_log log)
{
    bool told = tell_parent(detach);

    /* By its number, for a libc may make dup2() of it: the sandbox knows no other. */
    if (told && log != DETACH_LOG_STDERR)
        (void)syscall(SYS_dup3, detach->null_fd, STDERR_FILENO, 0);
    if (told && log == DETACH_LOG_NOWHERE)
        log_use(detach->null_fd);
    else
        (void)close(detach->null_fd);
    return told;
}

void
detach_end(struct detach *detach, int status)
{
    char byte = (char)status;

    if (detach->ready_fd < 0)
        return;
    (void)!write(detach->ready_fd, &byte, 1);
    (void)close(detach->ready_fd);
    detach->ready_fd = -1;
}
