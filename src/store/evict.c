#include "store_priv.h"

/*
 * A victim is emptied piece by piece, a little with each append, so that nobody
 * waits for a whole segment: a few are kept free ahead. Segments that are half
 * dead are emptied first, whatever log they are in; without eviction there is
 * only that.
 */
enum {
    POOR_YIELD_DIVISOR = 8, /* a victim that frees less was not worth it */
    BATCH = 8,              /* records whose buckets are fetched at the same time */
    MIN_COST_BYTES = 64,    /* of looking at a record, however small */
    TTL_RECORDS_AHEAD = 64,
    TTL_RECORDS_URGENT = 4096,
    WORK_BYTES = 32 * 1024,
};

void
evict_init(struct store *store)
{
    store->evictor.victim = SEG_NONE;
}

/* --- Choosing --- */

static void
begin_victim(struct store *store, uint32_t index)
{
    struct evictor *ev = &store->evictor;

    arena_take_victim(&store->arena, index);
    ev->victim = index;
    ev->off = 0;
    ev->moved = 0;
}

/* A victim there is to be, if need be a segment that is not full. */
static bool
find_victim(struct store *store)
{
    uint32_t index = policy_choose(store);

    for (int log = 0; log < LOGS && index == SEG_NONE; log++) {
        uint32_t open = store->arena.logs[log].open;

        if (open == SEG_NONE || store->arena.segs[open].pins != 0)
            continue;
        if (!store->evict && policy_dead_bytes(store, store->arena.segs + open) <
                                 store->arena.seg_bytes / FULL_DEAD_DIVISOR)
            continue;
        arena_close(&store->arena, (enum log_id)log);
        index = policy_choose(store);
    }
    if (index == SEG_NONE)
        return false;
    begin_victim(store, index);
    return true;
}

/*
 * When nearly all of a victim survives and segments run out, be stricter with
 * the next ones, in the end without mercy: so the end is guaranteed.
 */
static void
finish_victim(struct store *store)
{
    struct evictor *ev = &store->evictor;
    /* Of what was in it: a segment that was hardly begun has no more to yield. */
    uint32_t used = store->arena.segs[ev->victim].used;
    uint32_t poor = used - used / POOR_YIELD_DIVISOR;

    if (!ev->clean)
        policy_note_emptied(store, (enum log_id)store->arena.segs[ev->victim].log,
                            used - ev->moved);
    arena_put_back(&store->arena, ev->victim);
    ev->victim = SEG_NONE;
    store->stats.segments_emptied++;
    if (ev->clean || ev->moved < poor)
        ev->level = 0;
    else if (arena_available(&store->arena) <= SEGS_FOR_SURVIVORS)
        ev->level = REC_FREQ_MAX + 1;
    else if (arena_available(&store->arena) < SEGS_AHEAD - 1 && ev->level < REC_FREQ_MAX - 1)
        ev->level++;
}

/* --- Judging --- */

static void
evict_item(struct store *store, char *rec, uint64_t hash, uint64_t *slot)
{
    enum log_id log = (enum log_id)arena_seg(&store->arena, rec)->log;

    store->stats.evictions++;
    if ((rec_info(rec) & (ITEM_FETCHED << REC_MARKS_SHIFT)) == 0)
        store->stats.evicted_unfetched++;
    index_remove_to_ghost(&store->index, hash, slot, log);
    item_die(store, rec);
    policy_note_evicted(store, log);
}

static void
note_moved(struct store *store, enum log_id from, uint32_t bytes)
{
    store->evictor.moved += bytes;
    if (!store->evictor.clean && from == LOG_SMALL)
        policy_note_joined(store, bytes);
}

/* False when a survivor could not be moved and must not be dropped. */
static bool
judge_item(struct store *store, char *rec, uint64_t hash)
{
    uint64_t *slot = index_find(&store->index, hash, arena_loc(&store->arena, rec));
    enum log_id log = (enum log_id)arena_seg(&store->arena, rec)->log;
    unsigned freq = rec_freq(rec);
    char *moved;

    BUG_ON(slot == NULL);
    if (rec_is_gone(store, rec)) {
        item_count_reclaimed(store, rec);
        item_remove(store, rec, hash, slot);
        return true;
    }
    if (!policy_survives(store, rec)) {
        evict_item(store, rec, hash, slot);
        return true;
    }
    moved = item_move(store, rec, store->evictor.clean ? log : LOG_MAIN, 0);
    if (moved == NULL) {
        if (!store->evict)
            return false;
        evict_item(store, rec, hash, slot);
        return true;
    }
    index_move(slot, arena_loc(&store->arena, moved));
    note_moved(store, log, rec_bytes(moved, store->fixed_bytes));
    if (!store->evictor.clean)
        rec_set_access(moved, rec_accessed(moved), policy_freq_after(log, freq));
    return true;
}

