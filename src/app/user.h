/*
 * src/app/user.h - the user of -u: found, tried out, become for good.
 *
 * Each returns false after having logged what went wrong.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "lombard/base/attr.h"

struct user {
    const char *name;
    bool other; /* we are root, and are to become this user */
    uid_t uid;
    gid_t gid;
};

/* Whether NAME (-u, may be NULL) is given where it is needed, and exists. */
bool user_find(struct user *user, const char *name) MUST_USE;
/* Leave the groups of root. Before anything is made; what root may do stays. */
bool user_leave_groups(const struct user *user) MUST_USE;
/*
 * Do what makes a file as that user, so that it is the user's to use and to remove;
 * where the user may not, as root. False, with errno of the last attempt, when both failed.
 */
bool user_make(const struct user *user, bool (*make)(void *ctx), void *ctx) MUST_USE;
/* Become the user, without a way back. */
bool user_become(const struct user *user) MUST_USE;
