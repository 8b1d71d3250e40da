/* Signals, read as events from a signalfd. */
#include "lombard/event/signal.h"

#include <signal.h>
#include <sys/signalfd.h>

#include "lombard/base/sys.h"

static void
on_readable(struct watch *watch, uint32_t events)
{
    struct signals *signals = CONTAINER_OF(watch, struct signals, watch);
    struct signalfd_siginfo info;

    (void)events;
    /* One an iteration: the loop is level-triggered. */
    if (sys_read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        signals->on_signal(signals->ctx, (int)info.ssi_signo);
}

static bool
block(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, SIGUSR1);
    return sigprocmask(SIG_BLOCK, set, NULL) == 0;
}

void
signals_hold(void)
{
    sigset_t set;

    (void)block(&set); /* cannot fail: the set is valid */
}

bool
signals_start(struct signals *signals, struct loop *loop,
              void (*on_signal)(void *ctx, int signo), void *ctx)
{
    sigset_t set;
    int fd;

    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || !block(&set))
        return false;
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return false;
    watch_init(&signals->watch, fd, on_readable);
    signals->loop = loop;
    signals->on_signal = on_signal;
    signals->ctx = ctx;
    if (loop_want(loop, &signals->watch, WATCH_IN))
        return true;
    (void)sys_close(fd);
    return false;
}

void
signals_stop(struct signals *signals)
{
    loop_forget(signals->loop, &signals->watch);
    (void)sys_close(signals->watch.fd);
}
