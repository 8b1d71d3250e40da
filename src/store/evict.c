/* Victims: segments are emptied record by record, what is to stay moves to the tail of a log. */
#include "store_priv.h"

/*
 * A victim is emptied a little with each append, so that no request waits for a
 * whole segment. Segments that are half dead are emptied first, whatever log they
 * are in; without eviction there is only that. Where no segment of a log can be
 * emptied, because clients hold all of them or its open one has all the records,
 * large values go whose segments no client holds.
 *
 * Without eviction survivors must find room. While a segment is available that is so:
 * those of one victim fit into one segment. When they have begun to fill the last
 * one, the rest of it is promised to them until the victim is empty (and free):
 *
 *     victim  | moved (dead) | live |            open  | survivors | promised |
 */
#ifndef STORE_BATCH /* fewer where tests make segments tiny */
#define STORE_BATCH 8
#endif

enum {
    POOR_YIELD_DIVISOR = 8, /* a victim that frees less was not worth it */
    BATCH = STORE_BATCH,    /* records whose buckets are fetched at the same time */
    MIN_COST_BYTES = 64,    /* of looking at a record, however small */
    VICTIM_COST_BYTES = 64, /* of finding a victim */
    LARGE_CHANCES = 4,      /* large values that were hit, and are passed by once for that */
};

