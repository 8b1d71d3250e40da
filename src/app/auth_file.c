/* Reads the file of users and passwords, and keeps the old ones where the new ones are bad. */
#include "auth_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lombard/base/log.h"
#include "sandbox.h"
#include "sealed.h"

/* Every line as long as it may be, and as many that are empty. */
enum { FILE_BYTES_MAX = 2 * PASSWORDS_MAX * (PASSWORDS_LINE_BYTES + 2) };

/* What passwords_parse() said, in words. */
static void
explain(enum passwords_result result, unsigned line, char *why)
{
    switch (result) {
    case PASSWORDS_OK: return;
    case PASSWORDS_NONE:
        (void)snprintf(why, AUTH_FILE_WHY_BYTES, "it has no line 'user:password'");
        return;
    case PASSWORDS_TOO_MANY:
        (void)snprintf(why, AUTH_FILE_WHY_BYTES, "it has more than %d entries", PASSWORDS_MAX);
        return;
    case PASSWORDS_LONG_LINE:
        (void)snprintf(why, AUTH_FILE_WHY_BYTES, "line %u has more than %d bytes", line,
                       PASSWORDS_LINE_BYTES);
        return;
    case PASSWORDS_MALFORMED:
        (void)snprintf(why, AUTH_FILE_WHY_BYTES, "line %u is malformed: 'user:password' is due",
                       line);
        return;
    }
}

static bool
explain_errno(char *why)
{
    (void)snprintf(why, AUTH_FILE_WHY_BYTES, "%s", strerror(errno));
    return false;
}

/* All of FD at DST, which has room for one byte more than the limit. False: WHY. */
static bool
read_all(int fd, char *dst, size_t *len, char *why)
{
    ssize_t got;

    *len = 0;
    while ((got = read(fd, dst + *len, FILE_BYTES_MAX + 1 - *len)) > 0)
        *len += (size_t)got;
    if (got < 0)
        return explain_errno(why);
    if (*len > FILE_BYTES_MAX) {
        (void)snprintf(why, AUTH_FILE_WHY_BYTES, "it has more than %d bytes", FILE_BYTES_MAX);
        return false;
    }
    return true;
}

/* Open PATH, which may be read as often as one likes. -1: WHY. */
static int
open_to_read(const char *path, struct stat *status, char *why)
{
    int fd = sandbox_open(SANDBOX_READ, path);

    if (fd < 0) {
        (void)explain_errno(why);
        return -1;
    }
    if (fstat(fd, status) == 0 && S_ISREG(status->st_mode))
        return fd;
    (void)snprintf(why, AUTH_FILE_WHY_BYTES, "it is no regular file, and can be read once");
    (void)close(fd);
    return -1;
}

static bool
read_passwords(const char *path, struct passwords *passwords, struct stat *status, char *why)
{
    char text[FILE_BYTES_MAX + 1];
    enum passwords_result result;
    unsigned line = 0;
    size_t len;
    int fd = open_to_read(path, status, why);
    bool ok;

    if (fd < 0)
        return false;
    ok = read_all(fd, text, &len, why);
    (void)close(fd);
    if (ok) {
        result = passwords_parse(passwords, slice_make(text, len), &line);
        explain(result, line, why);
        ok = result == PASSWORDS_OK;
    }
    explicit_bzero(text, sizeof(text));
    return ok;
}

bool
auth_file_read(const char *path, struct passwords *passwords, char *why)
{
    struct stat status;

    return read_passwords(path, passwords, &status, why);
}

/* Its passwords are known then, whatever is done about it now. */
static void
warn_if_public(const char *path, const struct stat *status)
{
    if ((status->st_mode & S_IROTH) != 0)
        log_line(LOG_WARN, "-Y %s: every user of this host can read it (chmod o-r)", path);
}

/* Reading it at the start: as one user, then perhaps as another. */
struct attempt {
    struct auth_file *file;
    struct stat status;
    char why[AUTH_FILE_WHY_BYTES];
    int count;
};

static bool
attempt(void *ctx)
{
    struct attempt *a = ctx;

    a->count++;
    return read_passwords(a->file->path, &a->file->passwords, &a->status, a->why);
}

bool
auth_file_load(struct auth_file *file, const char *path, const struct user *user)
{
    struct attempt a = {.file = file};

    file->path = sealed_path(path);
    if (file->path == NULL) {
        log_line(LOG_ERROR, "-Y %s: %s", path, strerror(errno));
        return false;
    }
    if (!user_make(user, attempt, &a)) {
        log_line(LOG_ERROR, "-Y %s: %s", path, a.why);
        return false;
    }
    warn_if_public(file->path, &a.status);
    if (a.count > 1)
        log_line(LOG_WARN, "-Y %s: %s cannot read it, so that SIGHUP will change nothing", path,
                 user->name);
    return true;
}

void
auth_file_reload(struct auth_file *file)
{
    char why[AUTH_FILE_WHY_BYTES];
    struct stat status;

    if (file->path == NULL)
        return;
    if (!read_passwords(file->path, &file->passwords, &status, why)) {
        log_line(LOG_ERROR, "-Y %s: %s. The passwords stay as they were", file->path, why);
        return;
    }
    log_line(LOG_INFO, "-Y %s: read again", file->path);
    warn_if_public(file->path, &status);
}

void
auth_file_close(struct auth_file *file)
{
    passwords_wipe(&file->passwords);
}
