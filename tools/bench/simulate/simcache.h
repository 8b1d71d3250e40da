/*
 * tools/bench/simulate/simcache.h - a cache that only counts: which keys it would hold, by policy.
 *
 * Entries are found by the number of their key, and are in one list at a time: a list has a head,
 * where what is new comes, and a tail. Some lists are of ghosts, which take none of the limit.
 *
 * What is missed is stored, unless it is larger than the whole cache. What is overwritten is
 * taken out and stored anew; what is deleted is taken out. Nothing expires.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/query.h"
#include "lombard/base/attr.h"

enum { SIM_LISTS = 16, SIM_LIVE_LISTS = 14 }; /* of ghosts are those from SIM_LIVE_LISTS on */
#define SIM_NONE UINT32_MAX

struct sim_entry {
    uint32_t next, prev; /* towards the tail, and the head; keys */
    uint32_t bytes;
    uint8_t list; /* below SIM_LISTS, if it is in one */
    bool listed;
    uint8_t freq;  /* what a policy counts */
    uint64_t born; /* what a policy remembers of its coming */
};

struct sim_list {
    uint32_t head, tail;
    uint64_t count, bytes;
};

/* One access, as a simulation sees it. */
struct sim_access {
    uint32_t key;
    uint32_t bytes;       /* all that the item takes */
    enum query_kind kind; /* GET, SET or DELETE */
};

struct simcache;

struct sim_policy {
    const char *name;
    const char *about;
    /* What it needs besides, into cache->own, which free() gives back; NULL: nothing. */
    bool (*prepare)(struct simcache *cache, uint32_t keys);
    void (*hit)(struct simcache *cache, uint32_t key);
    /* Make space for BYTES, at most the limit, and put KEY, which is not there, into a live list. */
    void (*insert)(struct simcache *cache, uint32_t key, uint32_t bytes);
    /* KEY is taken out of its list next; NULL: that does not matter. */
    void (*forget)(struct simcache *cache, uint32_t key);
};

struct simcache {
    const struct sim_policy *policy;
    struct sim_entry *entries;
    uint64_t limit;
    uint64_t used, count; /* of what lives */
    struct sim_list lists[SIM_LISTS];
    void *own;
};

extern const struct sim_policy sim_lru, sim_sieve, sim_s3fifo, sim_gdsf;
/* Lombard's own, without segments: item by item. */
extern const struct sim_policy sim_own;

/* For keys below KEYS. False when memory is short; then there is nothing to destroy. */
bool simcache_create(struct simcache *cache, const struct sim_policy *policy, uint64_t limit,
                     uint32_t keys) MUST_USE;
void simcache_destroy(struct simcache *cache);
/* Whether it was a hit; then *BYTES is what the item takes, as it was stored. */
bool simcache_access(struct simcache *cache, const struct sim_access *access,
                     uint32_t *bytes) MUST_USE;

/* --- For policies --- */

static inline bool
simcache_has(const struct simcache *cache, uint32_t key)
{
    return cache->entries[key].listed && cache->entries[key].list < SIM_LIVE_LISTS;
}

static inline bool
simcache_is_full(const struct simcache *cache, uint32_t bytes)
{
    return cache->used + bytes > cache->limit;
}

/* Put KEY, which is in no list, at the head of LIST; its bytes are set. */
void simcache_push(struct simcache *cache, unsigned list, uint32_t key);
/* Take KEY out of its list. */
void simcache_take(struct simcache *cache, uint32_t key);
/* A new one, into LIST. */
void simcache_add(struct simcache *cache, unsigned list, uint32_t key, uint32_t bytes);