void
evict_init(struct store *store)
{
    store->evictor.victim = store->evictor.promised = SEG_NONE;
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

/* By what was evicted, or is gone anyway. */
static void
drop_or_evict(struct store *store, char *rec)
{
    uint64_t hash;

    if (rec_is_gone(store, rec)) {
        item_count_reclaimed(store, rec);
        item_drop(store, rec);
        return;
    }
    hash = rec_hash(store, rec);
    evict_item(store, rec, hash,
               index_find(&store->index, hash, arena_loc(&store->arena, rec)));
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

/* A piece follows its owner, which is judged where its record lies. */
static bool
judge_piece(struct store *store, char *piece)
{
    char *owner = arena_at(&store->arena, piece_owner(piece));
    enum log_id log = (enum log_id)arena_seg(&store->arena, piece)->log;

    if (!rec_is_gone(store, owner) &&
        (store->evictor.clean || store->evictor.level <= REC_FREQ_MAX)) {
        if (item_move(store, piece, store->evictor.clean ? log : LOG_MAIN, 0) != NULL) {
            note_moved(store, log, rec_bytes(piece, store->fixed_bytes));
            return true;
        }
        if (!store->evict)
            return false;
    }
    drop_or_evict(store, owner);
    return true;
}

/* --- Choosing --- */

static void
begin_victim(struct store *store, uint32_t index, bool clean)
{
    struct evictor *ev = &store->evictor;

    arena_take_victim(&store->arena, index);
    ev->victim = index;
    ev->clean = clean;
    ev->off = 0;
    ev->moved = 0;
}

/* The segment that survivors of the last one are promised to, or SEG_NONE. */
static uint32_t
promised(const struct store *store)
{
    const struct evictor *ev = &store->evictor;

    if (ev->victim != SEG_NONE)
        return ev->victim;
    if (ev->promised == SEG_NONE ||
        store->arena.segs[ev->promised].serial != ev->promised_serial)
        return SEG_NONE;
    return ev->promised;
}

uint32_t
evict_promised_bytes(const struct store *store)
{
    uint32_t index = promised(store);

    /* None: a flush or the index took the last one. Keep what there is, to begin anew. */
    return index == SEG_NONE ? store->arena.seg_bytes : store->arena.segs[index].live;
}

/* Bytes that the open segment of LOG has left. */
static uint32_t
open_bytes(const struct store *store, unsigned log)
{
    const struct arena *arena = &store->arena;
    uint32_t open = arena->logs[log].open;

    return open == SEG_NONE ? 0 : arena->seg_bytes - arena->segs[open].used;
}

/* Without eviction: a segment with enough that is dead, and a place for what lives in it. */
static uint32_t
choose_to_compact(const struct store *store)
{
    const struct arena *arena = &store->arena;
    uint32_t best = arena_most_dead(arena, FULL_DEAD_CLASS);
    uint32_t begun = promised(store);

    if (arena_available(arena) >= SEGS_FOR_SURVIVORS || best == SEG_NONE)
        return best;
    if (begun != SEG_NONE && arena->segs[begun].state == SEG_CLOSED &&
        arena->segs[begun].pins == 0)
        return begun;
    return arena->segs[best].live <= open_bytes(store, arena->segs[best].log) ? best : SEG_NONE;
}

/* A segment that is to be emptied only of what is dead. */
static uint32_t
choose_dead(struct store *store)
{
    uint32_t index = policy_flushed(store);

    if (index != SEG_NONE)
        return index;
    return store->evict ? policy_worth_cleaning(store) : choose_to_compact(store);
}

/*
 * Evict the oldest large value whose record is in LOG and that owns a segment that no
 * client holds. False when there is none, or no look left.
 */
static bool
evict_large(struct store *store, enum log_id log)
{
    struct evictor *ev = &store->evictor;
    struct arena *arena = &store->arena;
    unsigned chances = ev->level <= REC_FREQ_MAX ? LARGE_CHANCES : 0;

    while (ev->passed_large[log] < arena->large[log].length && ev->looks > 0) {
        const char *first = seg_base(arena, arena->large[log].head);
        char *rec = arena_at(arena, piece_owner(first));
        uint32_t looks = large_pieces(store, rec);

        ev->looks -= looks < ev->looks ? looks : ev->looks;
        if (!large_has_free_extent(store, rec)) {
            ev->passed_large[log]++;
        } else if (rec_is_gone(store, rec) || chances == 0 || rec_freq(rec) == 0) {
            drop_or_evict(store, rec);
            return true;
        } else {
            chances--;
            ev->passed_large[log] = 0; /* it comes again */
            rec_set_access(rec, rec_accessed(rec), rec_freq(rec) / 2);
        }
        arena_unqueue_extent(arena, first);
        arena_queue_extent(arena, first, log);
    }
    return false;
}

enum found { FOUND_VICTIM, FOUND_ROOM, FOUND_NOTHING };

/* Close a segment that is not full, to empty it. */
static enum found
find_open(struct store *store, enum log_id log)
{
    struct arena *arena = &store->arena;
    uint32_t open = arena->logs[log].open;

    if (open == SEG_NONE || arena->segs[open].pins != 0)
        return FOUND_NOTHING;
    if (!store->evict &&
        (arena_available(arena) < SEGS_FOR_SURVIVORS ||
         policy_dead_bytes(store, arena->segs + open) < arena->seg_bytes / FULL_DEAD_DIVISOR))
        return FOUND_NOTHING;
    arena_close(arena, log);
    if (arena->segs[open].state == SEG_FREE)
        return FOUND_ROOM;
    begin_victim(store, open, !store->evict);
    return FOUND_VICTIM;
}

/* Look at all segments again. */
void
evict_look_anew(struct store *store)
{
    struct evictor *ev = &store->evictor;

    for (int i = 0; i < LOGS; i++)
        ev->passed[i] = ev->passed_large[i] = 0;
}

/*
 * What is dead goes first; what lives only until GOAL segments are available. FOUND_ROOM
 * may also mean that the search goes on with the next call.
 */
static enum found
find_victim(struct store *store, int64_t goal)
{
    uint32_t index = choose_dead(store);
    enum log_id first = store->evict ? policy_log_to_take_from(store) : LOG_SMALL;
    enum log_id logs[LOGS] = {first, first == LOG_SMALL ? LOG_MAIN : LOG_SMALL};
    enum found found = FOUND_NOTHING;

    if (index != SEG_NONE) {
        begin_victim(store, index, true);
        return FOUND_VICTIM;
    }
    if (store->evictor.flush_sweep)
        return FOUND_ROOM;
    if (store->evict && arena_available(&store->arena) >= goal)
        return FOUND_NOTHING;
    for (int i = 0; i < LOGS && store->evict; i++) {
        index = policy_oldest(store, logs[i]);
        if (index != SEG_NONE) {
            begin_victim(store, index, false);
            return FOUND_VICTIM;
        }
        if (evict_large(store, logs[i]) || store->evictor.looks == 0)
            return FOUND_ROOM;
    }
    for (int i = 0; i < LOGS && found == FOUND_NOTHING; i++)
        found = find_open(store, logs[i]);
    return found;
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

enum judged { JUDGED_ALL, JUDGED_ENOUGH, JUDGED_STUCK };

/* Judge them until GOAL segments are available; JUDGED_STUCK when a survivor has no place. */
static enum judged
judge_batch(struct store *store, const struct batch *batch, int64_t goal)
{
    struct evictor *ev = &store->evictor;
    const char *base = seg_base(&store->arena, ev->victim);

    for (unsigned i = 0; i < batch->count; i++) {
        char *rec = batch->rec[i];
        uint32_t off = (uint32_t)(rec - base);
        bool fits;

        /* It may have died with its owner. */
        if ((rec_info(rec) & REC_DEAD) != 0)
            continue;
        fits = rec_is_piece(rec) ? judge_piece(store, rec)
                                 : judge_item(store, rec, batch->hash[i]);
        if (!fits) {
            ev->off = off;
            return JUDGED_STUCK;
        }
        if (!ev->clean && arena_available(&store->arena) >= goal) {
            ev->off = off + rec_bytes(rec, store->fixed_bytes);
            return JUDGED_ENOUGH;
        }
    }
    return JUDGED_ALL;
}

void
evict_suspend(struct store *store)
{
    struct evictor *ev = &store->evictor;

    if (ev->victim == SEG_NONE)
        return;
    ev->promised = ev->victim;
    ev->promised_serial = store->arena.segs[ev->victim].serial;
    arena_put_back(&store->arena, ev->victim);
    ev->victim = SEG_NONE;
}

/* Whether nothing keeps the victim, and what lives in it would not go without need. */
static bool
may_go_on(const struct store *store, int64_t goal)
{
    const struct evictor *ev = &store->evictor;

    return store->arena.segs[ev->victim].pins == 0 &&
           (ev->clean || arena_available(&store->arena) < goal);
}

bool
evict_step(struct store *store, uint64_t budget, int64_t goal)
{
    struct evictor *ev = &store->evictor;
    uint64_t until = ev->spent + budget;
    struct batch batch;

    if (ev->victim != SEG_NONE && !may_go_on(store, goal))
        evict_suspend(store);
    if (ev->victim == SEG_NONE) {
        enum found found;

        ev->looks = LOOKS_MAX;
        found = find_victim(store, goal);
        if (ev->looks > 0)
            evict_look_anew(store);
        ev->spent += VICTIM_COST_BYTES;
        if (found != FOUND_VICTIM)
            return found == FOUND_ROOM;
    }
    while (ev->off < store->arena.segs[ev->victim].used) {
        if (ev->spent >= until)
            return true;
        ev->spent += gather(store, &batch);
        switch (judge_batch(store, &batch, goal)) {
        case JUDGED_ALL: break;
        case JUDGED_ENOUGH: return true;
        case JUDGED_STUCK: evict_suspend(store); return false;
        }
    }
    finish_victim(store);
    return true;
}
