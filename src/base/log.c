/* Lines for the operator: levels, form, and limits on what can come often. */
#include "lombard/base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log_priv.h"
#include "lombard/base/stats.h"
#include "lombard/base/sys.h"

enum { LINE_BYTES = 1024 };
_Static_assert(LOG_ERROR < LOG_WARN && LOG_WARN < LOG_INFO && LOG_INFO < LOG_DEBUG &&
                   LOG_DEBUG < LOG_TRACE,
               "a higher level says more");

static enum log_level level_max = LOG_INFO; /* what is written now */
static enum log_level level_cap = LOG_INFO; /* the most that a client may ask for */
static struct log_counts counts;
static uint64_t dropped_untold;
static struct log_limit *limits_untold;

void
log_set_level(enum log_level level)
{
    level_max = level;
    level_cap = level;
}

void
log_ask_level(enum log_level level)
{
    level_max = level < level_cap ? level : level_cap;
}

enum log_level
log_get_level(void)
{
    return level_max;
}

const struct log_counts *
log_counts(void)
{
    return &counts;
}

static const struct stat_entry stat_entries[] = {
    {"log_dropped", STAT_COUNTER, UNIT_LINES,
     "Lines of the log that were not written because nothing read them.", stat_get_u64,
     offsetof(struct log_counts, dropped)},
    {"log_suppressed", STAT_COUNTER, UNIT_LINES,
     "Lines of the log left out because many like them came within a minute.", stat_get_u64,
     offsetof(struct log_counts, suppressed)},
};

static void
reset_stats(void *ctx)
{
    stat_reset_counters(stat_entries, ARRAY_LEN(stat_entries), ctx);
}

void
log_add_stats(struct stat_registry *registry)
{
    static const struct stat_section section = {stat_entries, ARRAY_LEN(stat_entries), NULL, "",
                                                reset_stats};

    stats_add(registry, "", &section, &counts);
}

static const char *
level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return "error";
    case LOG_WARN: return "warn ";
    case LOG_INFO: return "info ";
    case LOG_DEBUG: return "debug";
    case LOG_TRACE: return "trace";
    }
    return "?    ";
}

/* syslog(3)'s, as sd-daemon(3) puts it before a line. */
static const char *
level_priority(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return "<3>";
    case LOG_WARN: return "<4>";
    case LOG_INFO: return "<6>";
    case LOG_DEBUG:
    case LOG_TRACE: return "<7>";
    }
    return "";
}

/* "2026-01-31T12:00:00.123Z warn  " at DST, or "<4>" for a journal; how many bytes. */
static size_t
format_prefix(char *dst, size_t bytes, enum log_level level)
{
    struct timespec now;
    struct tm utc;
    char date[32];
    int len;

    if (log_is_journal())
        return (size_t)snprintf(dst, bytes, "%s", level_priority(level));
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    len = snprintf(dst, bytes, "%s.%03ldZ %s ", date, now.tv_nsec / 1000000, level_name(level));
    return (size_t)len;
}

/* Format and write one line. */
static bool PRINTF_LIKE(2, 0) put_line(enum log_level level, const char *format, va_list args)
{
    char line[LINE_BYTES];
    size_t used = format_prefix(line, sizeof(line), level);
    int len = vsnprintf(line + used, sizeof(line) - used, format, args);
    size_t begin;

    if (len < 0)
        return false;
    begin = used;
    used += (size_t)len < sizeof(line) - used ? (size_t)len : sizeof(line) - used - 1;
    for (size_t i = begin; i < used; i++) /* of a path, say: no text makes a line of its own */
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    line[used++] = '\n';
    return log_put(line, used);
}

static bool say(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

static bool
say(enum log_level level, const char *format, ...)
{
    va_list args;
    bool put;

    va_start(args, format);
    put = put_line(level, format, args);
    va_end(args);
    return put;
}

static bool
tell_dropped(void)
{
    if (dropped_untold == 0)
        return true;
    if (!say(LOG_WARN, "%" PRIu64 " log lines were dropped: they could not be written",
             dropped_untold))
        return false;
    dropped_untold = 0;
    return true;
}

/* What was dropped before comes first, so that the gap is where it was. */
static void PRINTF_LIKE(2, 0) log_args(enum log_level level, const char *format, va_list args)
{
    if (tell_dropped() && put_line(level, format, args))
        return;
    counts.dropped++;
    dropped_untold++;
}

void
log_line(enum log_level level, const char *format, ...)
{
    va_list args;

    if (level > level_max)
        return;
    va_start(args, format);
    log_args(level, format, args);
    va_end(args);
}

/* --- What can come often --- */

static uint64_t
now_ms(void)
{
    return sys_monotonic_ns() / UINT64_C(1000000);
}

static void
forget_untold(struct log_limit *limit)
{
    struct log_limit **link = &limits_untold;

    while (*link != limit)
        link = &(*link)->next;
    *link = limit->next;
}

static void
tell_suppressed(struct log_limit *limit)
{
    if (limit->suppressed == 0)
        return;
    forget_untold(limit);
    log_line(limit->level, "%" PRIu64 " similar lines suppressed: %s", limit->suppressed,
             limit->what);
    limit->suppressed = 0;
}

static void
suppress(struct log_limit *limit, enum log_level level)
{
    counts.suppressed++;
    limit->level = level;
    if (limit->suppressed++ > 0)
        return;
    limit->next = limits_untold;
    limits_untold = limit;
}

void
log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
    uint64_t now;
    va_list args;

    if (level > level_max)
        return;
    now = now_ms();
    if (now >= limit->until_ms) {
        tell_suppressed(limit);
        limit->until_ms = now + LOG_LIMIT_MS;
        limit->lines = 0;
    }
    if (limit->lines == LOG_LIMIT_LINES) {
        suppress(limit, level);
        return;
    }
    limit->lines++;
    va_start(args, format);
    log_args(level, format, args);
    va_end(args);
}

static void
tell_until(uint64_t until_ms)
{
    struct log_limit *limit = limits_untold;

    (void)tell_dropped();
    while (limit != NULL) {
        struct log_limit *next = limit->next;

        if (limit->until_ms <= until_ms)
            tell_suppressed(limit);
        limit = next;
    }
}

void
log_tick(void)
{
    if (limits_untold != NULL || dropped_untold > 0)
        tell_until(now_ms());
}

void
log_finish(void)
{
    tell_until(UINT64_MAX);
}

const char *
log_escape(char *dst, size_t bytes, struct slice src)
{
    static const char hex[] = "0123456789abcdef";
    size_t used = 0;

    for (size_t i = 0; i < src.len; i++) {
        unsigned char c = (unsigned char)src.ptr[i];

        if (used + 4 + sizeof("...") > bytes) {
            memcpy(dst + used, "...", 3);
            used += 3;
            break;
        }
        if (c >= 0x20 && c <= 0x7e && c != '\\') {
            dst[used++] = (char)c;
        } else {
            dst[used++] = '\\';
            dst[used++] = 'x';
            dst[used++] = hex[c >> 4];
            dst[used++] = hex[c & 15];
        }
    }
    dst[used] = '\0';
    return dst;
}
