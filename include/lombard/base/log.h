/*
 * include/lombard/base/log.h - lines for the operator, on standard error or in a file.
 *
 *     2026-01-31T12:00:00.123Z warn  accepting is paused: ...
 *
 * or, where the environment's JOURNAL_STREAM says that a journal reads it,
 *
 *     <4>accepting is paused: ...
 *
 * One write(2) a line, and never one that waits: where standard error is a pipe, a
 * socket or a terminal that takes nothing now, the line is dropped and counted, and
 * once there is space again a line says how many were. Only the layers conn and app
 * log. Bytes that came from a client are passed through log_escape() first, and
 * values are never logged.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/slice.h"

enum log_level {
    LOG_ERROR, /* the operator must act */
    LOG_WARN,  /* something was refused or shed */
    LOG_INFO,  /* life of the server */
    LOG_DEBUG, /* -v: connections; */
    LOG_TRACE, /* -vv: commands */
};

/*
 * Standard error is what it will be: find out how it is written without waiting. For
 * this a descriptor of our own may be opened, so call it while that is permitted, and
 * again after descriptor 2 has become another file. Without this call lines are written
 * as well, at the price of more system calls each.
 */
void log_open(void);
/*
 * From now on lines go to FD instead: a file opened for appending, or something with O_NONBLOCK. It
 * is the log's to close. A file that is full drops lines, as a pipe does without a reader; standard
 * error is told so, once each time.
 */
void log_use(int fd);
/* Also where an operator may look when the log itself is elsewhere: a line on standard error. */
void log_complain(const char *format, ...) PRINTF_LIKE(1, 2);
/* Give up what log_open() opened, or log_use() was given: standard error again. */
void log_close(void);

/* The operator's choice: lines above LEVEL are dropped. Default LOG_INFO. */
void log_set_level(enum log_level level);
/* A client's choice (`verbosity N`): never above what the operator chose. */
void log_ask_level(enum log_level level);
enum log_level log_get_level(void);

void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * A kind of line that clients can cause often: LOG_LIMIT_LINES of it are written within
 * LOG_LIMIT_MS, further ones are counted. After that time one line says how many there
 * were: "4631 similar lines suppressed: " and WHAT. One static object for each kind:
 *
 *     static struct log_limit limit = LOG_LIMIT("accepting is paused");
 *     log_limited(&limit, LOG_WARN, "accepting is paused: %s", strerror(err));
 */
enum {
    LOG_LIMIT_LINES = 5,
    LOG_LIMIT_MS = 60 * 1000,
};

struct log_limit {
    const char *what;
    uint64_t until_ms;      /* the end of the time that is counted in */
    uint64_t suppressed;    /* of which nothing was said yet */
    uint32_t lines;         /* written within this time */
    enum log_level level;   /* of what was suppressed */
    struct log_limit *next; /* of those with suppressed lines */
};

#define LOG_LIMIT(what)                                                                        \
    {                                                                                          \
        what, 0, 0, 0, LOG_INFO, NULL                                                          \
    }

void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Once a second or so: say what was dropped and suppressed, where its time is over. */
void log_tick(void);
/* At the end: say all of it. */
void log_finish(void);

struct log_counts {
    uint64_t dropped;    /* lines that could not be written without waiting, or at all */
    uint64_t suppressed; /* lines beyond the limit of their kind */
};

const struct log_counts *log_counts(void);

struct stat_registry;
/* Add these to plain `stats`. */
void log_add_stats(struct stat_registry *registry);

/*
 * Write SRC at DST with every byte outside 0x20..0x7e as \xHH, NUL-terminated,
 * cut with "..." where BYTES do not suffice. Returns DST.
 */
const char *log_escape(char *dst, size_t bytes, struct slice src);
