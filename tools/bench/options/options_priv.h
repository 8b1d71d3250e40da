/*
 * tools/bench/options/options_priv.h - the table of options, and the functions that read their arguments.
 */
#pragma once

#include <stddef.h>

#include "options/options.h"

/* How an option's argument becomes a field. */
enum arg_kind {
    ARG_NONE, /* a flag */
    ARG_TEXT,
    ARG_COUNT,
    ARG_DURATION,
    ARG_SHARE, /* 0 to 1, or 0% to 100% */
    ARG_CUSTOM,
};

struct option_desc {
    const char *name;
    char letter; /* 0: none */
    enum arg_kind kind;
    size_t off;                                        /* of the field, unless CUSTOM */
    uint64_t min, max;                                 /* COUNT */
    bool (*parse)(struct options *o, const char *arg); /* CUSTOM */
    const char *arg;                                   /* its name in the help */
    const char *help;
};

extern const struct option_desc option_descs[];
extern const size_t option_count;

/* Say what is wrong with the command line: OPTIONS_BAD. */
PRINTF_LIKE(1, 2) enum options_result options_bad(const char *format, ...);
/* All options are there: what does not go together, and defaults that depend on others. */
enum options_result options_check(struct options *o) MUST_USE;

/* Arguments that have a form of their own (ARG_CUSTOM). False, with O as it was, where ARG is none. */
bool option_ratio(struct options *o, const char *arg) MUST_USE;
bool option_mix(struct options *o, const char *arg) MUST_USE;
bool option_distribution(struct options *o, const char *arg) MUST_USE;
bool option_key_size(struct options *o, const char *arg) MUST_USE;
bool option_value_size(struct options *o, const char *arg) MUST_USE;
bool option_arrivals(struct options *o, const char *arg) MUST_USE;
bool option_placement(struct options *o, const char *arg) MUST_USE;
bool option_protocol(struct options *o, const char *arg) MUST_USE;
bool option_trace_format(struct options *o, const char *arg) MUST_USE;
bool option_simulate(struct options *o, const char *arg) MUST_USE;
bool option_seconds(struct options *o, const char *arg) MUST_USE;
bool option_ttl(struct options *o, const char *arg) MUST_USE;
bool option_speed(struct options *o, const char *arg) MUST_USE;
bool option_think(struct options *o, const char *arg) MUST_USE;
bool option_database(struct options *o, const char *arg) MUST_USE;
bool option_phase(struct options *o, const char *arg) MUST_USE;
bool option_sweep(struct options *o, const char *arg) MUST_USE;
bool option_warmup(struct options *o, const char *arg) MUST_USE;
bool option_spin(struct options *o, const char *arg) MUST_USE;
bool option_until(struct options *o, const char *arg) MUST_USE;
bool option_find_max(struct options *o, const char *arg) MUST_USE;

/* Set what the preset NAME stands for. False when there is none of that name. */
bool preset_apply(struct options *o, const char *name) MUST_USE;
/* What to do instead of WORD, an option of memtier or redis-benchmark; NULL: it is none that is known. */
const char *option_instead(const char *word);
/* For the help: a line. */
void preset_summary(void);
