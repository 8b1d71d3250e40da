/* The limit on memory: the index's share of it, and what that leaves to segments. */
#include "store_priv.h"

uint32_t
limit_segments_with(const struct store *store, uint64_t index_bytes)
{
    uint64_t taken = store->own_bytes + index_bytes;
    uint64_t left = store->limit_bytes > taken ? store->limit_bytes - taken : 0;
    uint64_t count = left >> store->arena.seg_shift;

    return count < store->arena.seg_count ? (uint32_t)count : store->arena.seg_count;
}

bool
limit_index_step(struct store *store, unsigned buckets)
{
    struct index *ix = &store->index;
    struct arena *arena = &store->arena;
    uint64_t wanted = index_wanted(ix);

    arena->seg_allowed = limit_segments_with(store, index_bytes_now(ix));
    arena->seg_goal = wanted > ix->to ? limit_segments_with(store, index_bytes(ix, wanted))
                                      : arena->seg_allowed;
    arena_trim(arena, SEGS_AHEAD);
    if (wanted == ix->to)
        return index_step(ix, buckets);
    /* Growing waits until its memory is free: space.c works towards the goal. */
    if (arena->seg_resident > arena->seg_goal ||
        (wanted > ix->to &&
         arena->seg_resident - arena->seg_free + SEGS_FOR_SURVIVORS > arena->seg_goal))
        return false;
    index_resize(ix, wanted);
    store->stats.index_resizes++;
    return true;
}
