/* Emptying victims, a piece at a time: no request waits for a whole segment. */
#include "store_priv.h"

enum {
    MIN_COST_BYTES = 64,    /* of looking at a record, however small */
    VICTIM_COST_BYTES = 64, /* of finding a victim */
};

/*
 * Fetch the header that is going to be looked at some records later: behind NEXT, where one of BYTES bytes ends, those
 * that follow are taken to be as long as the last ones were, which a large item and its pieces are, too.
 */
static void
fetch_ahead(struct evictor *ev, const char *next, uint32_t bytes)
{
    uint32_t *oldest = &ev->last_bytes[ev->last++ % EVICT_AHEAD];

    ev->last_sum += bytes - *oldest;
    *oldest = bytes;
    PREFETCH(next + ev->last_sum);
}

/* Likewise, the first ones of a victim that is begun. */
static void
fetch_first(const struct evictor *ev, const char *first)
{
    for (uint32_t i = 0; i < EVICT_AHEAD; i++) {
        PREFETCH(first);
        first += ev->last_bytes[(ev->last + i) % EVICT_AHEAD];
    }
}

/* The next live records of the victim. Returns the cost. */
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
        uint32_t bytes = rec_bytes(rec);

        if (BROKEN(bytes > used - ev->off)) {
            ev->off = used; /* victim_finish() finds that something is left in it */
            break;
        }
        ev->off += bytes;
        fetch_ahead(ev, rec + bytes, bytes);
        cost += bytes < MIN_COST_BYTES ? MIN_COST_BYTES : bytes;
        store->work_ns += RECORD_NS;
        if ((rec_info(rec) & REC_DEAD) != 0 || BROKEN((rec_info(rec) & REC_PENDING) != 0))
            continue;
        batch_add(store, batch, rec);
    }
    batch_fetch(store, batch);
    store->work_ns += (uint64_t)batch->count * ITEM_NS;
    return cost;
}

enum judged { JUDGED_ALL, JUDGED_ENOUGH, JUDGED_STUCK };

/* Fetch what is copied of REC when it moves: of a long one the beginning, for the processor goes on by itself. */
static void
fetch_survivor(const struct store *store, const char *rec)
{
    enum { FETCHED_MAX = 8 * 1024 };
    uint32_t bytes = rec_bytes(rec);

    if (rec_is_piece(rec) ? !store->evictor.clean : !policy_survives(store, rec))
        return;
    if (bytes > FETCHED_MAX)
        bytes = FETCHED_MAX;
    prefetch_lines(rec, 1, rec + bytes);
}

/* Judge them until GOAL segments are available; JUDGED_STUCK when a survivor cannot be moved. */
static enum judged
judge_batch(struct store *store, const struct batch *batch, int64_t goal)
{
    struct evictor *ev = &store->evictor;
    const char *base = seg_base(&store->arena, ev->victim);

    for (unsigned i = 0; i < batch->count; i++) {
        char *rec = batch->rec[i];
        uint32_t off = (uint32_t)(rec - base);
        bool fits;

        if (i + 1 < batch->count)
            fetch_survivor(store, batch->rec[i + 1]);
        /* It may have died with its owner. */
        if ((rec_info(rec) & REC_DEAD) != 0)
            continue;
        fits = rec_is_piece(rec) ? evict_or_move_piece(store, rec)
                                 : evict_or_move_item(store, rec, batch->hash[i]);
        if (!fits) {
            ev->off = off;
            return JUDGED_STUCK;
        }
        if (!ev->clean && arena_available(&store->arena) >= goal) {
            ev->off = off + rec_bytes(rec);
            return JUDGED_ENOUGH;
        }
    }
    return JUDGED_ALL;
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
evict_step(struct store *store, uint64_t budget, uint64_t least, int64_t goal)
{
    struct evictor *ev = &store->evictor;
    uint64_t until = ev->spent + budget, at_least = ev->spent + least;
    struct batch batch;

    if (ev->victim != SEG_NONE && !may_go_on(store, goal))
        victim_suspend(store);
    if (ev->victim == SEG_NONE) {
        enum found found;

        ev->looks = LOOKS_MAX;
        found = victim_find(store, goal);
        if (ev->looks > 0)
            victim_look_anew(store);
        ev->spent += VICTIM_COST_BYTES;
        if (found != FOUND_VICTIM)
            return found == FOUND_PROGRESS;
        fetch_first(ev, seg_base(&store->arena, ev->victim));
    }
    while (ev->off < store->arena.segs[ev->victim].used) {
        if (ev->spent >= until || (ev->spent >= at_least && step_is_over(store)))
            return true;
        ev->spent += gather(store, &batch);
        switch (judge_batch(store, &batch, goal)) {
        case JUDGED_ALL: break;
        case JUDGED_ENOUGH: return true;
        case JUDGED_STUCK: victim_suspend(store); return false;
        }
    }
    victim_finish(store);
    return true;
}
