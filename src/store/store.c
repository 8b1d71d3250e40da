/* The store as a whole: created, told the time, flushed, given time to work in. */
#include "store_priv.h"

#include "lombard/base/sys.h"

#ifndef STORE_RECORD_DIVISOR /* another one where tests make the store tiny */
#define STORE_RECORD_DIVISOR 32
#endif
/* The largest record in one piece, as a part of a segment. */
enum { RECORD_DIVISOR = STORE_RECORD_DIVISOR };
/* Of key, value and bookkeeping in the index: no item takes less. */
enum { ITEM_BYTES_MIN = 24 };

_Static_assert(STORE_LIMIT_BYTES_MAX - 1 <= INDEX_LOC_MAX + 1,
               "every byte of the segments but the last has a location");
_Static_assert(STORE_LIMIT_BYTES_MAX >> 14 < SEG_NONE, "every segment has a number");

static void
set_sizes(struct store *store, const struct store_config *config)
{
    uint32_t seg_bytes = store->arena.seg_bytes;

    store->with_cas = config->with_cas;
    store->record_max = seg_bytes / RECORD_DIVISOR;
    store->piece_bytes = store->record_max - PIECE_HEADER_BYTES;
    store->extent_bytes = seg_bytes - PIECE_HEADER_BYTES;
    store->item_bytes_max = config->item_bytes_max;
}

/* Address space, and of it what the limit allows. */
static bool
map_memory(struct store *store, size_t limit_bytes, size_t limit_bytes_max)
{
    uint64_t items_max = limit_bytes_max / ITEM_BYTES_MIN;

    store->limit_bytes_max = limit_bytes_max;
    if (!arena_init(&store->arena, limit_bytes, limit_bytes_max))
        return false;
    if (!index_init(&store->index, limit_index_bytes(limit_bytes_max), items_max))
        goto fail_index;
    if (limit_set(store, limit_bytes))
        return true;
    index_fini(&store->index);
fail_index:
    arena_fini(&store->arena);
    return false;
}

/* Where there is not address space for all that is asked for, less will do. */
static bool
map_most(struct store *store, size_t limit_bytes, size_t limit_bytes_max)
{
    while (limit_bytes_max > limit_bytes) {
        if (map_memory(store, limit_bytes, limit_bytes_max))
            return true;
        limit_bytes_max /= 2;
    }
    return map_memory(store, limit_bytes, limit_bytes);
}

struct store *
store_create(const struct store_config *config)
{
    size_t limit_bytes_max = config->limit_bytes_max;
    struct store *store;

    if (config->limit_bytes > STORE_LIMIT_BYTES_MAX)
        return NULL;
    if (limit_bytes_max > STORE_LIMIT_BYTES_MAX)
        limit_bytes_max = STORE_LIMIT_BYTES_MAX;
    store = sys_malloc(sizeof(*store));
    if (store == NULL)
        return NULL;
    memset(store, 0, sizeof(*store));
    if (!map_most(store, config->limit_bytes, limit_bytes_max)) {
        sys_free(store);
        return NULL;
    }
    if (config->huge_pages) {
        sys_advise_huge(store->arena.base,
                        (size_t)store->arena.seg_max << store->arena.seg_shift);
        sys_advise_huge(store->index.buckets, store->index.map_bytes);
    }
    store->hash_key = config->hash_key;
    store->evict = config->evict;
    store->favor = config->favor;
    set_sizes(store, config);
    victim_init(store);
    ttl_init(store);
    (void)limit_index_step(store, 0);
    return store;
}

void
store_destroy(struct store *store)
{
    if (store == NULL)
        return;
    index_fini(&store->index);
    arena_fini(&store->arena);
    sys_free(store);
}

uint64_t
store_item_bytes_max(const struct store *store)
{
    return store->item_bytes_max;
}

bool
store_keeps_cas(const struct store *store)
{
    return store_has_cas(store);
}

/* --- Time --- */

static void
flush_now(struct store *store)
{
    store->flush_at_s = 0;
    if (store->index.count == store->flushed_items)
        return;
    store->flushed_items = store->index.count;
    store->arena.epoch++;
    for (int log = 0; log < LOGS; log++)
        arena_close(&store->arena, (enum log_id)log);
    policy_sweep_from(store, 0);
}

void
store_set_time(struct store *store, uint32_t now_s)
{
    store->now_s = now_s;
    store->arena.base_s = now_s - SEG_PAST_S;
    if (UNLIKELY(store->flush_at_s != 0 && store->flush_at_s <= now_s))
        flush_now(store);
}

void
store_flush(struct store *store, uint32_t at_s)
{
    if (at_s > store->now_s)
        store->flush_at_s = at_s;
    else
        flush_now(store);
}

void
store_on_evict(struct store *store, store_on_evict_fn *on_evict, void *ctx)
{
    store->on_evict = on_evict;
    store->on_evict_ctx = ctx;
}

bool
store_work(struct store *store)
{
    enum { BUCKETS = 64, RECORDS = 512 };
    bool busy = limit_index_step(store, BUCKETS);

    busy |= ttl_step(store, RECORDS);
    busy |= space_work(store);
    return busy;
}
