/* Keeps the last events in memory, logs them, and limits how many there are of a kind. */
#include "lombard/base/eventlog.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lombard/base/num.h"
#include "lombard/base/stats.h"
#include "lombard/base/sys.h"

struct kept_event {
    uint64_t unix_ms;
    enum log_level level;
    char text[EVENT_TEXT_BYTES];
};

static struct kept_event ring[EVENTS_MAX]; /* number N at N % EVENTS_MAX */
static struct event_counts {
    uint64_t added; /* since the start: the number of the next one */
    uint64_t left_out;
} counts;
static struct event_kind *kinds_untold;
static event_listener *listener;
static void *listener_ctx;

/* --- Adding --- */

static uint64_t
unix_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void PRINTF_LIKE(2, 0)
    add(const struct event_kind *kind, const char *format, va_list args)
{
    struct kept_event *event = &ring[counts.added++ % EVENTS_MAX];
    int used = snprintf(event->text, sizeof(event->text), "event=%s ", kind->name);

    event->unix_ms = unix_ms();
    event->level = kind->level;
    if (used > 0 && (size_t)used < sizeof(event->text))
        (void)vsnprintf(event->text + used, sizeof(event->text) - (size_t)used, format, args);
    log_line(kind->level, "%s", event->text);
    if (listener != NULL)
        listener(listener_ctx, event->text + strlen("event="));
}

void
event_add(struct event_kind *kind, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(kind, format, args);
    va_end(args);
}

void
event_listen(event_listener *to, void *ctx)
{
    listener = to;
    listener_ctx = ctx;
}

static void
forget_untold(struct event_kind *kind)
{
    struct event_kind **link = &kinds_untold;

    while (*link != kind)
        link = &(*link)->next;
    *link = kind->next;
}

static void
tell_more(struct event_kind *kind)
{
    uint64_t more = kind->more;

    if (more == 0)
        return;
    forget_untold(kind);
    kind->more = 0;
    event_add(kind, "more=%" PRIu64, more);
}

bool
event_admits(struct event_kind *kind)
{
    uint64_t now_ms = sys_monotonic_ns() / 1000000;

    if (now_ms >= kind->until_ms) {
        tell_more(kind);
        kind->until_ms = now_ms + EVENT_WINDOW_MS;
        kind->lines = 0;
    }
    if (kind->lines < kind->most) {
        kind->lines++;
        return true;
    }
    counts.left_out++;
    if (kind->more++ == 0) {
        kind->next = kinds_untold;
        kinds_untold = kind;
    }
    return false;
}

const char *
event_value(char *dst, size_t bytes, struct slice src)
{
    size_t len = src.len < bytes ? src.len : bytes - 1;

    for (size_t i = 0; i < len; i++)
        dst[i] = src.ptr[i] == ' '                       ? '_'
                 : src.ptr[i] > ' ' && src.ptr[i] <= '~' ? src.ptr[i]
                                                         : '?';
    dst[len] = '\0';
    return dst;
}

static void
tell_until(uint64_t now_ms)
{
    struct event_kind *kind = kinds_untold;

    while (kind != NULL) {
        struct event_kind *next = kind->next;

        if (kind->until_ms <= now_ms)
            tell_more(kind);
        kind = next;
    }
}

void
event_tick(void)
{
    if (kinds_untold != NULL)
        tell_until(sys_monotonic_ns() / 1000000);
}

void
event_finish(void)
{
    tell_until(UINT64_MAX);
}

/* --- Showing --- */

static const char *
level_text(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return "error";
    case LOG_WARN: return "warn";
    case LOG_INFO: return "info";
    case LOG_DEBUG: return "debug";
    case LOG_TRACE: return "trace";
    }
    BUG("log_level out of range");
}

static void
get_event(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct kept_event *event = record;

    stat_printf(value, "time=%" PRIu64 ".%03" PRIu64 " level=%s %s", event->unix_ms / 1000,
                event->unix_ms % 1000, level_text(event->level), event->text);
}

