/*
 * tools/top/target.h - one server that is looked at: its connection, and what it answers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "answers.h"

enum { TARGETS_MAX = 64, TARGET_TEXT_BYTES = 128, TARGET_WAIT_MS = 2000 };

struct target {
    const char *address; /* as it was given */
    int fd;              /* -1: not connected */
    bool up;             /* `answers` are of the last round */
    bool connecting;
    bool lists_conns;            /* they are few enough to be asked for */
    size_t sent;                 /* bytes of the question */
    char why[TARGET_TEXT_BYTES]; /* it is not up */
    struct answers answers;
};

/* ADDRESS: host, host:port, :port, [v6]:port, or the path of a UNIX socket. It outlives TARGET. */
void target_init(struct target *target, const char *address);
void target_fini(struct target *target);

/* Ask all of them, and wait until each has answered, failed, or TARGET_WAIT_MS are over. */
void targets_ask(struct target *targets, int count);

/*
 * Send one COMMAND of an operator, without its line end, over a connection of its own, and take the
 * first line of the answer. False: ANSWER says why there is none.
 */
bool target_command(const struct target *target, const char *command, char *answer,
                    size_t bytes);
