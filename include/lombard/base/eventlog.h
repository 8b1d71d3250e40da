/*
 * include/lombard/base/eventlog.h - what happened, for the operator: a line of the log each, and the
 * last EVENTS_MAX of them kept in memory, whether or not they were logged.
 *
 *     event=closed reason=idle id=7 addr=tcp:10.0.0.1:4711 idle_s=300 ...
 *
 * Fields are key=value, separated by blanks, without blanks in a value. Of each kind EVENT_LINES, or as
 * many as it says, are taken within EVENT_WINDOW_MS; after that time one more says how many were left out: "more=29".
 * One static object for each kind; what costs something is asked for only where it is admitted:
 *
 *     static struct event_kind kind = EVENT_KIND("refused reason=conn_limit", LOG_WARN);
 *
 *     if (event_admits(&kind))
 *         event_add(&kind, "addr=%s", ...);
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/log.h"
#include "lombard/base/slice.h"

enum {
    EVENTS_MAX = 1000,
    EVENT_TEXT_BYTES = 320, /* longer ones are cut: what says who it was comes first */
    EVENT_LINES = 200,
    EVENT_WINDOW_MS = 60 * 1000,
};

struct event_kind {
    const char *name;        /* and what all of its events have in common */
    enum log_level level;    /* at which they are logged */
    uint32_t most;           /* within a window */
    uint32_t lines;          /* taken within this one */
    uint64_t until_ms;       /* the end of the window; 0: none has come */
    uint64_t more;           /* left out of this window */
    struct event_kind *next; /* of those with `more` */
};

#define EVENT_KIND(name, level) EVENT_KIND_OF(name, level, EVENT_LINES)
#define EVENT_KIND_OF(name, level, most)                                                       \
    {                                                                                          \
        name, level, most, 0, 0, 0, NULL                                                       \
    }

/* Count one event. False: it is one too many of its kind. */
bool event_admits(struct event_kind *kind) MUST_USE;
/* Keep one that was admitted, and log it. */
void event_add(struct event_kind *kind, const char *format, ...) PRINTF_LIKE(2, 3);
/* Write SRC at DST as a field's value: blanks become '_', what is not visible '?'. Returns DST. */
const char *event_value(char *dst, size_t bytes, struct slice src);

/* What is told each event, behind "event=": one, or NULL. It adds none itself. */
typedef void event_listener(void *ctx, const char *text);
void event_listen(event_listener *listener, void *ctx);

/* Once a second or so: say how many more there were, where the window is over. */
void event_tick(void);
/* At the end: say all of it. */
void event_finish(void);

struct stat_registry;
/*
 * Add `events` and `events_left_out` to plain `stats`, and the group `events`, oldest first; its arguments
 * are [LEVEL] [N]: only those of that level or a worse one; only the last N of them.
 */
void event_add_stats(struct stat_registry *registry);
