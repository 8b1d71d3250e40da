/* Becomes the user of -u: for a moment to make files, then for good. */
#include "user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "lombard/base/log.h"

bool
user_find(struct user *user, const char *name)
{
    const struct passwd *entry;

    *user = (struct user){.name = name};
    if (getuid() != 0 && geteuid() != 0)
        return true; /* nothing to give up; as memcached, whatever -u says */
    if (name == NULL) {
        log_line(LOG_ERROR, "can't run as root without the -u switch");
        return false;
    }
    entry = getpwnam(name);
    if (entry == NULL) {
        log_line(LOG_ERROR, "can't find the user %s to switch to", name);
        return false;
    }
    user->uid = entry->pw_uid;
    user->gid = entry->pw_gid;
    user->other = entry->pw_uid != 0; /* else: root on purpose */
    return true;
}

static bool
say_failed(const struct user *user)
{
    log_line(LOG_ERROR, "failed to assume identity of user %s: %s", user->name,
             strerror(errno));
    return false;
}

bool
user_leave_groups(const struct user *user)
{
    if (!user->other || setgroups(0, NULL) == 0)
        return true;
    if (errno != EPERM)
        return say_failed(user);
    /* A user namespace may forbid it, and then has little to lose. */
    log_line(LOG_WARN, "the supplementary groups stay as they are: %s", strerror(errno));
    return true;
}

bool
user_make(const struct user *user, bool (*make)(void *ctx), void *ctx)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    bool made = false;
    int err = EPERM;

    if (!user->other)
        return make(ctx);
    if (setegid(user->gid) == 0 && seteuid(user->uid) == 0) {
        made = make(ctx);
        err = errno;
    }
    if (seteuid(uid) != 0 || setegid(gid) != 0)
        return say_failed(user);
    errno = err;
    return made || make(ctx);
}

bool
user_become(const struct user *user)
{
    if (!user->other)
        return true;
    if (setgid(user->gid) != 0 || setuid(user->uid) != 0)
        return say_failed(user);
    if (setuid(0) != 0)
        return true;
    errno = EPERM; /* there is a way back: that must not be */
    return say_failed(user);
}