/* A piece follows its owner, who is judged where his record lies. */
static bool
judge_piece(struct store *store, char *piece)
{
    char *owner = arena_at(&store->arena, piece_owner(piece));
    enum log_id log = (enum log_id)arena_seg(&store->arena, piece)->log;
    uint64_t hash;

    if (rec_is_gone(store, owner)) {
        item_count_reclaimed(store, owner);
        item_drop(store, owner);
        return true;
    }
    if (store->evictor.clean || store->evictor.level <= REC_FREQ_MAX) {
        if (item_move(store, piece, store->evictor.clean ? log : LOG_MAIN, 0) != NULL) {
            note_moved(store, log, rec_bytes(piece, store->fixed_bytes));
            return true;
        }
        if (!store->evict)
            return false;
    }
    hash = rec_hash(store, owner);
    evict_item(store, owner, hash,
               index_find(&store->index, hash, arena_loc(&store->arena, owner)));
    return true;
}

/* --- Emptying --- */

struct batch {
    char *rec[BATCH];
    uint64_t hash[BATCH];
    unsigned count;
};

/* The next live records of the victim; fetch the buckets they are in. Returns the cost. */
static uint64_t
gather(struct store *store, struct batch *batch)
{
    struct evictor *ev = &store->evictor;
    char *base = seg_base(&store->arena, ev->victim);
    uint32_t used = store->arena.segs[ev->victim].used;
    uint64_t cost = 0;

    batch->count = 0;
    while (batch->count < BATCH && ev->off < used) {
        char *rec = base + ev->off;
        uint32_t bytes = rec_bytes(rec, store->fixed_bytes);

        ev->off += bytes;
        cost += bytes < MIN_COST_BYTES ? MIN_COST_BYTES : bytes;
        if ((rec_info(rec) & REC_DEAD) != 0)
            continue;
        BUG_ON((rec_info(rec) & REC_PENDING) != 0);
        if (!rec_is_piece(rec)) {
            batch->hash[batch->count] = rec_hash(store, rec);
            PREFETCH(index_home(&store->index, batch->hash[batch->count]));
        }
        batch->rec[batch->count++] = rec;
    }
    return cost;
}

static bool
judge_batch(struct store *store, const struct batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++) {
        char *rec = batch->rec[i];
        bool fits;

        /* It may have died with its owner. */
        if ((rec_info(rec) & REC_DEAD) != 0)
            continue;
        fits = rec_is_piece(rec) ? judge_piece(store, rec)
                                 : judge_item(store, rec, batch->hash[i]);
        if (!fits) {
            store->evictor.off =
                (uint32_t)(rec - seg_base(&store->arena, store->evictor.victim));
            return false;
        }
    }
    return true;
}

/*
 * Go on emptying the victim, or the next one, until BUDGET is spent or the
 * victim is empty. False when there is nothing that could be emptied.
 */
static bool
evict_step(struct store *store, uint64_t budget)
{
    struct evictor *ev = &store->evictor;
    uint64_t spent = 0;
    struct batch batch;

    /* Somebody began to hold it meanwhile: nothing may move out of it now. */
    if (ev->victim != SEG_NONE && store->arena.segs[ev->victim].pins != 0) {
        arena_put_back(&store->arena, ev->victim);
        ev->victim = SEG_NONE;
    }
    if (ev->victim == SEG_NONE && !find_victim(store))
        return false;
    while (ev->off < store->arena.segs[ev->victim].used) {
        if (spent >= budget)
            return true;
        spent += gather(store, &batch);
        if (!judge_batch(store, &batch)) {
            arena_put_back(&store->arena, ev->victim);
            ev->victim = SEG_NONE;
            return false;
        }
    }
    finish_victim(store);
    return true;
}

/* How much of victims to look at for each byte appended. */
static uint64_t
pace(const struct store *store, int64_t available)
{
    uint64_t pace = available == SEGS_AHEAD - 1 ? 2 : available < SEGS_AHEAD - 2 ? 8 : 4;

    if (store->evictor.clean && store->evictor.victim != SEG_NONE) {
        const struct seg *seg = store->arena.segs + store->evictor.victim;
        uint32_t dead = store->arena.seg_bytes - seg->live;

        pace *= 1 + store->arena.seg_bytes / (dead + 1);
    }
    return pace;
}

