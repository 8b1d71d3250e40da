/*
 * src/app/config_options.h - the table of options, and values as users write them.
 */
#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "lombard/base/attr.h"

/* How the value of an option is written, and what its field is. */
enum option_kind {
    OPTION_ALLOW,         /* no value: bool, true with it */
    OPTION_FORBID,        /* no value: bool, false with it */
    OPTION_TURN_OFF,      /* likewise; shown as on and off, not as yes and no */
    OPTION_ON_OFF,        /* on, off: bool */
    OPTION_AUTO_OFF,      /* auto, off: bool */
    OPTION_COUNT,         /* no value: int, how often it is there */
    OPTION_NUMBER,        /* uint32_t */
    OPTION_MILLISECONDS,  /* uint32_t, as they are written */
    OPTION_SECONDS,       /* uint32_t */
    OPTION_SECONDS_IN_MS, /* uint32_t: milliseconds */
    OPTION_MEGABYTES, /* m may follow without a meaning, g with one: uint64_t or size_t, bytes */
    OPTION_BYTES,     /* k, m or g may follow: uint64_t or size_t */
    OPTION_PORT,      /* -1, too: int */
    OPTION_MODE,      /* octal: unsigned */
    OPTION_TEXT,      /* not empty: const char *, within the argument */
    OPTION_FILE,      /* likewise; shown as "no" where it is not set */
    OPTION_HOSTS,     /* hosts[] and host_count */
    OPTION_THREADS,   /* any number, of which one is used: uint32_t */
    OPTION_UDP,       /* 0 alone: uint32_t */
    OPTION_PROTOCOL,  /* auto, ascii, binary: enum config_protocol */
    OPTION_FAVOR,     /* objects, balanced, bytes: enum store_favor */
    OPTION_DELIMITER, /* a character; turns on `stats detail` as well: char */
    OPTION_EXTENDED,  /* from here on, no field: -o */
    OPTION_PING,
    OPTION_STATS,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_LICENSE,
    OPTION_IGNORED,
    OPTION_REFUSED,
};

/* Where --help says it. */
enum option_group {
    GROUP_LISTENING,
    GROUP_MEMORY,
    GROUP_CONNECTIONS,
    GROUP_PROCESS,
    GROUP_ASKING,
    GROUP_NONE,
};

/* One line of options.def. */
struct option_info {
    int letter;        /* 0: none */
    const char *name;  /* NULL: none */
    const char *value; /* what --help calls it; NULL: takes none */
    enum option_group group;
    enum option_kind kind;
    size_t off;          /* of its field in struct config, */
    size_t bytes;        /* and of how many */
    const char *initial; /* NULL: nothing */
    uint64_t min, max;   /* of what a user writes */
    const char *unit;    /* of that */
    const char *help;    /* or why it is ignored or refused */
};

/* Option number I, in the order of options.def; NULL behind the last. */
const struct option_info *option_at(size_t i);
/* For getopt_long(): all letters, and all names. */
const char *option_letters(void);
const struct option *option_names(void);
/* The option that getopt_long() returned, or put into optopt, as VALUE; NULL: none. */
const struct option_info *option_of(int value);
/* The option whose long name is NAME, which exists. */
const struct option_info *option_of_name(const char *name);
/* "-m (--memory-limit)" at DST, cut where BYTES do not suffice. */
void option_name(const struct option_info *option, char *dst, size_t bytes);

/* --- config_values.c --- */

/*
 * Set the option's field to what TEXT says; NULL where the option takes no value. False when
 * TEXT is malformed or out of range: nothing is changed then. Commas in TEXT may become ends;
 * CONFIG may point into it.
 */
bool option_set(struct config *config, const struct option_info *option, char *text) MUST_USE;
/* Before anything is set: what the option has without being given. */
void option_set_initial(struct config *config, const struct option_info *option);
/* The values that there are, at DST: "1 to 262144 (megabytes)". */
void option_range(const struct option_info *option, char *dst, size_t bytes);
/* TEXT without the blanks at its beginning. */
char *option_skip_blanks(char *text);
/* Likewise, and without those at its end, which are overwritten. */
char *option_trim(char *text);
