/* What must hold in every state: segments, logs, index, counters, items and pins. */
#include <string.h>

#include "store_search_priv.h"

#include "store_priv.h"

enum { SEGS_MAX = 256 };

/* What a walk over all records found in each segment, and in all. */
struct tally {
    uint32_t live[SEGS_MAX];
    uint32_t extents[SEGS_MAX];
    uint32_t pins[SEGS_MAX];
    uint64_t bytes; /* of live records */
    uint64_t items; /* live or gone, in the index */
};

static void
count_extents(const struct store *store, const char *rec, struct tally *tally)
{
    uint32_t index = arena_seg_of(&store->arena, rec);

    for (uint32_t i = 0; i < large_pieces(store, rec); i++) {
        const char *piece = large_piece(store, rec, i);

        if (piece == NULL)
            continue;
        REQUIRE((rec_info(piece) & REC_DEAD) == 0);
        REQUIRE(piece_owner(piece) == arena_loc(&store->arena, rec));
        tally->extents[index] += arena_seg(&store->arena, piece)->state == SEG_EXTENT;
    }
}

static void
count_record(const struct store *store, char *rec, struct tally *tally)
{
    uint32_t index = arena_seg_of(&store->arena, rec);
    uint32_t bytes = rec_bytes(rec);
    struct slot slot;

    if ((rec_info(rec) & REC_DEAD) != 0)
        return;
    tally->live[index] += bytes;
    tally->bytes += bytes;
    if (rec_is_piece(rec))
        return;
    count_extents(store, rec, tally);
    if ((rec_info(rec) & REC_PENDING) != 0)
        return;
    tally->items++;
    REQUIRE(
        index_find(&store->index, rec_hash(store, rec), arena_loc(&store->arena, rec), &slot));
}

static void
count_segment(const struct store *store, uint32_t index, struct tally *tally)
{
    const struct seg *seg = store->arena.segs + index;
    char *base = seg_base(&store->arena, index);

    if (seg->state == SEG_FREE || seg->state == SEG_UNBACKED)
        return;
    for (uint32_t off = 0; off < seg->used;) {
        char *rec = base + off;

        off += rec_bytes(rec);
        REQUIRE(off <= seg->used);
        count_record(store, rec, tally);
    }
    REQUIRE(seg->used <= store->arena.seg_bytes);
}

static void
count_pins(const struct world *w, const struct held *held, struct tally *tally)
{
    const struct arena *arena = &w->store->arena;

    if (held->handle == NULL)
        return;
    tally->pins[arena_seg_of(arena, held->handle)]++;
    for (uint32_t i = 0; i < large_pieces(w->store, held->handle); i++) {
        const char *piece = large_piece(w->store, held->handle, i);

        if (piece != NULL)
            tally->pins[arena_seg_of(arena, piece)]++;
    }
}

/* --- Segments --- */

static uint32_t
count_queue(const struct arena *arena, const struct seg_queue *queue)
{
    uint32_t count = 0, prev = SEG_NONE;

    for (uint32_t i = queue->head; i != SEG_NONE; prev = i, i = arena->segs[i].next) {
        REQUIRE(arena->segs[i].prev == prev);
        REQUIRE(++count <= arena->seg_count);
    }
    REQUIRE(queue->tail == prev);
    return count;
}

static void
check_dead_list(const struct arena *arena, uint32_t index)
{
    const struct seg *seg = arena->segs + index;
    unsigned want = 0;
    bool found = false;

    if (seg->state == SEG_CLOSED && seg->pins == 0)
        want = (seg->used - seg->live) >> (arena->seg_shift - DEAD_CLASS_BITS);
    REQUIRE(seg->dead_class == want);
    if (want == 0)
        return;
    for (uint32_t i = arena->dead_heads[want]; i != SEG_NONE; i = arena->segs[i].dead_next)
        found |= i == index;
    REQUIRE(found && (arena->dead_mask >> want & 1) != 0);
}

static void
check_segment(const struct store *store, uint32_t index, const struct tally *tally)
{
    const struct seg *seg = store->arena.segs + index;

    check_dead_list(&store->arena, index);
    REQUIRE(seg->pins == tally->pins[index]);
    switch (seg->state) {
    case SEG_UNBACKED:
    case SEG_FREE: REQUIRE(seg->pins == 0 && !seg->queued); return;
    case SEG_OPEN:
    case SEG_CLOSED:
    case SEG_VICTIM: REQUIRE(seg->extents == tally->extents[index]); break;
    case SEG_EXTENT: break;
    }
    REQUIRE(seg->live == tally->live[index]);
    /* Nothing is forgotten: what neither lives nor is held is free. */
    REQUIRE(seg->live > 0 || seg->pins > 0 || seg->state == SEG_OPEN ||
            seg->state == SEG_VICTIM);
}

