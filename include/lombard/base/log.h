/*
 * include/lombard/base/log.h - lines for the operator, on standard error.
 *
 *     2026-01-31T12:00:00.123Z warn  listening is paused: ...
 *
 * One write(2) a line. Only the rooms conn and app log. Bytes that came from a
 * client are passed through log_escape() first, and values are never logged.
 */
#pragma once

#include <stddef.h>

#include "lombard/base/attr.h"
#include "lombard/base/slice.h"

enum log_level {
    LOG_ERROR, /* the operator must act */
    LOG_WARN,  /* something was refused or shed */
    LOG_INFO,  /* life of the server */
    LOG_DEBUG, /* -v: connections; */
    LOG_TRACE, /* -vv: commands */
};

/* Lines above LEVEL are dropped. Default LOG_INFO. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * Write SRC at DST with every byte outside 0x20..0x7e as \xHH, NUL-terminated,
 * cut with "..." where BYTES do not suffice. Returns DST.
 */
const char *log_escape(char *dst, size_t bytes, struct slice src);