/* The number of the oldest that is still there. */
static uint64_t
oldest(void)
{
    return counts.added > EVENTS_MAX ? counts.added - EVENTS_MAX : 0;
}

/*
 * A position is the number of an event, and above it how many levels are left out: a walk that begins
 * at 0 shows all.
 */
enum { LEVEL_SHIFT = 56 };

static enum log_level
level_shown(uint64_t position)
{
    return (enum log_level)(LOG_TRACE - (position >> LEVEL_SHIFT));
}

static uint64_t
number_of(uint64_t position)
{
    return position & ((UINT64_C(1) << LEVEL_SHIFT) - 1);
}

static enum stat_step
next_event(void *ctx UNUSED, uint64_t *position, struct stat_instance *instance)
{
    enum log_level level = level_shown(*position);
    uint64_t number = number_of(*position);

    if (number < oldest())
        number = oldest();
    while (number < counts.added && ring[number % EVENTS_MAX].level > level)
        number++;
    if (number >= counts.added)
        return STAT_END;
    *position = (uint64_t)(LOG_TRACE - level) << LEVEL_SHIFT | number;
    instance->record = &ring[number % EVENTS_MAX];
    (void)snprintf(instance->label, sizeof(instance->label), "%" PRIu64, number);
    return STAT_FOUND;
}

/* ARGS may begin with a level, which is taken off them then; *LEVEL is left alone otherwise. */
static struct slice
take_level(struct slice args, enum log_level *level)
{
    for (enum log_level l = LOG_ERROR; l <= LOG_TRACE; l++) {
        const char *text = level_text(l);
        size_t len = strlen(text);

        if (args.len < len || memcmp(args.ptr, text, len) != 0 ||
            (args.len > len && args.ptr[len] != ' '))
            continue;
        *level = l;
        len += args.len > len;
        return slice_make(args.ptr + len, args.len - len);
    }
    return args;
}

/* `stats events [LEVEL] [N]`: the last N of that level or a worse one. */
static bool
select_events(void *ctx UNUSED, struct slice args, uint64_t *position, uint64_t *count UNUSED)
{
    enum log_level level = LOG_TRACE;
    uint64_t wanted = EVENTS_MAX;
    uint64_t number = counts.added;
    struct slice rest = take_level(args, &level);

    if (rest.len > 0 && !num_parse_u64(rest, &wanted))
        return false;
    while (wanted > 0 && number > oldest()) {
        number--;
        wanted -= ring[number % EVENTS_MAX].level <= level;
    }
    *position = (uint64_t)(LOG_TRACE - level) << LEVEL_SHIFT | number;
    return true;
}

static const struct stat_entry event_entries[] = {
    {"event", STAT_TEXT, UNIT_NONE, "What happened.", get_event, 0},
};
static const struct stat_family event_family = {"number", "%l", next_event};
static const struct stat_section event_section = {event_entries, ARRAY_LEN(event_entries),
                                                  &event_family, "", NULL};

static const struct stat_entry count_entries[] = {
    {"events", STAT_GAUGE, UNIT_LINES, "Events since the start, for `stats events`.",
     stat_get_u64, offsetof(struct event_counts, added)},
    {"events_left_out", STAT_COUNTER, UNIT_EVENTS,
     "Events left out because many of their kind came within a minute.", stat_get_u64,
     offsetof(struct event_counts, left_out)},
};

static void
reset_counts(void *ctx)
{
    stat_reset_counters(count_entries, ARRAY_LEN(count_entries), ctx);
}

static const struct stat_section count_section = {count_entries, ARRAY_LEN(count_entries), NULL,
                                                  "", reset_counts};

void
event_add_stats(struct stat_registry *registry)
{
    stats_add(registry, "", &count_section, &counts);
    stats_list(registry, "events", &event_section, NULL);
    stats_select(registry, select_events);
}
