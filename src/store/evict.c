#include "store_priv.h"

/*
 * S3-FIFO (Yang et al., SOSP 2023) on two logs. What is new goes to the small
 * one; what is hit there before its segment is the oldest goes on to the main
 * one, the rest leaves at once and may stay as a ghost in the index. What comes
 * back while it is a ghost goes to the main log straight away. There, an item
 * is appended again for as long as it is hit between its turns.
 *
 *     new --> | small: a tenth | --hit--> | main             | --not hit--> out
 *                    |                     ^  |  ^        |
 *                  out, a ghost -- again --/   \-- hit --/
 *
 * A victim is emptied piece by piece, a little with each append, so that
 * nobody waits for a whole segment. Segments that are half dead are emptied
 * first, whatever log they are in; without eviction there is only that.
 */
#ifndef SMALL_SHARE
#define SMALL_SHARE 10
#endif
#ifndef PROMOTE
#define PROMOTE 1
#endif
#ifndef GHOST_NUM
#define GHOST_NUM 1
#endif

enum {
    SEGS_AHEAD = 4,         /* work ahead until so many are free */
    CLEAN_DEAD_DIVISOR = 2, /* half dead is worth cleaning */
    FULL_DEAD_DIVISOR = 64, /* without eviction, when less is dead everywhere it is full */
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

static uint32_t
dead_bytes(const struct store *store, const struct seg *seg)
{
    if (store->flushed_items > 0 && seg->epoch != store->arena.epoch)
        return store->arena.seg_bytes;
    return seg->used - seg->live;
}

/* The closed, unpinned segment with most dead bytes; SEG_NONE when that is less than AT_LEAST. */
static uint32_t
most_dead(const struct store *store, uint32_t at_least)
{
    uint32_t best = SEG_NONE;

    for (uint32_t i = 0; i < store->arena.void_next; i++) {
        const struct seg *seg = store->arena.segs + i;
        uint32_t dead;

        if (seg->state != SEG_CLOSED || seg->pins != 0)
            continue;
        dead = dead_bytes(store, seg);
        if (dead >= at_least) {
            best = i;
            at_least = dead + 1;
        }
    }
    return best;
}

/* The oldest segment of LOG that nobody holds; held ones go to the young end. */
static uint32_t
oldest(struct store *store, enum log_id log)
{
    struct seg_queue *queue = store->arena.logs + log;
    uint32_t last = queue->tail;

    while (queue->head != SEG_NONE) {
        uint32_t index = queue->head;

        if (store->arena.segs[index].pins == 0)
            return index;
        if (index == last)
            break;
        arena_rotate(&store->arena, index);
    }
    return SEG_NONE;
}

static uint32_t
choose_by_age(struct store *store)
{
    const struct seg_queue *logs = store->arena.logs;
    uint64_t all = (uint64_t)logs[LOG_SMALL].count + logs[LOG_MAIN].count;
    enum log_id first =
        (uint64_t)logs[LOG_SMALL].count * SMALL_SHARE > all ? LOG_SMALL : LOG_MAIN;
    enum log_id second = first == LOG_SMALL ? LOG_MAIN : LOG_SMALL;
    uint32_t index = oldest(store, first);

    if (index == SEG_NONE)
        index = oldest(store, second);
    return index;
}

static uint32_t
choose(struct store *store)
{
    uint32_t seg_bytes = store->arena.seg_bytes;
    uint32_t index;

    store->evictor.clean = true;
    if (!store->evict)
        return most_dead(store, seg_bytes / FULL_DEAD_DIVISOR);
    index = most_dead(store, seg_bytes / CLEAN_DEAD_DIVISOR);
    if (index != SEG_NONE)
        return index;
    store->evictor.clean = false;
    return choose_by_age(store);
}

/* A victim there is to be, if need be a segment that is not full. */
static bool
find_victim(struct store *store)
{
    struct evictor *ev = &store->evictor;
    uint32_t index = choose(store);

    for (int log = 0; log < LOGS && index == SEG_NONE; log++) {
        uint32_t open = store->arena.logs[log].open;

        if (open == SEG_NONE || store->arena.segs[open].pins != 0)
            continue;
        if (!store->evict && dead_bytes(store, store->arena.segs + open) <
                                 store->arena.seg_bytes / FULL_DEAD_DIVISOR)
            continue;
        arena_close(&store->arena, (enum log_id)log);
        index = choose(store);
    }
    if (index == SEG_NONE)
        return false;
    arena_take_victim(&store->arena, index);
    ev->victim = index;
    ev->off = 0;
    ev->moved = 0;
    return true;
}

static void
finish_victim(struct store *store)
{
    struct evictor *ev = &store->evictor;

    /* When too much survives, be stricter with the next one: the end is guaranteed. */
    if (ev->clean ||
        ev->moved < store->arena.seg_bytes - store->arena.seg_bytes / POOR_YIELD_DIVISOR)
        ev->level = 0;
    else if (ev->level <= REC_FREQ_MAX)
        ev->level++;
    arena_put_back(&store->arena, ev->victim);
    ev->victim = SEG_NONE;
    store->stats.segments_emptied++;
}

/* --- Judging --- */

static void
evict_item(struct store *store, char *rec, uint64_t hash, uint64_t *slot, bool ghost)
{
    store->stats.evictions++;
    if ((rec_info(rec) & (ITEM_FETCHED << REC_MARKS_SHIFT)) == 0)
        store->stats.evicted_unfetched++;
    if (ghost && GHOST_NUM > 0)
        index_remove_to_ghost(&store->index, hash, slot);
    else
        index_remove(&store->index, hash, slot);
    item_die(store, rec);
}

static bool
survives(const struct store *store, const char *rec)
{
    const struct evictor *ev = &store->evictor;
    unsigned freq = rec_freq(rec);

    if (ev->clean)
        return true;
    if (arena_seg(&store->arena, rec)->log == LOG_SMALL)
        return freq >= PROMOTE + ev->level;
    return freq > ev->level;
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
    if (!survives(store, rec)) {
        evict_item(store, rec, hash, slot, log == LOG_SMALL);
        return true;
    }
    moved = item_move(store, rec, store->evictor.clean ? log : LOG_MAIN, 0);
    if (moved == NULL) {
        if (!store->evict)
            return false;
        evict_item(store, rec, hash, slot, false);
        return true;
    }
    index_move(slot, arena_loc(&store->arena, moved));
    store->evictor.moved += rec_bytes(moved, store->fixed_bytes);
    if (!store->evictor.clean)
        rec_set_access(moved, rec_accessed(moved), log == LOG_SMALL ? 0 : freq - 1);
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
        if (!store->evictor.clean)
            log = LOG_MAIN;
        if (item_move(store, piece, log, 0) != NULL) {
            store->evictor.moved += rec_bytes(piece, store->fixed_bytes);
            return true;
        }
        if (!store->evict)
            return false;
    }
    hash = rec_hash(store, owner);
    evict_item(store, owner, hash,
               index_find(&store->index, hash, arena_loc(&store->arena, owner)), false);
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

/* How much of victims to look at for each byte appended, by how short segments are. */
static uint64_t
pace(const struct store *store, int64_t short_of)
{
    uint64_t pace = short_of <= 1 ? 2 : short_of == 2 ? 4 : 8;

    if (store->evictor.clean && store->evictor.victim != SEG_NONE) {
        const struct seg *seg = store->arena.segs + store->evictor.victim;
        uint32_t dead = store->arena.seg_bytes - seg->live;

        pace *= 1 + store->arena.seg_bytes / (dead + 1);
    }
    return pace;
}

static void
evict_ahead(struct store *store, uint32_t bytes)
{
    int64_t short_of = SEGS_AHEAD - arena_available(&store->arena);

    if (LIKELY(short_of <= 0))
        return;
    if (ttl_step(store, TTL_RECORDS_AHEAD) && short_of < SEGS_AHEAD - SEGS_FOR_SURVIVORS)
        return;
    (void)evict_step(store, bytes * pace(store, short_of));
}

/* Make at least one segment more available, however long it takes. */
static bool
evict_now(struct store *store)
{
    arena_trim(&store->arena);
    if (ttl_step(store, TTL_RECORDS_URGENT))
        return true;
    store->stats.evict_stalls++;
    return evict_step(store, UINT64_MAX);
}

/* Whether it makes sense to try again. */
static bool
make_room(struct store *store)
{
    if (evict_now(store))
        return true;
    store->stats.outofmemory++;
    store->pin_starved = store->arena.seg_pinned > 0;
    return false;
}

char *
evict_append(struct store *store, enum log_id log, uint32_t bytes)
{
    char *addr;

    evict_ahead(store, bytes);
    do {
        addr = arena_append(&store->arena, log, bytes, SEGS_FOR_SURVIVORS);
    } while (addr == NULL && make_room(store));
    return addr;
}

char *
evict_take_extent(struct store *store)
{
    char *addr;

    do {
        addr = arena_take_extent(&store->arena, SEGS_FOR_SURVIVORS);
    } while (addr == NULL && make_room(store));
    return addr;
}

char *
evict_move(struct store *store, char *rec, enum log_id log)
{
    char *moved;

    do {
        moved = item_move(store, rec, log, SEGS_FOR_SURVIVORS);
    } while (moved == NULL && make_room(store));
    return moved;
}

bool
evict_work(struct store *store)
{
    struct evictor *ev = &store->evictor;

    if (ev->flush_sweep && ev->victim == SEG_NONE &&
        most_dead(store, store->arena.seg_bytes) == SEG_NONE)
        ev->flush_sweep = false;
    if (ev->flush_sweep || (store->evict && arena_available(&store->arena) < SEGS_AHEAD))
        return evict_step(store, WORK_BYTES);
    return false;
}

enum log_id
evict_log_for(const struct store *store, uint64_t hash, const char *old)
{
    if (old != NULL)
        return (enum log_id)arena_seg(&store->arena, old)->log;
    if (GHOST_NUM > 0 && index_has_ghost(&store->index, hash, store->index.count * GHOST_NUM))
        return LOG_MAIN;
    return LOG_SMALL;
}
