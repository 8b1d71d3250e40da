/*
 * include/lombard/base/stats.h - the registry of statistics, and the walk over it.
 *
 *     registry -> source: a group of `stats`, a section, and what the section is read from
 *                   section -> entries: name, kind, unit, help, getter
 *                           -> family: the instances, where there are several
 *
 * Every statistic is declared once, next to what it counts, as a `struct stat_entry` in a
 * table that never changes. Counters themselves are plain integers in structs; a getter
 * reads one when it is asked for. Whatever shows statistics is a walk over the registry
 * that knows none of them:
 *   - `stats GROUP` pulls lines (stats_begin(), stats_next());
 *   - a renderer of metrics walks sources, entries and instances (stats_find(),
 *     stats_read()), and has names, types, units and help texts from the tables; it keeps where
 *     it is in a struct stat_walk.
 *
 * A table is mostly made from a .def file, a list of
 *     STAT(name, COUNTER|GAUGE, unit, "A sentence that says what it tells.")
 * from which the struct of counters is made, too: each is a uint64_t. Names are wire
 * protocol, and the order of entries is the order of output.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/image.h"
#include "lombard/base/slice.h"

enum {
    STAT_NAME_BYTES = 64,
    STAT_VALUE_BYTES = 768, /* a key as put_uri() has it, among others */
    STAT_LABEL_BYTES = 32,
    STAT_SOURCES_MAX = 64,
    STAT_HISTOGRAMS_MAX = 8,
};

/* --- What a statistic is --- */

enum stat_kind {
    STAT_COUNTER, /* a number that only grows, until `stats reset` */
    STAT_GAUGE,   /* a number that is a state */
    STAT_TEXT,
};

enum stat_unit {
    UNIT_NONE, /* of a text, and of no other kind */
    UNIT_BITS,
    UNIT_BYTES,
    UNIT_SECONDS,
    UNIT_MILLISECONDS,
    UNIT_MICROSECONDS,
    UNIT_ITEMS,
    UNIT_REQUESTS, /* each key of a multiget is one */
    UNIT_CONNECTIONS,
    UNIT_BUFFERS,
    UNIT_SEGMENTS,
    UNIT_BUCKETS, /* of the index */
    UNIT_PAGES,   /* of memcached's slabs, as are chunks */
    UNIT_CHUNKS,
    UNIT_THREADS,
    UNIT_LINES,  /* of the log */
    UNIT_EVENTS, /* how often something happened */
    UNIT_FLAG,   /* 0 or 1 */
    UNIT_NUMBER, /* anything else: a process, a port, a level, a limit */
};

/* "bytes", "seconds", ...; "" for UNIT_NONE. */
const char *stat_unit_name(enum stat_unit unit);

/* NUL-terminated; of counters and gauges a decimal number, perhaps with a fraction. */
struct stat_value {
    char text[STAT_VALUE_BYTES];
};

struct stat_entry;

/* Reads ENTRY from RECORD, which is that of an instance, or the source's context. */
typedef void stat_get(const struct stat_entry *entry, const void *record,
                      struct stat_value *value);

struct stat_entry {
    const char *name; /* lower case letters, digits and underscores */
    enum stat_kind kind;
    enum stat_unit unit;
    const char *help; /* a sentence */
    stat_get *get;
    size_t arg; /* the getter's: mostly the offset of what it reads */
};

/* The uint64_t at offset entry->arg of RECORD. */
uint64_t stat_field(const struct stat_entry *entry, const void *record);

/* Getters: that field; a uint32_t there; entry->arg itself. */
stat_get stat_get_u64, stat_get_u32, stat_get_constant;

/* What a getter says. Too long a text is cut. */
void stat_put_u64(struct stat_value *value, uint64_t number);
void stat_put_text(struct stat_value *value, const char *text);
void stat_printf(struct stat_value *value, const char *format, ...) PRINTF_LIKE(2, 3);

/* --- Statistics that exist several times: of each connection, reason, class, ... --- */

struct stat_instance {
    const void *record;           /* what its getters read */
    char label[STAT_LABEL_BYTES]; /* which one; "" where there is but one */
};

enum stat_step {
    STAT_FOUND,
    STAT_SEARCHING, /* not found yet: ask again, but serve other connections first */
    STAT_END,       /* there is no further one */
};

struct stat_family {
    const char *label; /* what a label names: "reason" */
    const char *line;  /* the name of a line: %l is the label, %n the name of the entry */
    /*
     * The first instance at *POSITION or after it, which counts from 0. STAT_FOUND: *POSITION is
     * its own. STAT_SEARCHING: go on from *POSITION. Instances may come and go between two
     * calls; each call takes a bounded time.
     */
    enum stat_step (*next)(void *ctx, uint64_t *position, struct stat_instance *instance);
};

/* Statistics that are read from the same context. */
struct stat_section {
    const struct stat_entry *entries;
    size_t entry_count;
    const struct stat_family *family; /* NULL: one instance, whose record is the context */
    const char *prefix;               /* of the names of metrics, where they need one; or "" */
    void (*reset)(void *ctx);         /* `stats reset`; NULL: nothing is reset */
};

/* Put every counter of the table, all of them fields of RECORD, back to 0. */
void stat_reset_counters(const struct stat_entry *entries, size_t count, void *record);

/*
 * Durations by how long they were. No line of `stats` shows it; renderers of metrics do. Its
 * instances are those of a struct stat_family's next, with their records.
 */
