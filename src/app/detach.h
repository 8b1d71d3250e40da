/*
 * src/app/detach.h - a process without a terminal, whose start can still fail aloud.
 *
 *     lombard -d ──fork──▶ child: opens, makes, ... ─▶ ready ─▶ serves
 *         │                   │ one byte, or the end of the child
 *         └──── waits ◀───────┘ ─▶ exit status 0, or the child's
 *
 * Until it is ready the child has the standard error of the parent to say what is wrong.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/attr.h"

enum detach_result {
    DETACH_CHILD,  /* go on as the daemon */
    DETACH_PARENT, /* the child is ready, or has failed: exit with *status */
    DETACH_FAILED, /* logged */
};

/* The daemon's side of the pipe. */
struct detach {
    int ready_fd;
};

/*
 * Descriptors 0, 1 and 2 are open from here on, whatever the caller left: what is opened later
 * must not become standard error. Before anything else.
 */
void detach_keep_standard(void);
enum detach_result detach_begin(struct detach *detach, int *status) MUST_USE;
/*
 * The child serves from now on: leave the working directory and the standard descriptors,
 * with KEEP_LOG all but standard error, and tell the parent. False, logged, when that fails,
 * or when the parent has gone: the caller has given up then.
 */
bool detach_ready(struct detach *detach, bool keep_log) MUST_USE;
