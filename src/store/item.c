/* Whole items: dropped, counted, moved; in the index and with all their pieces. */
#include "lombard/base/copy.h"
#include "store_priv.h"

void
item_die(struct store *store, char *rec)
{
    if ((rec_info(rec) & REC_LARGE) != 0)
        large_pieces_die(store, rec);
    record_die(store, rec);
}

void
item_remove(struct store *store, char *rec, uint64_t hash, const struct slot *slot)
{
    if (rec_is_flushed(store, rec)) {
        store->flushed_items--;
        store->stats.flushed++;
    }
    index_remove(&store->index, hash, slot);
    item_die(store, rec);
}

void
item_drop(struct store *store, char *rec, uint64_t hash)
{
    struct slot slot;

    if (BROKEN(!index_find(&store->index, hash, arena_loc(&store->arena, rec), &slot)))
        item_die(store, rec);
    else
        item_remove(store, rec, hash, &slot);
}

void
batch_fetch(const struct store *store, const struct batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++)
        if (LIKELY(!rec_is_piece(batch->rec[i])))
            index_prefetch_chain(&store->index, batch->hash[i]);
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

uint32_t
item_bytes_max(const struct store *store, const struct rec_head *head)
{
    struct rec_widths widths = item_widths(store, head->info);
    uint32_t header = REC_HEADER_MAX;

    if (UNLIKELY(widths.full))
        header =
            rec_forms[rec_form_for(store->arena.base, &store->arena, head, &widths)].header;
    return header + head->key_len + head->body_len;
}

/* Likewise in a segment that is opened for it. */
static char *
append_anew(struct store *store, const struct rec_head *head, enum log_id log, int64_t keep)
{
    struct rec_widths widths = item_widths(store, head->info);
    uint32_t most = item_bytes_max(store, head);
    char *rec = arena_append(&store->arena, log, most, keep);

    if (rec == NULL)
        return NULL;
    rec_write_head(rec, &store->arena, head, rec_form_for(rec, &store->arena, head, &widths));
    arena_shorten(&store->arena, rec, most, rec_bytes(rec));
    return rec;
}

char *
item_append(struct store *store, const struct rec_head *head, enum log_id log, int64_t keep)
{
    struct rec_widths widths = item_widths(store, head->info);
    struct arena *arena = &store->arena;
    struct seg *seg = arena_open_seg(arena, log);
    char *rec = arena_tail(arena, log);
    unsigned form;
    uint32_t bytes;

    if (UNLIKELY(seg == NULL || seg->used == arena->seg_bytes))
        return append_anew(store, head, log, keep);
    form = rec_form_for(rec, arena, head, &widths);
    bytes = rec_forms[form].header + head->key_len + head->body_len;
    if (UNLIKELY(seg->used + bytes > arena->seg_bytes))
        return append_anew(store, head, log, keep);
    arena_extend(arena, seg, bytes);
    rec_write_head(rec, arena, head, form);
    return rec;
}

char *
item_rewrite(struct store *store, char *rec, const struct rec_head *head, enum log_id log,
             int64_t keep)
{
    uint32_t old_header = rec_header_bytes(rec);
    char *new = item_append(store, head, log, keep);
    uint32_t header;

    if (new == NULL)
        return NULL;
    header = rec_header_bytes(new);
    copy_to_store(new + header, rec + old_header, head->key_len + head->body_len);
    if ((head->info & REC_LARGE) != 0)
        large_set_owner(store, new, rec);
    record_note_expiry(store, new);
    store->header_bytes += header;
    store->header_bytes -= old_header;
    rec_set_info(rec, (rec_info(rec) | REC_DEAD) & ~(unsigned)REC_PENDING);
    arena_forget(&store->arena, rec, rec_bytes(rec));
    return new;
}

static char *
move_piece(struct store *store, char *piece, enum log_id log)
{
    uint32_t bytes = rec_bytes(piece);
    char *moved = arena_append(&store->arena, log, bytes, 0);

    if (moved == NULL)
        return NULL;
    copy_to_store(moved, piece, bytes);
    large_set_loc(store, moved);
    rec_set_info(piece, rec_info(piece) | REC_DEAD);
    arena_forget(&store->arena, piece, bytes);
    return moved;
}

char *
item_move(struct store *store, char *rec, enum log_id log)
{
    struct rec_head head;
    char *moved;

    if (rec_is_piece(rec)) {
        moved = move_piece(store, rec, log);
    } else {
        head = rec_read_head(rec, &store->arena);
        moved = item_rewrite(store, rec, &head, log, 0);
    }
    if (moved != NULL)
        store->stats.bytes_moved += rec_bytes(moved);
    return moved;
}