struct stat_histogram {
    const char *name;
    const char *help;
    const char *label; /* what a label names */
    enum stat_step (*next)(void *ctx, uint64_t *position, struct stat_instance *instance);
    /* How many there were of at most NS nanoseconds. UINT64_MAX: in all. */
    uint64_t (*count_until)(const void *record, uint64_t ns);
    uint64_t (*sum_ns)(const void *record);
};

/* --- The registry --- */

/*
 * What `stats GROUP ARGS` shows of a source: the first position, and how many instances from there
 * (0: all). Both are 0 before. False: there is no such argument.
 */
typedef bool stat_select(void *ctx, struct slice args, uint64_t *position, uint64_t *count);

struct stat_source {
    const char *group; /* the argument of `stats`; "" for plain `stats` */
    const struct stat_section *section;
    void *ctx;
    bool repeats;        /* it shows what other sources show */
    stat_select *select; /* NULL: arguments are not looked at */
    bool lists;          /* it has as many instances as there are clients, keys or events */
    bool derives;        /* it is computed of counters and histograms that are shown as well */
    bool guarded;        /* only operators may ask for its group, where they have a listener */
};

struct stat_histogram_source {
    const struct stat_histogram *histogram;
    void *ctx;
};

/* All zero: empty. */
struct stat_registry {
    struct stat_source sources[STAT_SOURCES_MAX]; /* in the order of output */
    size_t count;
    struct stat_histogram_source histograms[STAT_HISTOGRAMS_MAX];
    size_t histogram_count;
};

/* Show SECTION in GROUP, after what is there. CTX outlives the registry's use. */
void stats_add(struct stat_registry *registry, const char *group,
               const struct stat_section *section, void *ctx);
/*
 * Likewise, where all that it shows is in other sources as well, if under other names: for
 * groups that repeat something. A renderer of all statistics passes over it, and so does
 * stats_reset().
 */
void stats_repeat(struct stat_registry *registry, const char *group,
                  const struct stat_section *section, void *ctx);
/*
 * Likewise, where it has as many instances as there are clients, keys or events: it is shown to
 * those only who ask for its group.
 */
void stats_list(struct stat_registry *registry, const char *group,
                const struct stat_section *section, void *ctx);
/*
 * Likewise, where it is computed of counters and histograms that are shown as well, for people: rates
 * and percentiles by window. A renderer of metrics, whose reader computes them itself, passes over it.
 */
void stats_derive(struct stat_registry *registry, const char *group,
                  const struct stat_section *section, void *ctx);
/* The source that was added last is shown by arguments, too. */
void stats_select(struct stat_registry *registry, stat_select *select);
/* One that takes "N": so many instances at most. */
stat_select stats_select_count;
/* The group of the source that was added last shows keys of clients, or what concerns only operators. */
void stats_guard(struct stat_registry *registry);
void stats_add_histogram(struct stat_registry *registry, const struct stat_histogram *histogram,
                         void *ctx);

void stats_reset(const struct stat_registry *registry);

/* As struct stat_family's next, for any source. */
enum stat_step stats_find(const struct stat_source *source, uint64_t *position,
                          struct stat_instance *instance) MUST_USE;
void stats_read(const struct stat_entry *entry, const struct stat_instance *instance,
                struct stat_value *value);

/* --- Lines of a group --- */

struct stat_line {
    char name[STAT_NAME_BYTES]; /* NUL-terminated; too long a name is cut */
    struct stat_value value;
};

/* Which line comes next: of an instance of a source, of which entry. */
struct stat_cursor {
    uint64_t position;
    uint64_t left; /* instances that may still come, this one included; 0: all */
    uint16_t source;
    uint16_t entry;
    bool ended;
};

/*
 * The first source from *SOURCE on that is the first of its group, where that is no list. False
 * when there is none. So a renderer finds all groups in their order.
 */
bool stats_find_group(const struct stat_registry *registry, uint16_t *source) MUST_USE;
/* Before the first line of GROUP; false when there is no such group. */
bool stats_begin(const struct stat_registry *registry, struct slice group,
                 struct stat_cursor *cursor) MUST_USE;
/* Whether the group that CURSOR has begun is one of those. */
bool stats_is_guarded(const struct stat_registry *registry, const struct stat_cursor *cursor);
/* As stats_begin(), of what ARGS say; false as well when they say nothing that there is. */
bool stats_begin_with(const struct stat_registry *registry, struct slice group,
                      struct slice args, struct stat_cursor *cursor) MUST_USE;
/*
 * STAT_FOUND: *LINE is the next one. Where its instance has gone since the last line, the
 * first line of the next instance follows; or, if a new one has its position already, the
 * rest of its lines.
 */
enum stat_step stats_next(const struct stat_registry *registry, struct stat_cursor *cursor,
                          struct stat_line *line) MUST_USE;

/* --- For a server that goes on in another process --- */

/* Every counter that is not 0, by its name. */
void stats_write(const struct stat_registry *registry, struct image *image);
/*
 * Set every counter to what LIST, as it was written, says of one with the same name; else to 0. What is in
 * LIST and not in REGISTRY is passed over. Counters that have a getter of their own are not carried.
 */
void stats_read_written(const struct stat_registry *registry, struct slice list);

/* --- All of it --- */

/* Where a renderer of the whole registry is, which begins with all zero; the rest is its own. */
struct stat_walk {
    struct stat_cursor at;
    uint32_t part;
    uint32_t step;
};
