/* Which segment is emptied next, and what becomes of it afterwards. */
#include "store_priv.h"

/*
 * A victim is emptied a little with each append, so that no request waits for a
 * whole segment. Segments that are a quarter dead are emptied first, whatever log they
 * are in; without eviction there is only that. Where no segment of a log can be
 * emptied, because clients hold all of them or its open one has all the records, or where
 * hardly any is left but those that large values own, large values go whose segments no client holds.
 *
 * Without eviction survivors must find space. While a segment is available that is so:
 * those of one victim fit into one segment. When they have begun to fill the last
 * one, the rest of it is promised to them until the victim is empty (and free):
 *
 *     victim  | moved (dead) | live |            open  | survivors | promised |
 */
enum {
    POOR_YIELD_DIVISOR = 8, /* a victim that frees less was not worth it */
    POOR_ROUNDS = 4,    /* as often has all that is used been visited, or halved to nothing */
    LARGE_CHANCES = 16, /* large values that were hit, and are passed by once for that */
    LARGE_MOSTLY = 8,   /* segments that they own, for each other one of their log */
};

void
victim_init(struct store *store)
{
    store->evictor.victim = store->evictor.promised = SEG_NONE;
}

/* --- Choosing --- */

static void
begin(struct store *store, uint32_t index, bool clean)
{
    struct evictor *ev = &store->evictor;

    arena_take_victim(&store->arena, index);
    ev->victim = index;
    ev->clean = clean;
    ev->off = 0;
    ev->moved = 0;
    policy_note_victim(store);
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
victim_promised_bytes(const struct store *store)
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

/* Without eviction: a segment with enough that is dead, and space for what lives in it. */
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
            evict_or_drop(store, rec);
            ev->level = ev->poor = 0;
            return true;
        } else {
            chances--;
            ev->passed_large[log] = 0; /* it comes again */
            rec_set_freq(rec, rec_freq(rec) / 2);
        }
        arena_unqueue_extent(arena, first);
        arena_queue_extent(arena, first, log);
    }
    return false;
}

/*
 * Whether nearly all that LOG has are segments of large values: to empty another one would bring little, since
 * pieces move, and in the end take values with them that are hit.
 */
static bool
is_mostly_large(const struct store *store, enum log_id log)
{
    const struct seg_queue *queue = store->arena.logs + log;

    return queue->count > LARGE_MOSTLY * (queue->length + 1);
}

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
        return FOUND_PROGRESS;
    begin(store, open, !store->evict);
    return FOUND_VICTIM;
}

/* Look at all segments again. */
void
victim_look_anew(struct store *store)
{
    struct evictor *ev = &store->evictor;

    for (int i = 0; i < LOGS; i++)
        ev->passed[i] = ev->passed_large[i] = 0;
}

/* FIRST, then the others in their order, the main one last. */
static enum log_id
nth_log(enum log_id first, unsigned n)
{
    if (n == 0)
        return first;
    return (enum log_id)(n - (n <= (unsigned)first));
}

/*
 * What is dead goes first; what lives only until GOAL segments are available. FOUND_PROGRESS
 * may also mean that the search goes on with the next call.
 */
enum found
victim_find(struct store *store, int64_t goal)
{
    uint32_t index = choose_dead(store);
    int64_t available = arena_available(&store->arena);
    enum log_id first;
    enum found found = FOUND_NOTHING;

    if (index != SEG_NONE) {
        begin(store, index, true);
        return FOUND_VICTIM;
    }
    if (store->evictor.flush_sweep)
        return FOUND_PROGRESS;
    if (store->evict && available >= goal)
        return FOUND_NOTHING;
    first = store->evict ? policy_log_to_take_from(store) : LOG_SMALL;
    if (arena_available(&store->arena) > available)
        return FOUND_PROGRESS; /* an open segment was closed, and empty */
    for (unsigned i = 0; i < LOGS && store->evict; i++) {
        if (is_mostly_large(store, nth_log(first, i)) &&
            (evict_large(store, nth_log(first, i)) || store->evictor.looks == 0))
            return FOUND_PROGRESS;
        index = policy_oldest(store, nth_log(first, i));
        if (index != SEG_NONE) {
            begin(store, index, false);
            return FOUND_VICTIM;
        }
        if (evict_large(store, nth_log(first, i)) || store->evictor.looks == 0)
            return FOUND_PROGRESS;
    }
    for (unsigned i = 0; i < LOGS && found == FOUND_NOTHING; i++)
        found = find_open(store, nth_log(first, i));
    return found;
}

/* --- The end of one --- */

/*
 * When nearly all of a victim survives and segments run out, be stricter with
 * the next ones, in the end keep nothing: so the end is guaranteed.
 */
void
victim_finish(struct store *store)
{
    struct evictor *ev = &store->evictor;
    /* Of what was in it: a segment that was hardly begun has no more to yield. */
    uint32_t used = store->arena.segs[ev->victim].used;
    uint32_t poor = used - used / POOR_YIELD_DIVISOR;

    if (!ev->clean)
        policy_note_emptied(store, store->arena.segs[ev->victim].log, used - ev->moved);
    if (BROKEN(store->arena.segs[ev->victim].live != 0))
        arena_quarantine(&store->arena, ev->victim);
    arena_put_back(&store->arena, ev->victim);
    ev->victim = SEG_NONE;
    store->stats.segments_emptied++;
    if (ev->clean || ev->moved < poor)
        ev->level = ev->poor = 0;
    else if (arena_available(&store->arena) <= SEGS_FOR_SURVIVORS ||
             /* Some are always available then: it is no sign. */
             (store->shrinking && ++ev->poor > POOR_ROUNDS * arena_in_use(&store->arena)))
        ev->level = REC_FREQ_MAX + 1;
    else if (arena_available(&store->arena) < SEGS_AHEAD - 1 && ev->level < REC_FREQ_MAX - 1)
        ev->level++;
}

void
victim_suspend(struct store *store)
{
    struct evictor *ev = &store->evictor;

    if (ev->victim == SEG_NONE)
        return;
    ev->promised = ev->victim;
    ev->promised_serial = store->arena.segs[ev->victim].serial;
    arena_put_back(&store->arena, ev->victim);
    ev->victim = SEG_NONE;
}
