/*
 * include/lombard/event/signal.h - signals as events, through signalfd(2).
 *
 * TERM, INT, HUP and USR1 are blocked and arrive in the loop; PIPE is ignored.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/attr.h"
#include "lombard/event/loop.h"

struct signals {
    struct watch watch;
    struct loop *loop;
    void (*on_signal)(void *ctx, int signo);
    void *ctx;
};

/*
 * From here on they wait for signals_start(), instead of ending the process. Before it makes
 * what it has to remove at the end.
 */
void signals_hold(void);
/* False, with errno, when the kernel refuses. */
bool signals_start(struct signals *signals, struct loop *loop,
                   void (*on_signal)(void *ctx, int signo), void *ctx) MUST_USE;
void signals_stop(struct signals *signals);
