/*
 * src/proto/words_priv.h - a command line of the text protocol as words.
 */
#pragma once

#include <stdbool.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lombard/base/slice.h"

/* memcached does not look at more either. */
enum { WORDS_MAX = 23 };

struct words {
    struct slice at[WORDS_MAX]; /* at[0] is the command */
    unsigned count;             /* WORDS_MAX: that many or more */
};

/* Bytes of W that are 0, as 0x80; bytes above such a one may be marked wrongly. */
static inline uint64_t
zero_bytes(uint64_t w)
{
    return (w - UINT64_C(0x0101010101010101)) & ~w & UINT64_C(0x8080808080808080);
}

/* The first space or newline in [p, end), or end. */
static inline const char *
words_end_of(const char *p, const char *end)
{
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        __m128i w = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i is_end = _mm_or_si128(_mm_cmpeq_epi8(w, _mm_set1_epi8(' ')),
                                      _mm_cmpeq_epi8(w, _mm_set1_epi8('\n')));
        int ends = _mm_movemask_epi8(is_end);

        if (ends != 0)
            return p + __builtin_ctz((unsigned)ends);
    }
#endif
    for (uint64_t w; end - p >= 8; p += 8) {
        memcpy(&w, p, 8);
        if (zero_bytes(w ^ UINT64_C(0x2020202020202020)) |
            zero_bytes(w ^ UINT64_C(0x0a0a0a0a0a0a0a0a)))
            break;
    }
    while (p < end && *p != ' ' && *p != '\n')
        p++;
    return p;
}

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
/* All from word I on, blanks between them included; empty: there is none. */
struct slice words_from(const struct words *words, unsigned i);
/* Word I is there, and is TEXT. */
bool words_has(const struct words *words, unsigned i, struct slice text);
