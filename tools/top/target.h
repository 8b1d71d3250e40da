/*
 * tools/top/target.h - one server that is looked at: its connection, and what it answers.
 *
 * A round of one server, each step when the one before was answered:
 *
 *     ASKING_STATS   `stats`; what the server is follows from that
 *     ASKING_LOGIN   where it wants a login and there is one; then `stats` again
 *     ASKING_REST    what this kind of server has besides
 *     ASKING_NOTHING the round is over: up, or `why` it is not
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "answers.h"
#include "credentials.h"

enum {
    TARGETS_MAX = 64,
    TARGET_TEXT_BYTES = 128,
    TARGET_QUESTION_BYTES = CREDENTIALS_BYTES,
    TARGET_WAIT_MS = 2000,
    TARGET_CONNS_MAX =
        2000,         /* of a server that cannot name the first ones, more are not listed */
    TARGET_TOP = 100, /* connections that one that can is asked for */
};

enum target_stage { ASKING_NOTHING, ASKING_STATS, ASKING_LOGIN, ASKING_REST };

struct target {
    const char *address; /* as it was given */
    const struct credentials *credentials;
    const char
        *measure; /* by which the first connections are chosen: a word of `stats conns top` */
    int fd;       /* -1: not connected */
    enum target_stage stage;
    bool up;          /* `answers` are of the last round */
    bool wants_login; /* it is not up because of that */
    bool is_lombard;
    bool lists_conns;
    bool connecting;
    bool used; /* the connection is that of the round before: it may have ended since */
    bool logged_in;
    size_t sent; /* bytes of the question */
    char question[TARGET_QUESTION_BYTES];
    char why[TARGET_TEXT_BYTES];          /* it is not up */
    char keys_refused[TARGET_TEXT_BYTES]; /* why it does not name hot keys; or "" */
    struct answers answers;
};

/* ADDRESS is as dial() has it. Both outlive TARGET. */
void target_init(struct target *target, const char *address,
                 const struct credentials *credentials);
void target_fini(struct target *target);

/* Begin a round with all of them; connections are to be listed by MEASURE, a constant. */
void targets_begin(struct target *targets, int count, const char *measure);
/*
 * Go on with the round until it is over, LEFT_MS are, or there is something to be read from KEYS (-1:
 * none). True: the round is over.
 */
bool targets_go_on(struct target *targets, int count, long left_ms, int keys);
/* No more time for the round: those that have not answered are down. */
void targets_end(struct target *targets, int count);

/*
 * Send one COMMAND of an operator, without its line end, over a connection of its own, and take the
 * first line of the answer. False: ANSWER says why there is none.
 */
bool target_command(const struct target *target, const char *command, char *answer,
                    size_t bytes);
