/* Tells the service manager: ready, stopping, alive. */
#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lombard/base/log.h"
#include "lombard/base/num.h"
#include "lombard/base/sys.h"
#include "sealed.h"

/* An unsigned number in the environment; false where it is missing or malformed. */
static bool
read_number(const char *name, uint64_t *number)
{
    const char *text = getenv(name);

    return text != NULL && num_parse_u64(slice_make(text, strlen(text)), number);
}

/* The address that NAME says; 0 where it is none. */
static socklen_t
parse_address(const char *name, struct sockaddr_un *address)
{
    size_t len = strlen(name);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(address->sun_path))
        return 0;
    memcpy(address->sun_path, name, len);
    if (name[0] == '@')
        address->sun_path[0] = '\0'; /* abstract: it ends where the address ends */
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
}

static uint64_t
find_watchdog_ms(void)
{
    uint64_t usec, pid;

    if (!read_number("WATCHDOG_USEC", &usec))
        return 0;
    if (read_number("WATCHDOG_PID", &pid) && pid != (uint64_t)getpid())
        return 0; /* meant for another process */
    /* At half the time, as sd_watchdog_enabled(3) advises. */
    return usec / 2000 > 0 ? usec / 2000 : usec > 0;
}

bool
notify_is_wanted(void)
{
    return getenv("NOTIFY_SOCKET") != NULL;
}

void
notify_open(struct notify *notify)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;

    *notify = (struct notify){.fd = -1};
    if (name == NULL)
        return;
    notify->address_len = parse_address(name, &address);
    if (notify->address_len == 0) {
        log_line(LOG_WARN,
                 "NOTIFY_SOCKET is no path, nor a name after '@': the service manager "
                 "is not told anything");
        return;
    }
    notify->address = sealed_copy(&address, sizeof(address));
    if (notify->address == NULL)
        return;
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    notify->watchdog_ms = find_watchdog_ms();
}

bool
notify_send(const struct notify *notify, const char *lines)
{
    size_t len = strlen(lines);

    /* Not connected: a manager that is restarted has another socket at the same name. */
    return notify->fd >= 0 && sendto(notify->fd, lines, len, MSG_DONTWAIT | MSG_NOSIGNAL,
                                     (const struct sockaddr *)notify->address,
                                     notify->address_len) == (ssize_t)len;
}

void
notify_ready(const struct notify *notify)
{
    char lines[64];

    (void)snprintf(lines, sizeof(lines), "READY=1\nMAINPID=%ld\n", (long)getpid());
    if (notify->fd >= 0 && !notify_send(notify, lines))
        log_line(LOG_WARN,
                 "NOTIFY_SOCKET: the service manager was not told that clients are "
                 "served: %s",
                 strerror(errno));
}

void
notify_status(struct notify *notify, const char *status)
{
    char lines[sizeof(notify->status) + 16];

    if (notify->fd < 0 || notify->stopping || strcmp(notify->status, status) == 0)
        return;
    (void)snprintf(notify->status, sizeof(notify->status), "%s", status);
    (void)snprintf(lines, sizeof(lines), "STATUS=%s\n", notify->status);
    (void)notify_send(notify, lines);
}

void
notify_reloading(const struct notify *notify)
{
    char lines[64];

    (void)snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
                   sys_monotonic_ns() / 1000);
    (void)notify_send(notify, lines);
}

void
notify_reloaded(const struct notify *notify)
{
    (void)notify_send(notify, "READY=1\n");
}

bool
notify_is_abstract(const struct notify *notify)
{
    return notify->fd >= 0 && notify->address->sun_path[0] == '\0';
}

void
notify_stopping(struct notify *notify)
{
    if (!notify->stopping)
        (void)notify_send(notify, "STOPPING=1\nSTATUS=Leaving when replies are sent\n");
    notify->stopping = true;
}

static void
on_watchdog(struct timer *timer)
{
    struct notify *notify = CONTAINER_OF(timer, struct notify, timer);

    (void)notify_send(notify, "WATCHDOG=1\n");
    timer_set(loop_timers(notify->loop), timer,
              loop_now_ms(notify->loop) + notify->watchdog_ms);
}

void
notify_watch(struct notify *notify, struct loop *loop)
{
    if (notify->fd < 0 || notify->watchdog_ms == 0)
        return;
    notify->loop = loop;
    timer_init(&notify->timer, on_watchdog);
    on_watchdog(&notify->timer);
}

void
notify_close(struct notify *notify)
{
    if (notify->loop != NULL)
        timer_cancel(&notify->timer);
    notify->loop = NULL;
    if (notify->fd >= 0)
        (void)close(notify->fd);
    notify->fd = -1;
}
