#include "windows.h"

#include <stdlib.h>
#include <string.h>

void
windows_fini(struct windows *w)
{
    free(w->list);
    memset(w, 0, sizeof(*w));
}

/* The window that is being filled, or NULL. */
static struct window *
current(struct windows *w)
{
    struct window *last = w->count > 0 ? &w->list[w->count - 1] : NULL;

    if (last != NULL && last->hits + last->misses < WINDOW_READS)
        return last;
    if (w->count == w->size) {
        uint32_t size = w->size == 0 ? 1024 : w->size * 2;
        struct window *list = realloc(w->list, size * sizeof(*list));

        if (list == NULL)
            return NULL;
        w->list = list;
        w->size = size;
    }
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

    for (uint32_t i = first; i < w->count; i++) {
        sum.hits += w->list[i].hits;
        sum.misses += w->list[i].misses;
        sum.hit_bytes += w->list[i].hit_bytes;
        sum.miss_bytes += w->list[i].miss_bytes;
    }
    return sum;
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
