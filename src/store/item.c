#include "store_priv.h"

/* Bytes of a record that are key and value; the rest is header. */
static uint32_t
rec_content_bytes(const char *rec)
{
    if ((rec_info(rec) & REC_LARGE) != 0)
        return rec_key_len(rec); /* the value is in the pieces */
    return rec_key_len(rec) + rec_body_len(rec);
}

void
item_account(struct store *store, const char *rec)
{
    uint32_t content = rec_content_bytes(rec);

    store->content_bytes += content;
    store->header_bytes += rec_bytes(rec, store->fixed_bytes) - content;
}

void
item_note_expiry(struct store *store, const char *rec)
{
    uint32_t expires_s = rec_expires(rec, store->fixed_bytes);
    struct seg *seg = arena_seg(&store->arena, rec);

    if (expires_s == STORE_NEVER)
        return;
    if (expires_s < seg->scan_s)
        seg->scan_s = expires_s;
    if (expires_s < store->ttl.due_s)
        store->ttl.due_s = expires_s;
}

void
record_die(struct store *store, char *rec)
{
    uint32_t bytes = rec_bytes(rec, store->fixed_bytes);
    uint32_t content = rec_content_bytes(rec);
    unsigned info = rec_info(rec);
    /* A scan that stands at the end of the segment must not find itself in a record. */
    bool scanned = arena_seg_of(&store->arena, rec) == store->ttl.seg;

    BUG_ON((info & REC_DEAD) != 0);
    store->content_bytes -= content;
    store->header_bytes -= bytes - content;
    rec_set_info(rec, (info | REC_DEAD) & ~(unsigned)REC_PENDING);
    if ((info & REC_PENDING) != 0 && !scanned)
        arena_take_back(&store->arena, rec, bytes);
    else
        arena_forget(&store->arena, rec, bytes);
}

void
item_die(struct store *store, char *rec)
{
    if ((rec_info(rec) & REC_LARGE) != 0)
        large_pieces_die(store, rec);
    record_die(store, rec);
}

void
item_remove(struct store *store, char *rec, uint64_t hash, uint64_t *slot)
{
    if (rec_is_flushed(store, rec)) {
        store->flushed_items--;
        store->stats.flushed++;
    }
    index_remove(&store->index, hash, slot);
    item_die(store, rec);
}

void
item_drop(struct store *store, char *rec)
{
    uint64_t hash = rec_hash(store, rec);
    uint64_t *slot = index_find(&store->index, hash, arena_loc(&store->arena, rec));

    BUG_ON(slot == NULL);
    item_remove(store, rec, hash, slot);
}

void
item_count_reclaimed(struct store *store, const char *rec)
{
    /* What a flush took is counted there, expired or not. */
    if (rec_is_flushed(store, rec))
        return;
    store->stats.reclaimed++;
    if ((rec_info(rec) & (ITEM_FETCHED << REC_MARKS_SHIFT)) == 0)
        store->stats.expired_unfetched++;
}

char *
item_move(struct store *store, char *rec, enum log_id log, int64_t keep)
{
    uint32_t bytes = rec_bytes(rec, store->fixed_bytes);
    char *moved = arena_append(&store->arena, log, bytes, keep);

    if (moved == NULL)
        return NULL;
    memcpy(moved, rec, bytes);
    if (rec_is_piece(moved)) {
        large_set_place(store, moved);
    } else {
        if ((rec_info(moved) & REC_LARGE) != 0)
            large_set_owner(store, moved, rec);
        item_note_expiry(store, moved);
    }
    rec_set_info(rec, (rec_info(rec) | REC_DEAD) & ~(unsigned)REC_PENDING);
    arena_forget(&store->arena, rec, bytes);
    store->stats.bytes_moved += bytes;
    return moved;
}

/* --- The index's share of the limit --- */

uint32_t
store_segments_beside(const struct store *store, uint64_t index_bytes)
{
    uint64_t taken = store->own_bytes + index_bytes;
    uint64_t left = store->limit_bytes > taken ? store->limit_bytes - taken : 0;
    uint64_t count = left >> store->arena.seg_shift;

    return count < store->arena.seg_count ? (uint32_t)count : store->arena.seg_count;
}

bool
store_index_step(struct store *store, unsigned buckets)
{
    struct index *ix = &store->index;
    struct arena *arena = &store->arena;
    uint64_t wanted = index_wanted(ix);

    arena->seg_allowed = store_segments_beside(store, index_bytes_now(ix));
    arena->seg_goal = wanted > ix->to ? store_segments_beside(store, index_bytes(ix, wanted))
                                      : arena->seg_allowed;
    arena_trim(arena, SEGS_AHEAD);
    if (wanted == ix->to)
        return index_step(ix, buckets);
    /* Growing waits until its memory is free: room.c works towards the goal. */
    if (arena->seg_resident > arena->seg_goal ||
        (wanted > ix->to &&
         arena->seg_resident - arena->seg_free + SEGS_FOR_SURVIVORS > arena->seg_goal))
        return false;
    index_resize(ix, wanted);
    store->stats.index_resizes++;
    return true;
}
