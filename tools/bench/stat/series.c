/* Records a run in moments of time, and makes blocks of them. */
#include "stat/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A 512th of a second: powers of two of it fit into a second. */
#define BASE_NS UINT64_C(1953125)

enum { MOMENTS_WANTED = 1024, MOMENTS_FIRST = 256 };

void
series_begin(struct series *s, uint64_t start_ns, uint64_t duration_ns)
{
    s->start_ns = start_ns;
    s->width_ns = duration_ns > 0 ? BASE_NS : 8 * BASE_NS;
    while (duration_ns / s->width_ns > MOMENTS_WANTED)
        s->width_ns *= 2;
    if (s->list == NULL) {
        s->list = calloc(MOMENTS_FIRST, sizeof(*s->list));
        s->size = MOMENTS_FIRST;
    }
    s->count = 0;
    s->look_count = 0;
    s->now = NULL;
    if (s->list == NULL)
        return;
    memset(s->list, 0, sizeof(*s->list));
    s->now = s->list;
    s->count = 1;
    s->end_ns = start_ns + s->width_ns;
}

void
series_pause(struct series *s)
{
    s->now = NULL;
}

void
series_fini(struct series *s)
{
    free(s->list);
    free(s->looks);
    memset(s, 0, sizeof(*s));
}

void
moment_merge(struct moment *into, const struct moment *from)
{
    into->requests += from->requests;
    into->errors += from->errors;
    into->hits += from->hits;
    into->misses += from->misses;
    into->timed += from->timed;
    into->sum_ns += from->sum_ns;
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
    for (uint32_t i = 0; i < MOMENT_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

/* Half as many moments of twice the width. */
static void
merge_neighbours(struct series *s)
{
    for (uint32_t i = 0; i < s->count; i += 2) {
        if (i > 0)
            s->list[i / 2] = s->list[i];
        if (i + 1 < s->count)
            moment_merge(&s->list[i / 2], &s->list[i + 1]);
    }
    s->count = (s->count + 1) / 2;
    s->width_ns *= 2;
}

/* Room for moment number I. */
static bool
has_room(struct series *s, uint64_t i)
{
    uint32_t size = s->size;
    struct moment *more;

    while (size <= i)
        size *= 2;
    if (size == s->size)
        return true;
    more = realloc(s->list, size * sizeof(*more));
    if (more == NULL)
        return false;
    s->list = more;
    s->size = size;
    return true;
}

void
series_advance(struct series *s, uint64_t now_ns)
{
    uint64_t i = (now_ns - s->start_ns) / s->width_ns;

    while (i >= SERIES_MAX) {
        merge_neighbours(s);
        i = (now_ns - s->start_ns) / s->width_ns;
    }
    if (!has_room(s, i)) {
        s->now = NULL;
        return;
    }
    if (i >= s->count) {
        memset(s->list + s->count, 0, (i + 1 - s->count) * sizeof(*s->list));
        s->count = (uint32_t)i + 1;
    }
    s->now = &s->list[i];
    s->end_ns = s->start_ns + (i + 1) * s->width_ns;
}

void
series_note_look(struct series *s, const struct series_look *look)
{
    if (s->looks == NULL)
        s->looks = calloc(SERIES_MAX, sizeof(*s->looks));
    if (s->looks == NULL)
        return;
    if (s->look_count == SERIES_MAX) {
        for (uint32_t i = 0; i < SERIES_MAX / 2; i++)
            s->looks[i] = s->looks[2 * (size_t)i];
        s->look_count = SERIES_MAX / 2;
    }
    s->looks[s->look_count++] = *look;
}

uint64_t
moment_quantile(const struct moment *s, double q)
{
    double want = q * (double)s->timed;
    double seen = 0;

    for (uint32_t i = 0; s->timed > 0 && i < MOMENT_BUCKETS; i++) {
        seen += s->buckets[i];
        if (s->buckets[i] > 0 && seen >= want) {
            uint64_t high = hist_bucket_high(8 * i + 7);
            uint64_t middle = hist_bucket_low(8 * i) + (high - hist_bucket_low(8 * i)) / 2;

            return middle < s->max_ns ? middle : s->max_ns;
        }
    }
    return s->max_ns;
}

double
moment_mean_log(const struct moment *s)
{
    double sum = 0;

    if (s->timed == 0)
        return NAN;
    for (uint32_t i = 0; i < MOMENT_BUCKETS; i++) {
        if (s->buckets[i] > 0)
            sum += s->buckets[i] * log((double)hist_bucket_high(8 * i + 7));
    }
    return sum / (double)s->timed;
}

uint32_t
series_blocks(const struct series *s, uint64_t until_ns, struct moment *dst, uint32_t blocks)
{
    uint64_t whole = until_ns > s->start_ns ? (until_ns - s->start_ns) / s->width_ns : 0;
    uint32_t n = s->count < whole ? s->count : (uint32_t)whole;

    if (n < blocks)
        blocks = n;
    for (uint32_t b = 0; b < blocks; b++) {
        uint32_t from = (uint32_t)((uint64_t)b * n / blocks);
        uint32_t to = (uint32_t)((uint64_t)(b + 1) * n / blocks);

        memset(&dst[b], 0, sizeof(dst[b]));
        for (uint32_t i = from; i < to; i++)
            moment_merge(&dst[b], &s->list[i]);
    }
    return blocks;
}
