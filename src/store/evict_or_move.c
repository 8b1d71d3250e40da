/* What becomes of each record of a victim: it moves, is evicted, or is gone already. */
#include "store_priv.h"

static NOINLINE void
tell_evicted(const struct store *store, char *rec)
{
    const struct seg *seg = arena_seg(&store->arena, rec);
    bool large = (rec_info(rec) & REC_LARGE) != 0;
    const struct item item = {
        .handle = rec,
        .key = rec_key(rec),
        .value_bytes = large ? large_value_bytes(rec) : rec_body_len(rec),
        .expires_s = rec_has_expiry(rec) ? rec_expires(rec, seg) : (uint32_t)STORE_NEVER,
        .accessed_s = rec_accessed(rec, seg),
        .marks = (rec_info(rec) & REC_MARKS) >> REC_MARKS_SHIFT,
    };

    store->on_evict(store->on_evict_ctx, &item);
}

static void
evict_item(struct store *store, char *rec, uint64_t hash, const struct slot *slot)
{
    unsigned kind = log_is_main(arena_seg(&store->arena, rec)->log) ? GHOST_MAIN : GHOST_SMALL;

    store->stats.evictions++;
    if ((rec_info(rec) & (ITEM_FETCHED << REC_MARKS_SHIFT)) == 0)
        store->stats.evicted_unfetched++;
    if (UNLIKELY(store->on_evict != NULL))
        tell_evicted(store, rec);
    tail_note_evicted(store, rec);
    index_remove_to_ghost(&store->index, hash, slot, kind);
    policy_note_evicted(store, kind, policy_item_bytes(rec));
    item_die(store, rec);
}

/* By what was evicted, or is gone anyway. */
void
evict_or_drop(struct store *store, char *rec)
{
    uint64_t hash = rec_hash(store, rec);
    struct slot slot;

    if (rec_is_gone(store, rec)) {
        item_count_reclaimed(store, rec);
        item_drop(store, rec, hash);
        return;
    }
    if (BROKEN(!index_find(&store->index, hash, arena_loc(&store->arena, rec), &slot)))
        item_die(store, rec);
    else
        evict_item(store, rec, hash, &slot);
}

static void
note_moved(struct store *store, enum log_id from, uint32_t bytes)
{
    store->evictor.moved += bytes;
    if (!store->evictor.clean && !log_is_main(from))
        policy_note_joined(store, bytes);
}

/* False when a survivor could not be moved and must not be dropped. */
bool
evict_or_move_item(struct store *store, char *rec, uint64_t hash)
{
    enum log_id log = arena_seg(&store->arena, rec)->log;
    unsigned freq = rec_freq(rec);
    struct slot slot;
    char *moved;

    if (BROKEN(!index_find(&store->index, hash, arena_loc(&store->arena, rec), &slot))) {
        item_die(store, rec);
        return true;
    }
    if (rec_is_gone(store, rec)) {
        item_count_reclaimed(store, rec);
        item_remove(store, rec, hash, &slot);
        return true;
    }
    if (!policy_survives(store, rec)) {
        evict_item(store, rec, hash, &slot);
        return true;
    }
    moved = item_move(store, rec, store->evictor.clean ? log : log_main_for(log));
    if (moved == NULL) {
        if (!store->evict)
            return false;
        evict_item(store, rec, hash, &slot);
        return true;
    }
    index_move(&store->index, &slot, arena_loc(&store->arena, moved));
    note_moved(store, log, rec_bytes(moved));
    if (!store->evictor.clean) {
        rec_set_freq(moved, policy_freq_after(freq));
        policy_note_survivor(store, log);
    }
    return true;
}

/* A piece follows its owner, which is judged where its record lies. */
bool
evict_or_move_piece(struct store *store, char *piece)
{
    char *owner = arena_at(&store->arena, piece_owner(piece));
    enum log_id log = arena_seg(&store->arena, piece)->log;

    if (BROKEN(!arena_has(&store->arena, piece_owner(piece)))) {
        record_die(store, piece);
        return true;
    }
    if (!rec_is_gone(store, owner) &&
        (store->evictor.clean || store->evictor.level <= REC_FREQ_MAX)) {
        if (item_move(store, piece, store->evictor.clean ? log : log_main_for(log)) != NULL) {
            note_moved(store, log, rec_bytes(piece));
            return true;
        }
        if (!store->evict)
            return false;
    }
    evict_or_drop(store, owner);
    return true;
}
