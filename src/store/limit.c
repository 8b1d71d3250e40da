/* The limit on memory: changed, and divided between the index and the segments. */
#include "store_priv.h"

/*
 * A lower limit takes effect step by step. Until then what is in use may stay, and a few
 * segments besides, so that no request waits for more than it needs itself:
 *
 *     | what the limit leaves, seg_goal | over it | ahead |
 *       in use                                      seg_allowed
 *
 * Segments are emptied ahead until no more than seg_goal are in use; those that become free
 * are given back, and seg_allowed, which never rises meanwhile, follows.
 */
#ifndef STORE_SEGS_MIN /* fewer where tests make the store tiny */
#define STORE_SEGS_MIN 32
#endif
enum { SEGS_MIN = STORE_SEGS_MIN };

/* The index never needs more than half of the limit, and what the smallest one takes. */
enum { INDEX_SLACK_BYTES = 1024 * 1024 };

size_t
limit_index_bytes(size_t limit_bytes)
{
    return limit_bytes / 2 + INDEX_SLACK_BYTES;
}

/* Bookkeeping besides segments and index: of the table what may have been touched. */
static uint64_t
own_bytes(const struct store *store)
{
    uint64_t count = store->limit_bytes >> store->arena.seg_shift;

    if (count < store->arena.seg_touched)
        count = store->arena.seg_touched;
    return sizeof(*store) + count * sizeof(struct seg);
}

uint32_t
limit_segments_with(const struct store *store, uint64_t index_bytes)
{
    uint64_t taken = store->own_bytes + index_bytes;
    uint64_t left = store->limit_bytes > taken ? store->limit_bytes - taken : 0;
    uint64_t count = left >> store->arena.seg_shift;
    uint64_t found = index_loc_end(&store->index) >> store->arena.seg_shift;

    if (UNLIKELY(count > found)) /* until the index has longer locations */
        count = found;
    return count < store->arena.seg_count ? (uint32_t)count : store->arena.seg_count;
}

uint64_t
limit_bytes_now(const struct store *store)
{
    uint64_t bytes = store->own_bytes + index_bytes_now(&store->index) +
                     ((uint64_t)store->arena.seg_allowed << store->arena.seg_shift);

    return store->shrinking && bytes > store->limit_bytes ? bytes : store->limit_bytes;
}

/* Segments that may be in use while more are than the LEFT that the limit leaves. */
static uint32_t
allowed_while_shrinking(struct store *store, uint32_t left)
{
    const struct arena *arena = &store->arena;
    uint32_t ahead = store->evict ? store_segs_ahead(store) : SEGS_FOR_SURVIVORS;
    uint32_t needed = arena_in_use(arena) + ahead;

    if (needed <= left && arena->seg_resident <= left) {
        store->shrinking = store->index.tight = false;
        return left;
    }
    if (needed < left)
        needed = left;
    return needed < arena->seg_allowed ? needed : arena->seg_allowed;
}

/* What the index has is not too much for it before it could give it back. */
static void
allow_index(struct store *store)
{
    struct index *ix = &store->index;
    size_t most = limit_index_bytes(store->limit_bytes);
    size_t now = (size_t)index_bytes_now(ix) + INDEX_SLACK_BYTES;

    if (store->shrinking && now > most)
        most = now < ix->bytes_open ? now : ix->bytes_open;
    ix->bytes_max = most;
}

/* What the index wants to have, and what it and the limit leave to segments. */
static uint64_t
divide(struct store *store)
{
    struct arena *arena = &store->arena;
    struct index *ix = &store->index;
    uint64_t wanted = index_wanted(ix);
    uint32_t left =
        limit_segments_with(store, index_bytes_now(ix) + huge_index_ahead_bytes(store));

    arena->seg_goal = left;
    if (LIKELY(!store->shrinking)) {
        arena->seg_allowed = left;
    } else {
        arena->seg_allowed = allowed_while_shrinking(store, left);
        allow_index(store);
        /* What the index is about to give back need not come from items. */
        if (wanted < ix->to.buckets || index_is_shrinking(ix))
            arena->seg_goal = limit_segments_with(store, index_bytes_ideal(ix));
    }
    if (wanted > ix->to.buckets)
        arena->seg_goal = limit_segments_with(store, index_bytes(ix, wanted));
    return wanted;
}

