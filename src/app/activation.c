/* Takes the listening sockets that a service manager hands over. */
#include "activation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lombard/base/log.h"
#include "lombard/base/num.h"

enum { FIRST_FD = 3 };

static bool
read_number(const char *name, uint32_t *number)
{
    const char *text = getenv(name);

    return text != NULL && num_parse_u32(slice_make(text, strlen(text)), number);
}

/* Name number I of those that colons separate; empty when there are fewer. */
static struct slice
name_at(const char *names, uint32_t i)
{
    for (; i > 0 && *names != '\0'; i--) {
        names += strcspn(names, ":");
        names += *names == ':';
    }
    return slice_make(names, strcspn(names, ":"));
}

static enum session_role
role_of(struct slice name)
{
    if (slice_equal(name, SLICE("admin")))
        return ROLE_ADMIN;
    return slice_equal(name, SLICE("http")) ? ROLE_HTTP : ROLE_CLIENT;
}

static bool
take(int fd, struct slice name, struct daemon_sockets *sockets)
{
    char shown[64];

    switch (listen_adopt(fd, &sockets->of[role_of(name)])) {
    case LISTEN_OK: return true;
    case LISTEN_BAD_ADDRESS:
    case LISTEN_FAILED: break;
    }
    log_line(LOG_ERROR,
             "LISTEN_FDS: descriptor %d%s%s%s cannot be used as a socket that listens: %s", fd,
             name.len > 0 ? " (" : "", log_escape(shown, sizeof(shown), name),
             name.len > 0 ? ")" : "", strerror(errno));
    return false;
}

static bool
take_all(uint32_t count, struct daemon_sockets *sockets)
{
    const char *names = getenv("LISTEN_FDNAMES");

    if (count > LISTEN_SOCKETS_MAX) {
        log_line(LOG_ERROR, "LISTEN_FDS: %u sockets are more than %d", count,
                 LISTEN_SOCKETS_MAX);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        if (!take(FIRST_FD + (int)i, name_at(names != NULL ? names : "", i), sockets))
            return false;
    return true;
}

/* What the manager says of this process is malformed: to serve elsewhere would mislead. */
static bool
refuse(const char *name)
{
    char shown[64];
    const char *text = getenv(name);

    text = text != NULL ? text : "";
    log_line(LOG_ERROR, "%s: '%s' is no number", name,
             log_escape(shown, sizeof(shown), slice_make(text, strlen(text))));
    return false;
}

static bool
take_what_is_ours(struct daemon_sockets *sockets)
{
    uint32_t pid, count;

    if (getenv("LISTEN_FDS") == NULL || getenv("LISTEN_PID") == NULL)
        return true;
    if (!read_number("LISTEN_PID", &pid))
        return refuse("LISTEN_PID");
    if (pid != (uint32_t)getpid())
        return true; /* meant for another process */
    if (!read_number("LISTEN_FDS", &count))
        return refuse("LISTEN_FDS");
    return take_all(count, sockets);
}

bool
activation_take(struct daemon_sockets *sockets)
{
    bool ok = take_what_is_ours(sockets);

    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return ok;
}
