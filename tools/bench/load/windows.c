/* Counts hits and misses by where in the run they were. */
#include "load/windows.h"

#include <stdlib.h>
#include <string.h>

void
windows_fini(struct windows *w)
{
    free(w->list);
    memset(w, 0, sizeof(*w));
}

static void
add(struct window *into, const struct window *from)
{
    into->hits += from->hits;
    into->misses += from->misses;
    into->hit_bytes += from->hit_bytes;
    into->miss_bytes += from->miss_bytes;
}

/* Make half as many windows of twice the size. */
static void
merge_neighbours(struct windows *w)
{
    for (size_t i = 0; i < WINDOWS_MAX / 2; i++) {
        struct window sum = w->list[2 * i];

        add(&sum, &w->list[2 * i + 1]);
        w->list[i] = sum;
    }
    w->count = WINDOWS_MAX / 2;
    w->reads *= 2;
}

/* The window that is being filled, or NULL. */
static struct window *
current(struct windows *w)
{
    struct window *last = w->count > 0 ? &w->list[w->count - 1] : NULL;

    if (last != NULL && last->hits + last->misses < w->reads)
        return last;
    if (w->list == NULL) {
        w->list = calloc(WINDOWS_MAX, sizeof(*w->list));
        if (w->list == NULL)
            return NULL;
        w->reads = 1;
    }
    if (w->count == WINDOWS_MAX)
        merge_neighbours(w);
    w->list[w->count] = (struct window){0};
    return &w->list[w->count++];
}

void
windows_add(struct windows *w, bool hit, uint64_t bytes)
{
    struct window *window = current(w);

    if (window == NULL)
        return;
    if (hit) {
        window->hits++;
        window->hit_bytes += bytes;
    } else {
        window->misses++;
        window->miss_bytes += bytes;
    }
}

struct window
windows_sum(const struct windows *w, uint32_t first)
{
    struct window sum = {0};

    for (uint32_t i = first; i < w->count; i++)
        add(&sum, &w->list[i]);
    return sum;
}

struct window
windows_second_half(const struct windows *w)
{
    struct window all = windows_sum(w, 0);
    uint64_t left = (all.hits + all.misses) / 2;
    uint32_t first = 0;

    for (; first < w->count; first++) {
        uint64_t reads = w->list[first].hits + w->list[first].misses;

        if (left < reads)
            break;
        left -= reads;
    }
    return windows_sum(w, first);
}

static double
percent(uint64_t part, uint64_t rest)
{
    return part + rest == 0 ? 0 : 100 * (double)part / (double)(part + rest);
}

double
window_hit_percent(const struct window *w)
{
    return percent(w->hits, w->misses);
}

double
window_byte_percent(const struct window *w)
{
    return percent(w->hit_bytes, w->miss_bytes);
}