/* Of items whose bucket is moved. */
static void
hashes_of(const void *ctx, const uint64_t *locs, unsigned count, uint64_t *hashes)
{
    const struct store *store = ctx;

    for (unsigned i = 0; i < count; i++)
        PREFETCH(arena_at(&store->arena, locs[i]));
    for (unsigned i = 0; i < count; i++)
        hashes[i] = BROKEN(!arena_has(&store->arena, locs[i]))
                        ? 0
                        : rec_hash(store, arena_at(&store->arena, locs[i]));
}

bool
limit_index_rests(const struct store *store)
{
    const struct index *ix = &store->index;
    const struct arena *arena = &store->arena;

    return !store->shrinking && !ix->resizing && !index_is_compacting(ix) &&
           !store->huge.index_waits && index_wanted(ix) == ix->to.buckets &&
           !index_is_narrow(ix) && arena->seg_resident + arena_ahead(arena) <= arena->seg_goal;
}

bool
limit_index_step(struct store *store, unsigned buckets)
{
    struct index *ix = &store->index;
    struct arena *arena = &store->arena;
    uint64_t wanted = divide(store);
    /* With what the index gives back the goal changes: then there is more to do. */
    bool more = store->shrinking && index_is_shrinking(ix);

    more |= arena_trim(arena, store_segs_ahead(store));
    if (LIKELY(wanted <= ix->to.buckets))
        more |= huge_index_relents(store);
    if (LIKELY(wanted == ix->to.buckets && !index_is_narrow(ix)))
        return index_step(ix, buckets, hashes_of, store) || more;
    /* Growing waits until its memory is free: space.c works towards the goal. */
    if (wanted > ix->to.buckets && (arena->seg_resident > arena->seg_goal ||
                                    arena_in_use(arena) + SEGS_FOR_SURVIVORS > arena->seg_goal))
        return more;
    if (wanted > ix->to.buckets && huge_index_waits(store, wanted))
        return more;
    index_resize(ix, wanted);
    store->stats.index_resizes++;
    return true;
}

/* --- Changing it --- */

uint64_t
store_limit_bytes(const struct store *store)
{
    return store->limit_bytes;
}

uint64_t
store_limit_bytes_min(const struct store *store)
{
    uint64_t min = (uint64_t)SEGS_MIN << store->arena.seg_shift;

    return min < store->item_bytes_max ? store->item_bytes_max : min;
}

uint64_t
store_limit_bytes_max(const struct store *store)
{
    if (store->cap_bytes > 0 && store->cap_bytes < store->limit_bytes_max)
        return store->cap_bytes;
    return store->limit_bytes_max;
}

void
store_cap_limit(struct store *store, uint64_t bytes)
{
    store->cap_bytes = bytes;
}

bool
limit_set(struct store *store, size_t limit_bytes)
{
    struct arena *arena = &store->arena;

    if (!arena_grow(arena, (uint32_t)(limit_bytes >> arena->seg_shift)) ||
        !index_limit(&store->index, limit_index_bytes(limit_bytes)))
        return false;
    index_limit_locs(&store->index, store->arena.bytes);
    store->limit_bytes = limit_bytes;
    store->own_bytes = own_bytes(store);
    return true;
}

bool
store_set_limit(struct store *store, uint64_t limit_bytes)
{
    if (limit_bytes < store_limit_bytes_min(store) ||
        limit_bytes > store_limit_bytes_max(store) || !limit_set(store, (size_t)limit_bytes))
        return false;
    store->shrinking = store->index.tight = true; /* if it is not, the next step finds out */
    (void)limit_index_step(store, 0);
    return true;
}
