/*
 * include/lombard/event/listener.h - accepting from a socket that listens.
 *
 * A listener accepts in batches. When the process or the host has no descriptor or memory left,
 * it pauses, and resumes when its user says that something was freed, or after a while: it never
 * spins, and the clients wait in the kernel's queue meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/event/loop.h"

/* What takes the connections that come in. */
struct listener_user {
    void (*on_accept)(void *ctx, int fd); /* owns FD from now on */
    void (*on_pause)(void *ctx, int err); /* no descriptor could be had: errno */
    void *ctx;
};

struct listener {
    struct watch watch;
    struct timer resume;
    struct loop *loop;
    struct listener_user user;
    uint64_t pauses;       /* since the start */
    uint64_t paused_ms;    /* in all, of pauses that are over */
    uint64_t paused_at_ms; /* of the pause now, while `paused` */
    bool paused;
    bool is_unix;
};

/* Begin to accept from FD, which the listener owns from now on. False when the loop refuses. */
bool listener_start(struct listener *listener, struct loop *loop, int fd,
                    const struct listener_user *user) MUST_USE;
/* Something was freed: if paused, try again now. */
void listener_resume(struct listener *listener);
/* Stop accepting, and close. */
void listener_stop(struct listener *listener);
