/* Whole items: dropped, counted, moved; in the index and with all their pieces. */
#include "store_priv.h"

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

    if (BROKEN(slot == NULL))
        item_die(store, rec);
    else
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
        large_set_loc(store, moved);
    } else {
        if ((rec_info(moved) & REC_LARGE) != 0)
            large_set_owner(store, moved, rec);
        record_note_expiry(store, moved);
    }
    rec_set_info(rec, (rec_info(rec) | REC_DEAD) & ~(unsigned)REC_PENDING);
    arena_forget(&store->arena, rec, bytes);
    store->stats.bytes_moved += bytes;
    return moved;
}
