/* Splits command lines into words. */
#include "words_priv.h"

void
words_split(struct slice line, struct words *words)
{
    const char *pos = line.ptr;
    const char *end = line.ptr + line.len;
    unsigned count;

    for (count = 0; count < WORDS_MAX; count++) {
        words->at[count] = words_next(&pos, end);
        if (words->at[count].len == 0)
            break;
    }
    words->count = count;
}

bool
words_end_in_noreply(const struct words *words)
{
    return words->count > 0 && slice_equal(words->at[words->count - 1], SLICE("noreply"));
}

struct slice
words_from(const struct words *words, unsigned i)
{
    const struct slice *last;

    if (i >= words->count)
        return slice_make(NULL, 0);
    last = &words->at[words->count - 1];
    return slice_make(words->at[i].ptr, (size_t)(last->ptr + last->len - words->at[i].ptr));
}

bool
words_has(const struct words *words, unsigned i, struct slice text)
{
    return i < words->count && slice_equal(words->at[i], text);
}
