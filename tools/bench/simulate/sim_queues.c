/* Simulated policies that keep queues: LRU, SIEVE and S3-FIFO. */
#include <stdlib.h>

#include "simulate/simcache.h"

/* --- LRU: what was asked for longest ago goes first --- */

static void
lru_hit(struct simcache *cache, uint32_t key)
{
    simcache_take(cache, key);
    simcache_push(cache, 0, key);
}

static void
lru_insert(struct simcache *cache, uint32_t key, uint32_t bytes)
{
    while (simcache_is_full(cache, bytes))
        simcache_take(cache, cache->lists[0].tail);
    simcache_add(cache, 0, key, bytes);
}

const struct sim_policy sim_lru = {"LRU", "least recently used", NULL, lru_hit, lru_insert,
                                   NULL};

/* --- SIEVE (NSDI 2024): a hand goes from the tail to the head and spares what was hit --- */

static bool
sieve_prepare(struct simcache *cache, uint32_t keys)
{
    uint32_t *hand = malloc(sizeof(*hand));

    (void)keys;
    if (hand == NULL)
        return false;
    *hand = SIM_NONE; /* it begins at the tail */
    cache->own = hand;
    return true;
}

static void
mark(struct simcache *cache, uint32_t key)
{
    cache->entries[key].freq = 1;
}

static void
sieve_insert(struct simcache *cache, uint32_t key, uint32_t bytes)
{
    uint32_t *hand = cache->own;

    while (simcache_is_full(cache, bytes)) {
        uint32_t at = *hand != SIM_NONE ? *hand : cache->lists[0].tail;

        *hand = cache->entries[at].prev;
        if (cache->entries[at].freq > 0)
            cache->entries[at].freq = 0;
        else
            simcache_take(cache, at);
    }
    simcache_add(cache, 0, key, bytes);
}

static void
sieve_forget(struct simcache *cache, uint32_t key)
{
    uint32_t *hand = cache->own;

    if (*hand == key)
        *hand = cache->entries[key].prev;
}

const struct sim_policy sim_sieve = {"SIEVE", "as published", sieve_prepare,
                                     mark,    sieve_insert,   sieve_forget};

/* --- S3-FIFO (SOSP 2023): a tenth is small, ghosts of as many bytes as the rest --- */

enum { SMALL, MAIN, GHOSTS = SIM_LIVE_LISTS };
enum { SMALL_DIVISOR = 10, FREQ_MAX = 3, TO_MAIN_ABOVE = 1 };

static void
s3fifo_hit(struct simcache *cache, uint32_t key)
{
    if (cache->entries[key].freq < FREQ_MAX)
        cache->entries[key].freq++;
}

static void
make_ghost(struct simcache *cache, uint32_t key)
{
    uint64_t most = cache->limit - cache->limit / SMALL_DIVISOR;

    simcache_push(cache, GHOSTS, key);
    while (cache->lists[GHOSTS].bytes > most)
        simcache_take(cache, cache->lists[GHOSTS].tail);
}

/* Look at the tail of either queue: it goes on, round, or out. */
static void
s3fifo_step(struct simcache *cache)
{
    struct sim_list *small = cache->lists + SMALL;
    bool from_small = cache->lists[MAIN].count == 0 ||
                      (small->count > 0 && small->bytes >= cache->limit / SMALL_DIVISOR);
    uint32_t key = from_small ? small->tail : cache->lists[MAIN].tail;
    struct sim_entry *e = cache->entries + key;

    simcache_take(cache, key);
    if (from_small && e->freq > TO_MAIN_ABOVE) {
        e->freq = 0;
        simcache_push(cache, MAIN, key);
    } else if (from_small) {
        make_ghost(cache, key);
    } else if (e->freq > 0) {
        e->freq--;
        simcache_push(cache, MAIN, key);
    }
}

static void
s3fifo_insert(struct simcache *cache, uint32_t key, uint32_t bytes)
{
    bool ghost = cache->entries[key].listed;

    if (ghost)
        simcache_take(cache, key);
    while (simcache_is_full(cache, bytes))
        s3fifo_step(cache);
    simcache_add(cache, ghost ? MAIN : SMALL, key, bytes);
}

const struct sim_policy sim_s3fifo = {"S3-FIFO",  "as published", NULL,
                                      s3fifo_hit, s3fifo_insert,  NULL};
