/* Names what clients hold of a store so that another process finds it, and finds it there. */
#include "store_priv.h"

uint64_t
store_loc(const struct store *store, const void *addr)
{
    return arena_loc(&store->arena, addr);
}

/* What LOC is in: a segment that is pinned, and has BYTES in use from there on. */
static bool
is_held(const struct store *store, uint64_t loc, uint64_t bytes)
{
    const struct arena *arena = &store->arena;
    uint64_t off = loc & (arena->seg_bytes - 1);
    const struct seg *seg;

    if (!arena_has(arena, loc) || loc >> arena->seg_shift >= arena->seg_touched)
        return false;
    seg = arena->segs + (loc >> arena->seg_shift);
    return seg->pins > 0 && seg->state != SEG_FREE && seg->state != SEG_UNBACKED &&
           off <= seg->used && bytes <= seg->used - off;
}

const void *
store_held_at(const struct store *store, uint64_t loc, uint64_t bytes)
{
    return is_held(store, loc, bytes) ? arena_at(&store->arena, loc) : NULL;
}

static uint64_t
value_bytes_of(const char *rec)
{
    return (rec_info(rec) & REC_LARGE) != 0 ? large_value_bytes(rec) : rec_body_len(rec);
}

void *
store_held_item(const struct store *store, uint64_t loc, uint64_t value_bytes, bool reserved)
{
    char *rec;

    if (!is_held(store, loc, REC_FIXED_BYTES))
        return NULL;
    rec = arena_at(&store->arena, loc);
    if (rec_is_piece(rec) || !is_held(store, loc, rec_bytes(rec)) ||
        value_bytes_of(rec) != value_bytes || ((rec_info(rec) & REC_PENDING) != 0) != reserved)
        return NULL;
    return rec;
}
