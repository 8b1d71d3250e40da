/* Splits command lines into words. */
#include "words_priv.h"

#include <string.h>

struct slice
words_take(struct slice *line)
{
    const char *p = line->ptr;
    const char *end = line->ptr + line->len;
    const char *stop;

    while (p < end && *p == ' ')
        p++;
    stop = p < end ? memchr(p, ' ', (size_t)(end - p)) : NULL;
    if (stop == NULL)
        stop = end;
    *line = slice_make(stop, (size_t)(end - stop));
    return slice_make(p, (size_t)(stop - p));
}

void
words_split(struct slice line, struct words *words)
{
    struct slice word;

    words->count = 0;
    while (words->count < WORDS_MAX && (word = words_take(&line)).len > 0)
        words->at[words->count++] = word;
}

bool
words_end_in_noreply(const struct words *words)
{
    return words->count > 0 && slice_equal(words->at[words->count - 1], SLICE("noreply"));
}

bool
words_has(const struct words *words, unsigned i, struct slice text)
{
    return i < words->count && slice_equal(words->at[i], text);
}
