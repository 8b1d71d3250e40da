/* Simulates GDSF: what is asked for least often for its size goes first. */
#include <stdlib.h>

#include "simulate/simcache.h"

/*
 * Greedy Dual Size Frequency: an item's priority is the clock of its last access and its accesses
 * for each of its bytes; the clock is the priority of what was evicted last. Of equal priorities
 * the one accessed longest ago goes first.
 */
struct gdsf {
    double clock;
    uint64_t accesses;
    uint32_t count;
    struct gdsf_node {
        double priority;
        uint64_t at;
        uint32_t key;
        uint32_t times;
    } nodes[]; /* a heap, the lowest priority first; sim_entry.born is the place in it */
};

static bool
prepare(struct simcache *cache, uint32_t keys)
{
    cache->own = calloc(1, sizeof(struct gdsf) + (keys + (size_t)1) * sizeof(struct gdsf_node));
    return cache->own != NULL;
}

static bool
before(const struct gdsf_node *a, const struct gdsf_node *b)
{
    return a->priority < b->priority || (a->priority <= b->priority && a->at < b->at);
}

static void
place(struct simcache *cache, uint32_t i, struct gdsf_node node)
{
    struct gdsf *g = cache->own;

    g->nodes[i] = node;
    cache->entries[node.key].born = i;
}

/* NODE belongs at I, or above, or below. */
static void
sift(struct simcache *cache, uint32_t i, struct gdsf_node node)
{
    struct gdsf *g = cache->own;

    while (i > 0 && before(&node, &g->nodes[(i - 1) / 2])) {
        place(cache, i, g->nodes[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child + 1 < g->count && before(&g->nodes[child + 1], &g->nodes[child]))
            child++;
        if (child >= g->count || !before(&g->nodes[child], &node))
            break;
        place(cache, i, g->nodes[child]);
        i = child;
    }
    place(cache, i, node);
}

static void
rate(struct simcache *cache, uint32_t i, struct gdsf_node node)
{
    struct gdsf *g = cache->own;

    node.at = ++g->accesses;
    node.priority = g->clock + (double)node.times / cache->entries[node.key].bytes;
    sift(cache, i, node);
}

static void
hit(struct simcache *cache, uint32_t key)
{
    struct gdsf *g = cache->own;
    uint32_t i = (uint32_t)cache->entries[key].born;
    struct gdsf_node node = g->nodes[i];

    node.times++;
    rate(cache, i, node);
}

static void
forget(struct simcache *cache, uint32_t key)
{
    struct gdsf *g = cache->own;
    uint32_t i = (uint32_t)cache->entries[key].born;
    struct gdsf_node last = g->nodes[--g->count];

    if (i < g->count)
        sift(cache, i, last);
}

static void
insert(struct simcache *cache, uint32_t key, uint32_t bytes)
{
    struct gdsf *g = cache->own;

    while (simcache_is_full(cache, bytes)) {
        uint32_t lowest = g->nodes[0].key;

        g->clock = g->nodes[0].priority;
        forget(cache, lowest);
        simcache_take(cache, lowest);
    }
    simcache_add(cache, 0, key, bytes);
    g->count++;
    rate(cache, g->count - 1, (struct gdsf_node){.key = key, .times = 1});
}

const struct sim_policy sim_gdsf = {"GDSF", "by frequency and size", prepare, hit, insert,
                                    forget};
