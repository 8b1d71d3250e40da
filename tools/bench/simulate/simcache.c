/* Keeps the entries and lists of simulated caches. */
#include "simulate/simcache.h"

#include <stdlib.h>
#include <string.h>

#include "lombard/base/invariant.h"

bool
simcache_create(struct simcache *cache, const struct sim_policy *policy, uint64_t limit,
                uint32_t keys)
{
    memset(cache, 0, sizeof(*cache));
    cache->policy = policy;
    cache->limit = limit;
    for (int i = 0; i < SIM_LISTS; i++)
        cache->lists[i].head = cache->lists[i].tail = SIM_NONE;
    cache->entries = calloc((size_t)keys + 1, sizeof(*cache->entries));
    if (cache->entries != NULL && (policy->prepare == NULL || policy->prepare(cache, keys)))
        return true;
    simcache_destroy(cache);
    return false;
}

void
simcache_destroy(struct simcache *cache)
{
    free(cache->entries);
    free(cache->own);
    memset(cache, 0, sizeof(*cache));
}

void
simcache_push(struct simcache *cache, unsigned list, uint32_t key)
{
    struct sim_list *l = cache->lists + list;
    struct sim_entry *e = cache->entries + key;

    e->listed = true;
    e->list = (uint8_t)list;
    e->prev = SIM_NONE;
    e->next = l->head;
    if (l->head != SIM_NONE)
        cache->entries[l->head].prev = key;
    else
        l->tail = key;
    l->head = key;
    l->count++;
    l->bytes += e->bytes;
    if (list < SIM_LIVE_LISTS) {
        cache->used += e->bytes;
        cache->count++;
    }
}

void
simcache_take(struct simcache *cache, uint32_t key)
{
    struct sim_entry *e = cache->entries + key;
    struct sim_list *l = cache->lists + e->list;

    if (e->prev != SIM_NONE)
        cache->entries[e->prev].next = e->next;
    else
        l->head = e->next;
    if (e->next != SIM_NONE)
        cache->entries[e->next].prev = e->prev;
    else
        l->tail = e->prev;
    l->count--;
    l->bytes -= e->bytes;
    e->listed = false;
    if (e->list < SIM_LIVE_LISTS) {
        cache->used -= e->bytes;
        cache->count--;
    }
}

void
simcache_add(struct simcache *cache, unsigned list, uint32_t key, uint32_t bytes)
{
    cache->entries[key].bytes = bytes;
    cache->entries[key].freq = 0;
    simcache_push(cache, list, key);
}

static void
forget(struct simcache *cache, uint32_t key)
{
    if (!simcache_has(cache, key))
        return;
    if (cache->policy->forget != NULL)
        cache->policy->forget(cache, key);
    simcache_take(cache, key);
}

bool
simcache_access(struct simcache *cache, const struct sim_access *access, uint32_t *bytes)
{
    if (access->kind == QUERY_GET && simcache_has(cache, access->key)) {
        *bytes = cache->entries[access->key].bytes;
        cache->policy->hit(cache, access->key);
        return true;
    }
    forget(cache, access->key);
    if (access->kind != QUERY_DELETE && access->bytes <= cache->limit) {
        cache->policy->insert(cache, access->key, access->bytes);
        BUG_ON(!simcache_has(cache, access->key) || cache->used > cache->limit);
    }
    return false;
}
