/* The oldest items, and those that were evicted last: what `stats items` tells of them. */
#include "store_priv.h"

/*
 * What is oldest in a log lies in its oldest segment. The dead records at that segment's
 * beginning are passed once: where the last look ended, the next one begins.
 */
enum { TAIL_RECORDS = 256 }; /* that one look passes, and as many whose age is compared */

/* The segment of LOG that is judged next, or SEG_NONE. */
static uint32_t
oldest_segment(const struct store *store, enum log_id log)
{
    const struct seg_queue *queue = store->arena.logs + log;
    uint32_t victim = store->evictor.victim;

    if (victim != SEG_NONE && store->arena.segs[victim].log == log && !store->evictor.clean)
        return victim;
    return queue->head != SEG_NONE ? queue->head : queue->open;
}

static bool
is_shown(const struct store *store, const char *rec)
{
    return (rec_info(rec) & (REC_DEAD | REC_PENDING)) == 0 && !rec_is_piece(rec) &&
           !rec_is_gone(store, rec);
}

/* Seconds since the last access to the item of LOG that had none for longest, as far as it looks. */
static uint32_t
tail_age(struct store *store, enum log_id log)
{
    uint32_t index = oldest_segment(store, log);
    struct tail_cursor *cursor = store->tail + log;
    bool found = false;
    uint32_t age = 0;
    const struct seg *seg;
    uint32_t off;

    if (index == SEG_NONE)
        return 0;
    seg = store->arena.segs + index;
    if (cursor->serial != seg->serial)
        *cursor = (struct tail_cursor){seg->serial, 0};
    off = cursor->off;
    for (unsigned i = 0; i < TAIL_RECORDS && off < seg->used; i++) {
        const char *rec = seg_base(&store->arena, index) + off;
        uint32_t idle;

        if (is_shown(store, rec)) {
            idle = store->now_s - rec_accessed(rec, seg);
            age = idle > age ? idle : age;
            found = true;
        }
        off += rec_bytes(rec);
        if (!found)
            cursor->off = off;
    }
    return age;
}

void
store_tail(struct store *store, struct store_tail *tail)
{
    *tail = store->evicted;
    tail->age_s = 0;
    for (int log = 0; log < LOGS; log++) {
        uint32_t age = tail_age(store, (enum log_id)log);

        if (age > tail->age_s)
            tail->age_s = age;
    }
}

void
tail_note_evicted(struct store *store, const char *rec)
{
    struct store_tail *evicted = &store->evicted;
    const struct seg *seg = arena_seg(&store->arena, rec);

    evicted->evicted_time_s = store->now_s - rec_accessed(rec, seg);
    evicted->evicted_nonzero += rec_expires(rec, seg) != STORE_NEVER;
    evicted->evicted_active += rec_freq(rec) > 0;
}
