/*
 * include/lombard/base/stats.h - counters, and how `stats` gets at them.
 *
 * A room keeps its counters in a struct of uint64_t made from its .def file,
 * an X-macro list of STAT(name, COUNTER|GAUGE, "what it counts"). Order in the
 * file is order of output; names are wire protocol.
 *
 *     struct pool_stats {
 *     #define STAT(name, kind, help) uint64_t name;
 *     #include "lombard/loan/pool_stats.def"
 *     #undef STAT
 *     };
 *
 * Lines are pulled, one at a time, by whoever has room for one: so `stats` of
 * any length streams to a reader as slow as it likes, and holds nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

enum { STAT_NAME_BYTES = 64, STAT_VALUE_BYTES = 256 };

enum stat_kind {
    COUNTER, /* only grows; `stats reset` puts it back to 0 */
    GAUGE,   /* a state; never reset */
};

/* One line of output. Both are NUL-terminated. */
struct stat_line {
    char name[STAT_NAME_BYTES];
    char value[STAT_VALUE_BYTES];
};

struct stat_desc {
    const char *name;
    size_t off; /* of the uint64_t within its struct */
    enum stat_kind kind;
};

/*
 * Where lines come from. A cursor starts at 0; NEXT writes one line and moves
 * it, or returns false when there is none left. Between two calls anything may
 * change: a source keeps no state but the cursor.
 */
struct stat_source {
    const char *group; /* argument of `stats`; "" for plain `stats` */
    bool (*next)(void *ctx, uint64_t *cursor, struct stat_line *line);
    void (*reset)(void *ctx); /* `stats reset`; may be NULL */
    void *ctx;                /* outlives the source */
};

/* NEXT for a plain table: the line at *CURSOR, if it is below COUNT. */
bool stat_table_next(const struct stat_desc *descs, size_t count, const void *counters,
                     uint64_t *cursor, struct stat_line *line);
/* Put every COUNTER of the table back to 0. */
void stat_table_reset(const struct stat_desc *descs, size_t count, void *counters);

/* Fill a line. Too long a name or value is cut. */
void stat_line_u64(struct stat_line *line, const char *name, uint64_t value);
void stat_line_text(struct stat_line *line, const char *name, const char *value);
void stat_line_printf(struct stat_line *line, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);
