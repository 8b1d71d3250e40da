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

/* Where lines go once the terminal is left. */
enum detach_log {
    DETACH_LOG_NOWHERE,
    DETACH_LOG_STDERR, /* it is kept for them */
    DETACH_LOG_FILE,   /* they do not go to standard error any more */
};

struct detach {
    int ready_fd;        /* the daemon's side of the pipe */
    int null_fd;         /* /dev/null, for standard error */
    bool keep_directory; /* the caller's: that is where core files go */
};

/*
 * Descriptors 0, 1 and 2 are open from here on, whatever the caller left: what is opened later
 * must not become standard error. Before anything else.
 */
void detach_keep_standard(void);
enum detach_result detach_begin(struct detach *detach, int *status) MUST_USE;
/*
 * Leave the working directory, unless it is kept, standard input and output: all that needs more than the two
 * descriptors above. False, logged, when that fails.
 */
bool detach_prepare(struct detach *detach) MUST_USE;
/*
 * The child serves from now on: tell the parent, and leave standard error, unless the LOG is there. False, logged, when the parent has gone: the caller has given up then.
 */
bool detach_ready(struct detach *detach, enum detach_log log) MUST_USE;
