/* Accepts from a socket that listens, and pauses while descriptors or memory are short. */
#include "lombard/event/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lombard/base/sys.h"
#include "lombard/event/listen.h"

enum {
    ACCEPTS_AT_ONCE = 16, /* some 60 us: others are served between */
    RESUME_AFTER_MS = 100,
};

static struct listener *
from_watch(struct watch *watch)
{
    return CONTAINER_OF(watch, struct listener, watch);
}

static void
pause_accepting(struct listener *listener, int err)
{
    uint64_t now_ms = loop_now_ms(listener->loop);

    /* If the kernel will not even do this, the timer has nothing to resume, and we try again. */
    if (!loop_want(listener->loop, &listener->watch, 0))
        return;
    listener->paused = true;
    listener->pauses++;
    listener->paused_at_ms = now_ms;
    timer_set(loop_timers(listener->loop), &listener->resume, now_ms + RESUME_AFTER_MS);
    listener->user.on_pause(listener->user.ctx, err);
}

static bool
is_shortage(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static void
on_readable(struct watch *watch, uint32_t events)
{
    struct listener *listener = from_watch(watch);

    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int fd = sys_accept(watch->fd);

        if (fd >= 0) {
            /* A unix socket inherits nothing; the kernel doubles the value. */
            if (listener->is_unix)
                (void)!sys_set_option(fd, SOL_SOCKET, SO_SNDBUF, LISTEN_UNSENT_BYTES_MAX / 2);
            listener->user.on_accept(listener->user.ctx, fd);
            if (watch->wanted == 0) /* stopped meanwhile */
                return;
        } else if (is_shortage(errno)) {
            pause_accepting(listener, errno);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
        /* Else the client went away before it was accepted: on to the next. */
    }
}

static void
on_resume(struct timer *timer)
{
    listener_resume(CONTAINER_OF(timer, struct listener, resume));
}

bool
listener_start(struct listener *listener, struct loop *loop, int fd,
               const struct listener_user *user)
{
    memset(listener, 0, sizeof(*listener));
    watch_init(&listener->watch, fd, on_readable);
    timer_init(&listener->resume, on_resume);
    listener->loop = loop;
    listener->is_unix = listen_is_unix(fd);
    listener->user = *user;
    return loop_want(loop, &listener->watch, WATCH_IN);
}

void
listener_resume(struct listener *listener)
{
    uint64_t now_ms = loop_now_ms(listener->loop);

    if (!listener->paused)
        return;
    if (!loop_want(listener->loop, &listener->watch, WATCH_IN)) {
        timer_set(loop_timers(listener->loop), &listener->resume, now_ms + RESUME_AFTER_MS);
        return;
    }
    timer_cancel(&listener->resume);
    listener->paused = false;
    listener->paused_ms += now_ms - listener->paused_at_ms;
}

void
listener_stop(struct listener *listener)
{
    if (listener->watch.fd < 0)
        return;
    timer_cancel(&listener->resume);
    loop_forget(listener->loop, &listener->watch);
    listener->paused = false;
    (void)sys_close(listener->watch.fd);
    listener->watch.fd = -1;
}
