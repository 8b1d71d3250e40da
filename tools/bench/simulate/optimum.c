/* Finds what a cache could hit that knows all accesses to come. */
#include "simulate/optimum.h"

#include <stdlib.h>
#include <string.h>

#define NEVER SIZE_MAX

/* To have it from one access to the next that is a get. */
struct interval {
    size_t from, to;
    uint32_t bytes; /* the least that it ever took */
    uint32_t gain;  /* the most */
};

/* For each access the next get of its key that would find what is there after it; or NEVER. */
static bool
find_next(const struct sim_trace *trace, size_t *next)
{
    size_t *last = malloc(((size_t)trace->keys + 1) * sizeof(*last));

    if (last == NULL)
        return false;
    for (size_t key = 0; key < trace->keys; key++)
        last[key] = NEVER;
    for (size_t i = trace->count; i-- > 0;) {
        const struct sim_access *a = trace->accesses + i;

        next[i] = a->kind == QUERY_DELETE ? NEVER : last[a->key];
        last[a->key] = a->kind == QUERY_GET ? i : NEVER;
    }
    free(last);
    return true;
}

/* --- Equal sizes: MIN --- */

struct heap {
    size_t *at; /* when items that are there are asked for again, the last one first */
    size_t count;
};

static void
heap_push(struct heap *h, size_t value)
{
    size_t i = h->count++;

    for (; i > 0 && h->at[(i - 1) / 2] < value; i = (i - 1) / 2)
        h->at[i] = h->at[(i - 1) / 2];
    h->at[i] = value;
}

static size_t
heap_pop(struct heap *h)
{
    size_t top = h->at[0], value = h->at[--h->count], i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < h->count && h->at[child + 1] > h->at[child])
            child++;
        if (child >= h->count || h->at[child] <= value)
            break;
        h->at[i] = h->at[child];
        i = child;
    }
    h->at[i] = value;
    return top;
}

/* THERE[i]: the access I finds its item. What was found or dropped is left in the heap: it is
 * below all that is to come, and is counted by HELD alone. */
static void
play_min(const size_t *next, size_t count, uint64_t held_max, bool *there, struct heap *h)
{
    uint64_t held = 0;

    for (size_t i = 0; i < count; i++) {
        held -= there[i];
        if (next[i] == NEVER || held_max == 0)
            continue;
        heap_push(h, next[i]);
        there[next[i]] = true;
        if (++held <= held_max)
            continue;
        there[heap_pop(h)] = false;
        held--;
    }
}

static bool
find_exact(const struct sim_trace *trace, uint64_t limit, const size_t *next,
           struct optimum *out)
{
    struct heap heap = {malloc((trace->count + 1) * sizeof(size_t)), 0};
    bool *there = calloc(trace->count + 1, sizeof(*there));
    uint32_t bytes = trace->accesses[0].bytes;

    if (heap.at != NULL && there != NULL) {
        play_min(next, trace->count, limit / bytes, there, &heap);
        for (size_t i = 0; i < trace->count; i++)
            out->hits += there[i];
        out->hit_bytes = out->hits * (bytes - trace->fixed);
        out->exact = true;
    }
    free(heap.at);
    free(there);
    return out->exact;
}

/* --- Other sizes: the bound --- */

static int
by_volume(const void *a, const void *b)
{
    const struct interval *x = a, *y = b;
    double vx = (double)x->bytes * (double)(x->to - x->from);
    double vy = (double)y->bytes * (double)(y->to - y->from);

    return (vx > vy) - (vx < vy);
}

/* Likewise for each byte of the value. */
static int
by_volume_of_gain(const void *a, const void *b)
{
    const struct interval *x = a, *y = b;
    double vx = (double)x->bytes * (double)(x->to - x->from) / (x->gain + 1.0);
    double vy = (double)y->bytes * (double)(y->to - y->from) / (y->gain + 1.0);

    return (vx > vy) - (vx < vy);
}

/* What fits into VOLUME, the last one even if only a part of it does. */
static void
take(const struct interval *intervals, size_t count, double volume, uint64_t *hits,
     uint64_t *bytes)
{
    *hits = *bytes = 0;
    for (size_t i = 0; i < count && volume > 0; i++) {
        volume -= (double)intervals[i].bytes * (double)(intervals[i].to - intervals[i].from);
        (*hits)++;
        *bytes += intervals[i].gain;
    }
}

/* The least and the most that each key's item takes. */
static void
find_sizes(const struct sim_trace *trace, uint32_t *least, uint32_t *most)
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct sim_access *a = trace->accesses + i;

        if (a->kind == QUERY_DELETE)
            continue;
        if (least[a->key] == 0 || a->bytes < least[a->key])
            least[a->key] = a->bytes;
        if (a->bytes > most[a->key])
            most[a->key] = a->bytes;
    }
}

static bool
find_bound(const struct sim_trace *trace, uint64_t limit, const size_t *next,
           struct optimum *out)
{
    uint32_t *least = calloc((size_t)trace->keys + 1, 2 * sizeof(*least));
    struct interval *intervals = malloc((trace->count + 1) * sizeof(*intervals));
    double volume = (double)limit * (double)trace->count;
    size_t found = 0;
    uint64_t ignored;
    bool done = least != NULL && intervals != NULL;

    if (done) {
        uint32_t *most = least + trace->keys;

        find_sizes(trace, least, most);
        for (size_t i = 0; i < trace->count; i++) {
            uint32_t key = trace->accesses[i].key;

            if (next[i] != NEVER && least[key] <= limit)
                intervals[found++] =
                    (struct interval){i, next[i], least[key], most[key] - trace->fixed};
        }
        qsort(intervals, found, sizeof(*intervals), by_volume);
        take(intervals, found, volume, &out->hits, &ignored);
        qsort(intervals, found, sizeof(*intervals), by_volume_of_gain);
        take(intervals, found, volume, &ignored, &out->hit_bytes);
    }
    free(least);
    free(intervals);
    return done;
}

static bool
are_equal(const struct sim_trace *trace)
{
    for (size_t i = 1; i < trace->count; i++)
        if (trace->accesses[i].bytes != trace->accesses[0].bytes)
            return false;
    return trace->count > 0;
}

bool
optimum_find(const struct sim_trace *trace, uint64_t limit, struct optimum *out)
{
    size_t *next = malloc((trace->count + 1) * sizeof(*next));
    bool done = false;

    memset(out, 0, sizeof(*out));
    if (next != NULL && find_next(trace, next))
        done = are_equal(trace) ? find_exact(trace, limit, next, out)
                                : find_bound(trace, limit, next, out);
    free(next);
    return done;
}
