/*
 * tools/bench/options_priv.h - the table of options, and who reads it.
 */
#pragma once

#include <stddef.h>

#include "options.h"

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

/* Set what the preset NAME stands for. False when there is none of that name. */
bool preset_apply(struct options *o, const char *name) MUST_USE;
/* For the help: a line each. */
void preset_list(void);
