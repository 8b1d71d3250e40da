/* Simulates what Lombard's policy means to be: item by item, without segments. */
#include <stdlib.h>

#include "simulate/simcache.h"

/* The same numbers as in src/store/policy.c; what is counted in segments there, is in bytes. */
enum {
    CLASSES = SIM_LIVE_LISTS / 2,
    MAIN = CLASSES,
    GHOSTS_OF_SMALL = SIM_LIVE_LISTS,
    GHOSTS_OF_MAIN,
    CLASS_SHIFT = 8,
    SHARE_ONE = 1024,
    SHARE_MIN = SHARE_ONE / 50,
    SHARE_MAX = SHARE_ONE * 8 / 10,
    GROWING_VICTIMS = 8,
    OWED_DIVISOR = 8,
    OWED_MAX_DIVISOR = 128, /* of the limit */
    PERIOD_DIVISOR = 128,
    DECAY_DIVISOR = 8,
    PRIOR_DIVISOR = 512,
    WORTH_MAIN = 10,
    WORTH_SMALL = 7,
    BULKY_TIMES = 4,
    FREQ_MAX = 3,
};

struct own {
    uint64_t clock;       /* bytes that came into any list */
    uint64_t ghost_clock; /* ghosts made */
    uint64_t grown;
    uint64_t owed;
    uint64_t period;
    double out[2], back[2]; /* ghosts made, and come back, recently, in average items */
    bool growing;
};

static bool
prepare(struct simcache *cache, uint32_t keys)
{
    (void)keys;
    cache->own = calloc(1, sizeof(struct own));
    return cache->own != NULL;
}

static void
hit(struct simcache *cache, uint32_t key)
{
    if (cache->entries[key].freq < FREQ_MAX)
        cache->entries[key].freq++;
}

static void
put(struct simcache *cache, unsigned list, uint32_t key)
{
    struct own *own = cache->own;

    simcache_push(cache, list, key);
    own->clock += cache->entries[key].bytes;
    cache->entries[key].born = own->clock;
}

static double
average_bytes(const struct simcache *cache)
{
    return (double)cache->used / (double)(cache->count + 1) + 1;
}

static unsigned
class_of(uint32_t bytes)
{
    unsigned class = 0;

    for (uint32_t rest = bytes >> (CLASS_SHIFT + 2); rest > 0 && class < CLASSES - 1;
         rest >>= 2)
        class ++;
    return class;
}

/* Into the main list of its class. */
static void
put_main(struct simcache *cache, uint32_t key)
{
    put(cache, MAIN + class_of(cache->entries[key].bytes), key);
}

static void
join_main(struct simcache *cache, uint32_t key)
{
    struct own *own = cache->own;
    uint64_t most = cache->limit / OWED_MAX_DIVISOR;

    own->owed += cache->entries[key].bytes / OWED_DIVISOR;
    if (own->owed > most)
        own->owed = most;
    put_main(cache, key);
}

static void
learn(struct simcache *cache)
{
    struct own *own = cache->own;
    double prior = (double)cache->count / PRIOR_DIVISOR;
    double small = own->back[0] * (own->out[1] + prior);
    double main = own->back[1] * own->out[0] + own->back[0] * prior;

    own->growing = small * WORTH_SMALL > main * WORTH_MAIN;
    for (int kind = 0; kind < 2; kind++) {
        own->out[kind] -= own->out[kind] / DECAY_DIVISOR;
        own->back[kind] -= own->back[kind] / DECAY_DIVISOR;
    }
}

static void
evict(struct simcache *cache, uint32_t key, unsigned kind)
{
    struct own *own = cache->own;

    own->out[kind] += cache->entries[key].bytes / average_bytes(cache);
    cache->entries[key].born = ++own->ghost_clock;
    simcache_push(cache, GHOSTS_OF_SMALL + kind, key);
    if (++own->period > cache->count / PERIOD_DIVISOR) {
        learn(cache);
        own->period = 0;
    }
}

/* Of the lists from FIRST on the one whose oldest item is oldest for its size; FIRST if all are empty. */
static unsigned
oldest_list(const struct simcache *cache, unsigned first)
{
    const struct own *own = cache->own;
    unsigned best = first;
    uint64_t most = 0;

    for (unsigned class = 0; class < CLASSES; class ++) {
        uint32_t key = cache->lists[first + class].tail;
        uint64_t age;

        if (key == SIM_NONE)
            continue;
        age = (own->clock - cache->entries[key].born + 1) << 2 * class;
        if (age > most) {
            most = age;
            best = first + class;
        }
    }
    return best;
}

static bool
is_mains_turn(struct simcache *cache, uint64_t small)
{
    struct own *own = cache->own;
    uint32_t tail = cache->lists[oldest_list(cache, MAIN)].tail;

    if (tail == SIM_NONE || small == cache->used)
        return false;
    if (small * SHARE_ONE <= cache->used * SHARE_MIN)
        return true;
    if (small * SHARE_ONE >= cache->used * SHARE_MAX)
        return false;
    if (own->growing)
        return ++own->grown % GROWING_VICTIMS != 0;
    return own->owed >= cache->entries[tail].bytes;
}

static unsigned
list_to_take_from(struct simcache *cache)
{
    uint64_t small = 0;

    for (unsigned i = 0; i < CLASSES; i++)
        small += cache->lists[i].bytes;
    return oldest_list(cache, is_mains_turn(cache, small) ? MAIN : 0);
}

static void
step(struct simcache *cache)
{
    struct own *own = cache->own;
    unsigned list = list_to_take_from(cache);
    uint32_t key = cache->lists[list].tail;
    struct sim_entry *e = cache->entries + key;
    unsigned spare = list >= MAIN || e->bytes <= BULKY_TIMES * average_bytes(cache) ? 0 : 1;

    simcache_take(cache, key);
    if (e->freq <= spare) {
        if (list >= MAIN)
            own->owed -= e->bytes < own->owed ? e->bytes : own->owed;
        evict(cache, key, list >= MAIN);
    } else if (list >= MAIN) {
        e->freq--;
        put_main(cache, key);
    } else {
        e->freq--;
        join_main(cache, key);
    }
}

static void
insert(struct simcache *cache, uint32_t key, uint32_t bytes)
{
    struct own *own = cache->own;
    struct sim_entry *e = cache->entries + key;
    bool ghost = e->listed;

    if (ghost) {
        unsigned kind = e->list - GHOSTS_OF_SMALL;

        ghost = own->ghost_clock - e->born < cache->count;
        simcache_take(cache, key);
        if (ghost)
            own->back[kind]++;
    }
    while (simcache_is_full(cache, bytes))
        step(cache);
    e->bytes = bytes;
    e->freq = 0;
    if (ghost)
        join_main(cache, key);
    else
        put(cache, class_of(bytes), key);
}

const struct sim_policy sim_own = {
    "Lombard", "its policy without segments", prepare, hit, insert, NULL};
