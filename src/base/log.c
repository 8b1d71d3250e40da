#include "lombard/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum log_level max_level = LOG_INFO;

void
log_set_level(enum log_level level)
{
    max_level = level;
}

enum log_level
log_get_level(void)
{
    return max_level;
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

/* "2026-01-31T12:00:00.123Z warn  " at DST; how many bytes. */
static size_t
format_prefix(char *dst, size_t bytes, enum log_level level)
{
    struct timespec now;
    struct tm utc;
    char date[32];
    int len;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    len = snprintf(dst, bytes, "%s.%03ldZ %s ", date, now.tv_nsec / 1000000, level_name(level));
    return (size_t)len;
}

void
log_line(enum log_level level, const char *format, ...)
{
    char line[1024];
    size_t used;
    va_list args;
    int len;

    if (level > max_level)
        return;
    used = format_prefix(line, sizeof(line), level);
    va_start(args, format);
    len = vsnprintf(line + used, sizeof(line) - used, format, args);
    va_end(args);
    if (len < 0)
        return;
    used += (size_t)len < sizeof(line) - used ? (size_t)len : sizeof(line) - used - 1;
    line[used++] = '\n';
    /* A log that cannot be written has nobody left to tell. */
    if (write(STDERR_FILENO, line, used) < 0)
        return;
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
