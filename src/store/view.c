/* Walks over the items, and figures about the store. */
#include "store_priv.h"

/*
 * The item with the lowest hash from FROM on in the chain that FROM lies in.
 * Slots of a chain change places, hashes do not: so no item is seen twice or
 * missed, whatever happens between two calls.
 */
static char *
lowest_from(const struct store *store, uint64_t from, uint64_t *lowest)
{
    struct home home = index_home(&store->index, from);
    struct slots slots = bucket_slots(home.bucket);
    char *best = NULL;

    do {
        for (unsigned i = 0; i < slots.count; i++) {
            uint64_t hash;
            char *rec;

            if (!meta_is_item(slots.metas[i]))
                continue;
            rec = arena_at(&store->arena, slots_loc(&slots, i, home.high_bits));
            if (rec_is_flushed(store, rec))
                continue;
            hash = rec_hash(store, rec);
            if (hash < from || (best != NULL && hash > *lowest) || rec_is_expired(store, rec))
                continue;
            best = rec;
            *lowest = hash;
        }
    } while (slots_next(&store->index, &slots));
    return best;
}

enum walk_result
store_next(struct store *store, uint64_t *cursor, struct item *item)
{
    enum { CHAINS = 64 };
    uint64_t from = *cursor;
    uint64_t hash = 0;

    for (int i = 0; i < CHAINS; i++) {
        char *rec = lowest_from(store, from, &hash);

        if (rec != NULL) {
            *cursor = hash + 1;
            return store_describe(store, rec, item) ? WALK_ITEM : WALK_ON;
        }
        from = index_next_hash(&store->index, from);
        if (from == 0)
            return WALK_END;
    }
    *cursor = from;
    return WALK_ON;
}

uint64_t
store_pin_count(const struct store *store)
{
    uint64_t pins = 0;

    for (uint32_t i = 0; i < store->arena.seg_touched; i++)
        pins += store->arena.segs[i].pins;
    return pins;
}

uint32_t
store_item_pin_count(const struct store *store, const void *handle)
{
    return 1 + ((rec_info(handle) & REC_LARGE) != 0 ? large_piece_count(store, handle) : 0);
}

/*
 * Bytes of the segments that are in use, and of those with pins; of open ones as far as used. And of those
 * that have memory.
 */
struct extent {
    uint64_t used;
    uint64_t pinned;
    uint64_t resident;
};

static struct extent
extent(const struct arena *arena)
{
    struct extent e = {(uint64_t)arena_in_use(arena) << arena->seg_shift,
                       (uint64_t)arena->seg_pinned << arena->seg_shift,
                       (uint64_t)(arena->seg_resident + arena_ahead(arena))
                           << arena->seg_shift};

    for (int log = 0; log < LOGS; log++) {
        const struct seg *seg = arena->segs + arena->logs[log].open;
        uint32_t rest;

        if (arena->logs[log].open == SEG_NONE)
            continue;
        rest = arena->seg_bytes - seg->used;
        e.used -= rest;
        e.pinned -= seg->pins != 0 ? rest : 0;
        e.resident -= seg->fresh ? rest : 0;
    }
    return e;
}

void
store_layout(const struct store *store, struct store_layout *layout)
{
    const struct arena *arena = &store->arena;
    struct extent e = extent(arena);
    uint64_t live = store->content_bytes + store->header_bytes;
    uint64_t rest;

    layout->limit_bytes = limit_bytes_now(store);
    layout->live_bytes = store->content_bytes;
    layout->header_bytes = store->header_bytes;
    layout->pinned_bytes = e.pinned - arena->pinned_live;
    layout->dead_bytes = e.used > live + layout->pinned_bytes
                             ? e.used - live - layout->pinned_bytes
                             : 0; /* only where a segment is broken */
    layout->index_bytes = store->own_bytes + index_bytes_now(&store->index);
    layout->items = store->index.count - store->flushed_items;
    layout->resident_bytes = e.resident;
    layout->explicit_bytes = (uint64_t)arena->seg_taken << arena->seg_shift;
    layout->segment_bytes = arena->seg_bytes;
    layout->segments = arena->seg_allowed;
    layout->segments_free = (uint64_t)(arena_available(arena) > 0 ? arena_available(arena) : 0);
    rest = live + layout->dead_bytes + layout->pinned_bytes + layout->index_bytes;
    layout->free_bytes = rest < layout->limit_bytes ? layout->limit_bytes - rest : 0;
}

uint64_t
store_explicit_bytes(const struct store *store)
{
    return (uint64_t)store->arena.seg_explicit << store->arena.seg_shift;
}

bool
store_check(const struct store *store)
{
    const struct arena *arena = &store->arena;
    uint32_t pinned = 0, resident = 0, open = 0, victims = 0;
    uint64_t live = 0, pinned_live = 0;
    struct store_layout l;

    for (uint32_t i = 0; i < arena->seg_touched; i++) {
        const struct seg *seg = arena->segs + i;

        pinned += seg->pins != 0;
        pinned_live += seg->pins != 0 ? seg->live : 0;
        resident += seg->state != SEG_UNBACKED;
        open += seg->state == SEG_OPEN;
        victims += seg->state == SEG_VICTIM;
        live += seg->state != SEG_UNBACKED && seg->state != SEG_FREE ? seg->live : 0;
    }
    store_layout(store, &l);
    return pinned == arena->seg_pinned && pinned_live == arena->pinned_live &&
           resident == arena->seg_resident && open == arena->seg_open &&
           victims == (store->evictor.victim != SEG_NONE) &&
           live == l.live_bytes + l.header_bytes &&
           l.live_bytes + l.header_bytes + l.dead_bytes + l.pinned_bytes + l.index_bytes <=
               l.limit_bytes;
}