static void
check_counts(const struct store *store, const struct tally *tally)
{
    const struct arena *arena = &store->arena;
    uint32_t in[SEG_EXTENT + 1] = {0};
    uint32_t pinned = 0, extents = 0, open = 0, closed = 0, count = 0;

    for (uint32_t i = 0; i < arena->seg_touched; i++) {
        in[arena->segs[i].state]++;
        pinned += tally->pins[i] > 0;
        extents += tally->extents[i];
    }
    REQUIRE(in[SEG_FREE] == arena->seg_free);
    REQUIRE(arena->seg_touched - in[SEG_UNBACKED] == arena->seg_resident);
    REQUIRE(pinned == arena->seg_pinned);
    REQUIRE(in[SEG_VICTIM] == (store->evictor.victim != SEG_NONE));
    for (int log = 0; log < LOGS; log++) {
        closed += count_queue(arena, arena->logs + log);
        open += arena->logs[log].open != SEG_NONE;
        count += arena->logs[log].count;
    }
    REQUIRE(in[SEG_CLOSED] == closed);
    REQUIRE(in[SEG_OPEN] == open);
    REQUIRE(count == in[SEG_OPEN] + in[SEG_CLOSED] + in[SEG_VICTIM] + extents);
    REQUIRE(tally->items == store->index.count);
    REQUIRE(tally->bytes == store->content_bytes + store->header_bytes);
    REQUIRE(arena_available(arena) >= 0);
    /* A lower limit is kept to, or work is left, or what is in use lives or is pinned. */
    REQUIRE(store->shrinking || limit_bytes_now(store) == store_limit_bytes(store));
    REQUIRE(store_check(store));
}

/* Survivors of the victim, or of the next one, have a segment to move to. */
static void
check_survivors(const struct store *store)
{
    const struct arena *arena = &store->arena;
    uint32_t open = arena->logs[LOG_SMALL].open;

    if (store->evict || arena_available(arena) >= SEGS_FOR_SURVIVORS ||
        store->flushed_items > 0)
        return;
    REQUIRE(open != SEG_NONE);
    REQUIRE(arena->segs[open].used + victim_promised_bytes(store) <= arena->seg_bytes);
}

/* The work that was done for what waits ends with it. */
static void
check_waits(const struct world *w)
{
    bool waits = false;

    for (unsigned i = 0; i < HELD_MAX; i++)
        waits |= w->uploads[i].handle != NULL && w->uploads[i].waits;
    REQUIRE(waits || w->store->wait_work == 0);
}

/* --- Items --- */

static void
check_value(const struct world *w, const void *handle, unsigned key, unsigned version,
            uint64_t bytes)
{
    for (uint64_t off = 0; off < bytes;) {
        struct slice part = store_value_at(w->store, handle, off);

        REQUIRE(part.len > 0 && off + part.len <= bytes);
        for (size_t i = 0; i < part.len; i++)
            REQUIRE(part.ptr[i] == world_byte(key, version, off + i));
        off += part.len;
    }
}

static void
check_key(struct world *w, unsigned key)
{
    struct entry *e = w->entries + key;
    struct slice name = world_key(key);
    struct slot slot;
    struct item item;

    REQUIRE(store_find_seen(w->store, name, store_hash(w->store, name), w->places + key) ==
            store_find(w->store, name, store_hash(w->store, name), &slot));
    if (e->expires_s != STORE_NEVER && e->expires_s <= w->now_s)
        e->present = false;
    if (!store_peek(w->store, name, store_hash(w->store, name), &item)) {
        REQUIRE(w->scope->evict || !e->present);
        e->present = false;
        return;
    }
    REQUIRE(e->present);
    REQUIRE(item.expires_s == e->expires_s);
    REQUIRE(item.value_bytes == w->scope->values[key]);
    check_value(w, item.handle, key, e->version, item.value_bytes);
}

void
world_check(struct world *w)
{
    struct tally tally;
    const struct arena *arena = &w->store->arena;

    memset(&tally, 0, sizeof(tally));
    REQUIRE(arena->seg_count <= SEGS_MAX);
    for (uint32_t i = 0; i < arena->seg_touched; i++)
        count_segment(w->store, i, &tally);
    for (unsigned i = 0; i < HELD_MAX; i++) {
        count_pins(w, w->pins + i, &tally);
        count_pins(w, w->uploads + i, &tally);
    }
    for (uint32_t i = 0; i < arena->seg_touched; i++)
        check_segment(w->store, i, &tally);
    check_counts(w->store, &tally);
    check_survivors(w->store);
    check_waits(w);
    for (unsigned i = 0; i < KEYS_MAX && w->scope->values[i] > 0; i++)
        check_key(w, i);
    for (unsigned i = 0; i < HELD_MAX; i++)
        if (w->pins[i].handle != NULL)
            check_value(w, w->pins[i].handle, w->pins[i].key, w->pins[i].version,
                        w->scope->values[w->pins[i].key]);
}
