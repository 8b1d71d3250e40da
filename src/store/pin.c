/* Pins: what keeps segments where they are, and what giving them up would bring. */
#include "store_priv.h"

void
store_pin(struct store *store, const void *addr)
{
    arena_pin(&store->arena, addr);
}

void
store_unpin(struct store *store, const void *addr)
{
    /* It may have been what kept flushed items from being dropped. */
    if (UNLIKELY(store->flushed_items > 0))
        policy_sweep_from(store, arena_seg_of(&store->arena, addr));
    arena_unpin(&store->arena, addr);
}

static void
pin_pieces(struct store *store, const char *rec)
{
    uint32_t pieces = large_pieces(store, rec);

    for (uint32_t i = 0; i < pieces; i++) {
        const char *piece = large_piece(store, rec, i);

        if (piece != NULL)
            arena_pin(&store->arena, piece);
    }
}

void
store_pin_item(struct store *store, const void *handle)
{
    const char *rec = handle;

    arena_pin(&store->arena, rec);
    if ((rec_info(rec) & REC_LARGE) != 0)
        pin_pieces(store, rec);
}

void
pin_give_up_pieces(struct store *store, const char *rec)
{
    uint32_t pieces = large_pieces(store, rec);

    for (uint32_t i = 0; i < pieces; i++) {
        const char *piece = large_piece(store, rec, i);

        if (piece != NULL)
            store_unpin(store, piece);
    }
}

void
store_unpin_item(struct store *store, const void *handle)
{
    const char *rec = handle;

    /* The table of pieces lies in the record: that goes last. */
    if ((rec_info(rec) & REC_LARGE) != 0)
        pin_give_up_pieces(store, rec);
    store_unpin(store, rec);
}

/* --- What they keep --- */

uint64_t
store_missing_bytes(const struct store *store)
{
    return store->missing_bytes;
}

uint64_t
store_excess_bytes(const struct store *store)
{
    const struct arena *arena = &store->arena;
    uint32_t half = arena->seg_allowed / 2;
    uint64_t excess = arena->seg_pinned > half ? arena->seg_pinned - half : 0;

    return excess << arena->seg_shift;
}

void
store_trial_begin(struct store *store)
{
    store->trial_number++;
    store->trial = (struct store_trial){0, 0};
}

/* What the trial says of segment INDEX, up to date. */
static struct seg_trial *
trial_of(struct store *store, uint32_t index)
{
    struct seg_trial *trial = store->arena.trials + index;

    if (trial->number != store->trial_number) {
        *trial = (struct seg_trial){store->trial_number, store->arena.segs[index].pins, 0};
        store->trial.held_bytes += store->arena.seg_bytes;
    }
    return trial;
}

/* What could be used of a segment that no client holds any more. */
static uint64_t
available_bytes(const struct store *store, const struct seg *seg, uint32_t trial_dead)
{
    uint32_t dead = policy_dead_bytes(store, seg) + trial_dead;

    if (store->evict || trial_dead >= seg->live)
        return store->arena.seg_bytes;
    return dead >= store->arena.seg_bytes / FULL_DEAD_DIVISOR ? dead : 0;
}

/* One pin less, and DEAD bytes more. */
static void
trial_drop(struct store *store, const void *addr, uint32_t dead)
{
    uint32_t index = arena_seg_of(&store->arena, addr);
    struct seg_trial *trial = trial_of(store, index);

    if (BROKEN(trial->pins == 0))
        return;
    trial->dead += dead;
    if (--trial->pins == 0)
        store->trial.freed_bytes +=
            available_bytes(store, store->arena.segs + index, trial->dead);
}

void
store_trial_unpin(struct store *store, const void *addr)
{
    trial_drop(store, addr, 0);
}

void
store_trial_unpin_item(struct store *store, const void *handle)
{
    trial_drop(store, handle, 0);
    for (uint32_t i = 0; i < large_pieces(store, handle); i++) {
        const char *piece = large_piece(store, handle, i);

        if (piece != NULL)
            trial_drop(store, piece, 0);
    }
}

void
store_trial_abort(struct store *store, const void *handle)
{
    trial_drop(store, handle, rec_bytes(handle));
    for (uint32_t i = 0; i < large_pieces(store, handle); i++) {
        const char *piece = large_piece(store, handle, i);

        if (piece != NULL)
            trial_drop(store, piece, rec_bytes(piece));
    }
}

struct store_trial
store_trial_result(const struct store *store)
{
    return store->trial;
}
