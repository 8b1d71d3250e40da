/* Space for what is new: how much to empty ahead, and what to do when nothing is left. */
#include "store_priv.h"

enum {
    TTL_RECORDS_AHEAD = 64,
    TTL_RECORDS_WAIT = 256,
    TTL_RECORDS_URGENT = 1024,
    TTL_COST_BYTES = 32 * 1024, /* of that */
    /* Of victims, at most, for one append that need not wait for it. */
    STEP_BYTES_MAX = 2 * WORK_BYTES,
    /* Without eviction a request is refused when this much brought nothing. */
    REFUSE_AFTER_BYTES = 256 * 1024,
    /* When others take what was emptied for a large value, it waits no longer after this many segments. */
    WAIT_SEGS_MAX = 8,
};

/* Whether a request waits for it all, or asks again for the rest. */
enum pace { AT_ONCE, IN_STEPS };

/* How much of victims to look at for each byte appended: the more, the fewer are free. */
static uint64_t
pace_at(const struct store *store, int64_t available)
{
    int64_t few = SEGS_AHEAD - available - (store_segs_ahead(store) == SEGS_AHEAD_MIN);
    uint64_t times = few <= 1 ? 2 : few == 2 ? 4 : 8;

    if (store->evictor.clean && store->evictor.victim != SEG_NONE) {
        const struct seg *seg = store->arena.segs + store->evictor.victim;
        uint32_t dead = store->arena.seg_bytes - seg->live;

        times *= 1 + store->arena.seg_bytes / (dead + 1);
    }
    return times;
}

/* Likewise, for an append of BYTES: bounded, but where that does not wait for it never less than what is appended. */
static uint64_t
ahead_bytes(const struct store *store, uint32_t bytes, int64_t available, enum pace pace)
{
    uint64_t ahead = bytes * pace_at(store, available);
    uint64_t max = pace == IN_STEPS ? WORK_BYTES / 2 : STEP_BYTES_MAX;

    if (pace == AT_ONCE && max < 2 * (uint64_t)bytes)
        max = 2 * (uint64_t)bytes;
    return ahead < max ? ahead : max;
}

/* For an append of BYTES. One that neither waits nor is refused empties so much, whatever that costs: else a later one pays. */
static void
evict_ahead(struct store *store, uint32_t bytes, int64_t available, enum pace pace,
            int64_t goal)
{
    uint64_t ahead = ahead_bytes(store, bytes, available, pace);

    (void)evict_step(store, ahead, pace == AT_ONCE && store->evict ? ahead : 1, goal);
}

