/*
 * src/app/detach.h - a process without a terminal, whose start can still fail aloud.
 *
 *     lombard -d ──fork──▶ child ──fork──▶ daemon: opens, makes, ... ─▶ ready ─▶ serves
 *         │                  └▶ ends           │ one byte, or its end
 *         └──── waits ◀────────────────────────┘ ─▶ exit status 0, or the daemon's
 *
 * Until it is ready the daemon has the standard error of the first process to say what is wrong.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/attr.h"

enum detach_result {
    DETACH_CHILD,  /* go on as the daemon */
    DETACH_PARENT, /* it is ready, or has failed: exit with *status */
    DETACH_FAILED, /* logged */
};

/* Where lines go once the terminal is left. */
enum detach_log {
    DETACH_LOG_NOWHERE,
    DETACH_LOG_STDERR, /* it is kept for them */
    DETACH_LOG_FILE,   /* they do not go to standard error any more */
};

struct detach {
    int ready_fd;        /* the daemon's side of the pipe; -1: the first process has heard */
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
 * The daemon serves from now on: tell the first process, and leave standard error, unless the LOG is there. False,
 * logged, when that one has gone: the caller has given up then.
 */
bool detach_ready(struct detach *detach, enum detach_log log) MUST_USE;
/* The daemon ends with STATUS: the first process is told if it waits still. */
void detach_end(struct detach *detach, int status);
