/*
 * src/proto/words_priv.h - a command line of the text protocol as words.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/slice.h"

/* memcached does not look at more either. */
enum { WORDS_MAX = 23 };

struct words {
    struct slice at[WORDS_MAX]; /* at[0] is the command */
    unsigned count;             /* WORDS_MAX: so many or more */
};

/* The words of LINE, which spaces separate. */
void words_split(struct slice line, struct words *words);
/* The last word is "noreply". */
bool words_end_in_noreply(const struct words *words);
/* Word I is there, and is TEXT. */
bool words_has(const struct words *words, unsigned i, struct slice text);
/* The first word of *LINE, which then begins behind it; empty at the end. */
struct slice words_take(struct slice *line);
