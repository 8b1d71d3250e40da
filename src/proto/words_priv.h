/*
 * src/proto/words_priv.h - a command line of the text protocol as words.
 */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "lombard/base/slice.h"

/* memcached does not look at more either. */
enum { WORDS_MAX = 23 };

struct words {
    struct slice at[WORDS_MAX]; /* at[0] is the command */
    unsigned count;             /* WORDS_MAX: that many or more */
};

/* The first word from *POS on, which then is behind it; empty at the end. */
static inline struct slice
words_next(const char **pos, const char *end)
{
    const char *p = *pos;
    const char *stop;

    while (p < end && *p == ' ')
        p++;
    stop = p < end ? memchr(p, ' ', (size_t)(end - p)) : end;
    *pos = stop == NULL ? end : stop;
    return slice_make(p, (size_t)(*pos - p));
}

/* Likewise the first word of *LINE, which then begins behind it. */
static inline struct slice
words_take(struct slice *line)
{
    const char *pos = line->ptr;
    const char *end = line->ptr + line->len;
    struct slice word = words_next(&pos, end);

    *line = slice_make(pos, (size_t)(end - pos));
    return word;
}

/* The words of LINE, which spaces separate. */
void words_split(struct slice line, struct words *words);
/* The last word is "noreply". */
bool words_end_in_noreply(const struct words *words);
/* Word I is there, and is TEXT. */
/* All from word I on, blanks between them included; empty: there is none. */
struct slice words_from(const struct words *words, unsigned i);
bool words_has(const struct words *words, unsigned i, struct slice text);