/* Segments that are to be free: some ahead, and those that the index waits for. */
static int64_t
wish(const struct store *store)
{
    return store_segs_ahead(store) + (int64_t)store->arena.seg_allowed - store->arena.seg_goal;
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
reuse_ahead(struct store *store, uint32_t bytes, enum pace pace)
{
    struct evictor *ev = &store->evictor;

    if (ev->victim == SEG_NONE &&
        (store->arena.seg_free > SEGS_FOR_SURVIVORS || !is_mostly_dead(store) ||
         policy_worth_reusing(store) == SEG_NONE))
        return;
    /* Nothing else may be chosen instead: there is no need to evict. */
    if (ev->victim == SEG_NONE || (ev->clean && store->arena.segs[ev->victim].pins == 0)) {
        store->space_made++;
        evict_ahead(store, bytes, SEGS_AHEAD - 1, pace, 0);
    }
}

static void
make_ahead(struct store *store, uint32_t bytes, enum pace pace)
{
    int64_t available = arena_available(&store->arena);

    if (LIKELY(available >= wish(store))) {
        reuse_ahead(store, bytes, pace);
        return;
    }
    store->space_made++;
    if (ttl_step(store, TTL_RECORDS_AHEAD) && available > SEGS_FOR_SURVIVORS)
        return;
    evict_ahead(store, bytes, available, pace, wish(store));
}

/* --- Now --- */

/* What has to become available for BYTES to fit, beyond SEGS_FOR_SURVIVORS. */
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
 * Whether it makes sense to try again for BYTES. Where nothing may be evicted, what is
 * dead has to do, and only what can be found with little WORK, which grows by it.
 */
static bool
make_space(struct store *store, uint32_t bytes, enum pace pace, uint64_t *work)
{
    struct evictor *ev = &store->evictor;
    bool at_once = pace == AT_ONCE;
    uint64_t before = ev->spent;
    bool expired = false;
    bool emptied;

    store->space_made++;
    if (at_once)
        step_begin(store); /* others follow until it suffices */
    if (*work == 0) {
        victim_look_anew(store);
        store->stats.evict_stalls++;
        arena_trim(&store->arena, store_segs_ahead(store));
    }
    /* Where live items can go instead, one look for expired ones is enough. */
    if (!store->evict || *work == 0)
        expired = ttl_step(store, at_once ? TTL_RECORDS_URGENT : TTL_RECORDS_WAIT);
    emptied = evict_step(store, at_once ? STEP_BYTES_MAX : WORK_BYTES, 1,
                         arena_available(&store->arena) + 1);
    *work += ev->spent - before + (expired ? TTL_COST_BYTES : 0);
    if ((expired || emptied) && (store->evict || *work < REFUSE_AFTER_BYTES))
        return true;
    if (!expired && !emptied && store->arena.seg_pinned > 0)
        store->missing_bytes = lacking(store, bytes);
    store->stats.outofmemory++;
    return false;
}

/*
 * Whether a new record of LOG may take BYTES of the open segment: not those that survivors
 * of a victim need, where they have no other space.
 */
static bool
may_append(const struct store *store, enum log_id log, uint32_t bytes)
{
    const struct arena *arena = &store->arena;
    uint32_t open = arena->logs[log].open;

    if (LIKELY(store->evict || arena_available(arena) >= SEGS_FOR_SURVIVORS) ||
        open == SEG_NONE)
        return true;
    return arena->segs[open].used + bytes + victim_promised_bytes(store) <= arena->seg_bytes;
}

char *
space_append(struct store *store, enum log_id log, const struct rec_head *head)
{
    uint32_t most = item_bytes_max(store, head);
    uint64_t work = 0;
    char *rec;

    store->missing_bytes = 0;
    step_begin(store);
    make_ahead(store, most, AT_ONCE);
    do {
        rec = may_append(store, log, most) ? item_append(store, head, log, SEGS_FOR_SURVIVORS)
                                           : NULL;
    } while (rec == NULL && make_space(store, most, AT_ONCE, &work));
    return rec;
}

/* Of work for values that wait: when so much was done they wait no longer. */
static uint64_t
wait_work_max(const struct store *store)
{
    return (uint64_t)WAIT_SEGS_MAX << store->arena.seg_shift;
}

/*
 * Segments that a piece of REC leaves to others: one of them to the value that waits first, while it may wait.
 * Afterwards whoever asks goes on until it has one, which must not be more than can be emptied.
 */
static int64_t
keep_for(const struct store *store, const char *rec)
{
    bool other_waits = store->waiting != NULL && store->waiting != rec;

    return SEGS_FOR_SURVIVORS + (other_waits && store->wait_work < wait_work_max(store));
}

void
space_wait_ends(struct store *store, const char *rec)
{
    if (store->waiting != NULL && store->waiting != rec)
        return;
    store->waiting = NULL;
    store->wait_work = 0;
}

/*
 * What a large value, REC, lacks, BYTES or a segment of that size, is made a piece at a time, until so much WORK
 * was done in all, or the step is over. SPACE_MADE: try again.
 */
static enum space_result
make_in_steps(struct store *store, const char *rec, uint32_t bytes, uint64_t until)
{
    bool begun = store->wait_work + WORK_BYTES > until;

    if ((store->wait_work >= until || (begun && step_is_over(store))) &&
        store->wait_work < wait_work_max(store)) {
        store->stats.space_waits++;
        if (store->waiting == NULL)
            store->waiting = rec;
        return SPACE_LATER;
    }
    /* Since the last call what was passed by for its pins may have lost them, or its place in the queue. */
    if (!begun)
        victim_look_anew(store);
    return make_space(store, bytes, IN_STEPS, &store->wait_work) ? SPACE_MADE : SPACE_NONE;
}

/* Of an attempt that came to RESULT. Where nothing more can go, the value that waits first gets nothing left, either. */
static enum space_result
end_of_wait(struct store *store, const char *rec, const char *addr, enum space_result result)
{
    if (result == SPACE_LATER)
        return result;
    if (result == SPACE_NONE && addr != NULL) {
        store->stats.outofmemory--;
        store->missing_bytes = 0;
        result = SPACE_THERE;
    }
    space_wait_ends(store, rec);
    return result;
}

static char *
append_piece(struct store *store, const char *rec, uint32_t bytes, int64_t keep)
{
    enum log_id log = arena_seg(&store->arena, rec)->log;

    return may_append(store, log, bytes) ? arena_append(&store->arena, log, bytes, keep) : NULL;
}

enum space_result
space_append_piece(struct store *store, const char *rec, uint32_t bytes, char **addr)
{
    uint64_t until = store->wait_work + WORK_BYTES;
    enum space_result result = SPACE_MADE;

    store->missing_bytes = 0;
    if (store->wait_work == 0)
        make_ahead(store, bytes, IN_STEPS);
    while (result == SPACE_MADE) {
        *addr = append_piece(store, rec, bytes, keep_for(store, rec));
        if (*addr != NULL)
            result = SPACE_THERE;
        else
            result = make_in_steps(store, rec, bytes, until);
    }
    if (result == SPACE_NONE)
        *addr = append_piece(store, rec, bytes, SEGS_FOR_SURVIVORS);
    return end_of_wait(store, rec, *addr, result);
}

enum space_result
space_take_extent(struct store *store, const char *rec, char **addr)
{
    uint64_t until = store->wait_work + WORK_BYTES;
    enum space_result result = SPACE_MADE;

    store->missing_bytes = 0;
    while (result == SPACE_MADE) {
        *addr = arena_take_extent(&store->arena, keep_for(store, rec));
        if (*addr != NULL)
            result = SPACE_THERE;
        else
            result = make_in_steps(store, rec, store->arena.seg_bytes, until);
    }
    if (result == SPACE_NONE)
        *addr = arena_take_extent(&store->arena, SEGS_FOR_SURVIVORS);
    return end_of_wait(store, rec, *addr, result);
}

void
space_ahead_of_extents(struct store *store)
{
    int64_t goal = wish(store) + SEGS_AHEAD;

    if (arena_available(&store->arena) < goal)
        (void)evict_step(store, WORK_BYTES, 1, goal);
}

char *
space_rewrite(struct store *store, char *rec, const struct rec_head *head)
{
    enum log_id log = arena_seg(&store->arena, rec)->log;
    uint32_t bytes = item_bytes_max(store, head);
    uint64_t work = 0;
    char *new;

    store->missing_bytes = 0;
    step_begin(store);
    make_ahead(store, bytes, AT_ONCE);
    do {
        new = may_append(store, log, bytes)
                  ? item_rewrite(store, rec, head, log, SEGS_FOR_SURVIVORS)
                  : NULL;
    } while (new == NULL && make_space(store, bytes, AT_ONCE, &work));
    return new;
}

bool
space_work(struct store *store)
{
    struct evictor *ev = &store->evictor;
    int64_t goal = wish(store);

    if (ev->flush_sweep && ev->victim == SEG_NONE && policy_flushed(store) == SEG_NONE)
        return true; /* it ends with this */
    if (ev->flush_sweep || arena_available(&store->arena) < goal)
        return evict_step(store, WORK_BYTES, 1, goal);
    return false;
}

bool
space_fits_index(const struct store *store, uint64_t hash)
{
    const struct index *ix = &store->index;

    if (!index_has_space(ix))
        return false;
    if (LIKELY(store->evict || arena_available(&store->arena) > SEGS_FOR_SURVIVORS))
        return true;
    return limit_segments_with(store, index_bytes_with_item(ix, hash)) >=
           store->arena.seg_allowed;
}

bool
space_make_for_index(struct store *store, uint64_t hash)
{
    uint64_t work = 0;

    store->missing_bytes = 0;
    while (index_has_space(&store->index) &&
           make_space(store, store->arena.seg_bytes, AT_ONCE, &work))
        if (space_fits_index(store, hash))
            return true;
    return false;
}
