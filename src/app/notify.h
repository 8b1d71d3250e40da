/*
 * src/app/notify.h - telling the service manager how the server is: sd_notify(3), by hand.
 *
 * A datagram of lines NAME=VALUE goes to the unix socket that the environment names; the
 * manager only reads. Sending never waits, and a manager that does not read misses lines.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lombard/base/attr.h"
#include "lombard/event/loop.h"
#include "lombard/event/timer.h"

/* Whether a service manager wants to be told. */
bool notify_is_wanted(void);

struct notify {
    int fd;                            /* -1: there is no manager that asked */
    const struct sockaddr_un *address; /* sealed (sealed.h) */
    socklen_t address_len;
    uint64_t watchdog_ms; /* how often the manager wants a sign of life, halved; 0: never */
    struct timer timer;
    struct loop *loop; /* NULL: no sign of life is given */
    bool stopping;     /* it has been told */
    char status[128];  /* the last one that was told */
};

/*
 * Look for a manager: NOTIFY_SOCKET (a path, or an abstract name after '@'), WATCHDOG_USEC and
 * WATCHDOG_PID, the latter compared with the process that calls. What cannot be used is as if
 * it were not there, but for a line in the log.
 */
void notify_open(struct notify *notify);
/* Send LINES, "STATUS=text\n". False when the manager did not get them, or there is none. */
bool notify_send(const struct notify *notify, const char *lines);
/* READY, and a line in the log where that cannot be told: clients are served. This process is the main one, even if it was not when it began. */
void notify_ready(const struct notify *notify);
/* STATUS, where it has changed: a line that the manager shows. Nothing once it stops. */
void notify_status(struct notify *notify, const char *status);
/* RELOADING: what comes next changes how it serves; until notify_reloaded(). */
void notify_reloading(const struct notify *notify);
void notify_reloaded(const struct notify *notify);
/* Whether the manager's socket has an abstract name. */
bool notify_is_abstract(const struct notify *notify);
/* STOPPING, once. */
void notify_stopping(struct notify *notify);
/* From now on the loop gives signs of life, for as long as it goes round. */
void notify_watch(struct notify *notify, struct loop *loop);
/* Does nothing where nothing is open. */
void notify_close(struct notify *notify);