/* Segments that are to be free: some ahead, and those that the index waits for. */
static int64_t
wish(const struct store *store)
{
    return SEGS_AHEAD + (int64_t)store->arena.seg_allowed - store->arena.seg_goal;
}

/* Whether less than half of the memory in use holds what lives. */
static bool
is_mostly_dead(const struct store *store)
{
    const struct arena *arena = &store->arena;
    uint64_t used = (uint64_t)(arena->seg_resident - arena->seg_free) << arena->seg_shift;

    return store->content_bytes + store->header_bytes < used / 2;
}

/*
 * Where much of what was written is dead, use its memory again before more is touched
 * for the first time: a page costs some microseconds then, more than copying what lives.
 */
static void
reuse_ahead(struct store *store, uint32_t bytes)
{
    struct evictor *ev = &store->evictor;

    if (ev->victim == SEG_NONE) {
        uint32_t index;

        /* One look for each segment that is begun: there may be none that is worth it. */
        if (LIKELY(ev->looked_at == store->arena.serial))
            return;
        ev->looked_at = store->arena.serial;
        if (store->arena.seg_free > SEGS_FOR_SURVIVORS || !is_mostly_dead(store))
            return;
        index = policy_worth_cleaning(store);
        if (index == SEG_NONE)
            return;
        ev->clean = true;
        begin_victim(store, index);
    }
    /* Nothing else may be chosen instead: there is no need to evict. */
    if (ev->clean && store->arena.segs[ev->victim].pins == 0)
        (void)evict_step(store, bytes * pace(store, SEGS_AHEAD - 1));
}

static void
evict_ahead(struct store *store, uint32_t bytes)
{
    int64_t available = arena_available(&store->arena);

    if (LIKELY(available >= wish(store))) {
        reuse_ahead(store, bytes);
        return;
    }
    if (ttl_step(store, TTL_RECORDS_AHEAD) && available > SEGS_FOR_SURVIVORS)
        return;
    (void)evict_step(store, bytes * pace(store, available));
}

/* Make at least one segment more available, however long it takes. */
static bool
evict_now(struct store *store)
{
    arena_trim(&store->arena, SEGS_AHEAD);
    if (ttl_step(store, TTL_RECORDS_URGENT))
        return true;
    store->stats.evict_stalls++;
    return evict_step(store, UINT64_MAX);
}

/* What has to become available for BYTES to find a place, beyond SEGS_FOR_SURVIVORS. */
static uint64_t
lacking(const struct store *store, uint32_t bytes)
{
    int64_t segs = SEGS_FOR_SURVIVORS - arena_available(&store->arena);

    if (segs < 0)
        segs = 0;
    return ((uint64_t)segs << store->arena.seg_shift) +
           (store->evict ? store->arena.seg_bytes : bytes);
}

/*
 * Whether it makes sense to try again. BYTES are wanted; where what is dead is all
 * that can be used again, that many are enough, else it takes a segment.
 */
static bool
make_room(struct store *store, uint32_t bytes)
{
    if (evict_now(store))
        return true;
    store->stats.outofmemory++;
    store->pin_starved = store->arena.seg_pinned > 0;
    if (store->arena.seg_pinned > 0)
        store->missing_bytes = lacking(store, bytes);
    return false;
}

char *
evict_append(struct store *store, enum log_id log, uint32_t bytes)
{
    char *addr;

    store->missing_bytes = 0;
    evict_ahead(store, bytes);
    do {
        addr = arena_append(&store->arena, log, bytes, SEGS_FOR_SURVIVORS);
    } while (addr == NULL && make_room(store, bytes));
    return addr;
}

char *
evict_take_extent(struct store *store)
{
    char *addr;

    store->missing_bytes = 0;
    do {
        addr = arena_take_extent(&store->arena, SEGS_FOR_SURVIVORS);
    } while (addr == NULL && make_room(store, store->arena.seg_bytes));
    return addr;
}

char *
evict_move(struct store *store, char *rec, enum log_id log)
{
    char *moved;

    store->missing_bytes = 0;
    do {
        moved = item_move(store, rec, log, SEGS_FOR_SURVIVORS);
    } while (moved == NULL && make_room(store, rec_bytes(rec, store->fixed_bytes)));
    return moved;
}

bool
evict_work(struct store *store)
{
    struct evictor *ev = &store->evictor;

    if (ev->flush_sweep && ev->victim == SEG_NONE &&
        policy_most_dead(store, store->arena.seg_bytes) == SEG_NONE)
        ev->flush_sweep = false;
    if (ev->flush_sweep || (store->evict && arena_available(&store->arena) < wish(store)))
        return evict_step(store, WORK_BYTES);
    return false;
}
