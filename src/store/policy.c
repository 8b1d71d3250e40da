#include "store_priv.h"

/*
 * S3-FIFO (Yang et al., SOSP 2023) on two logs. What is new goes to the small
 * one; what is hit there before its segment is the oldest goes on to the main
 * one, the rest leaves at once and may stay as a ghost in the index. What comes
 * back while it is a ghost goes to the main log straight away. There, an item
 * is appended again for as long as it is hit between its turns.
 *
 *     new --> | small            | --hit--> | main             | --not hit--> out
 *                    |                     ^  |  ^        |
 *                  out, a ghost -- again --/   \-- hit --/
 *
 * How small the small log is follows from the ghosts: a small one is best while
 * popularity stays as it is, a large one while it changes.
 */
enum {
    SHARE_ONE = 1024, /* shares of the memory are in parts of this */
    SHARE_FIRST = SHARE_ONE / 10,
    SHARE_MIN = SHARE_ONE / 25,
    SHARE_MAX = SHARE_ONE * 7 / 10,
    SHARE_STEP = SHARE_ONE / 50,
    /* Evictions, as a part of the items held, between two steps and in all that is remembered. */
    PERIOD_DIVISOR = 128,
    WINDOW_DIVISOR = 8,
    CLEAN_DEAD_DIVISOR = 2, /* half dead is worth cleaning */
};

void
policy_init(struct store *store)
{
    store->evictor.share = SHARE_FIRST;
}

/* --- Choosing --- */

uint32_t
policy_dead_bytes(const struct store *store, const struct seg *seg)
{
    if (store->flushed_items > 0 && seg->epoch != store->arena.epoch)
        return store->arena.seg_bytes;
    return seg->used - seg->live;
}

uint32_t
policy_most_dead(const struct store *store, uint32_t at_least)
{
    uint32_t best = SEG_NONE;

    for (uint32_t i = 0; i < store->arena.void_next; i++) {
        const struct seg *seg = store->arena.segs + i;
        uint32_t dead;

        if (seg->state != SEG_CLOSED || seg->pins != 0)
            continue;
        dead = policy_dead_bytes(store, seg);
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
    enum log_id first = logs[LOG_SMALL].count * (uint64_t)SHARE_ONE > all * store->evictor.share
                            ? LOG_SMALL
                            : LOG_MAIN;
    enum log_id second = first == LOG_SMALL ? LOG_MAIN : LOG_SMALL;
    uint32_t index = oldest(store, first);

    if (index == SEG_NONE)
        index = oldest(store, second);
    return index;
}

uint32_t
policy_choose(struct store *store)
{
    uint32_t seg_bytes = store->arena.seg_bytes;
    uint32_t index;

    store->evictor.clean = true;
    if (!store->evict)
        return policy_most_dead(store, seg_bytes / FULL_DEAD_DIVISOR);
    index = policy_most_dead(store, seg_bytes / CLEAN_DEAD_DIVISOR);
    if (index != SEG_NONE)
        return index;
    store->evictor.clean = false;
    return choose_by_age(store);
}

/* --- Learning --- */

/*
 * The logs' last items should be worth the same. When more of what leaves one
 * comes back than of what leaves the other, that one is too small. The small log
 * has an advantage of half as much again: when popularity changes, what comes
 * back to the main one is the past.
 */
static void
balance(struct evictor *ev)
{
    uint64_t small = (uint64_t)ev->back[LOG_SMALL] * (ev->out[LOG_MAIN] + 1) * 3;
    uint64_t main = (uint64_t)ev->back[LOG_MAIN] * (ev->out[LOG_SMALL] + 1) * 2;

    if (small > main)
        ev->share = ev->share + SHARE_STEP < SHARE_MAX ? ev->share + SHARE_STEP : SHARE_MAX;
    else if (small < main)
        ev->share = ev->share > SHARE_MIN + SHARE_STEP ? ev->share - SHARE_STEP : SHARE_MIN;
}

void
policy_note_evicted(struct store *store, enum log_id log)
{
    struct evictor *ev = &store->evictor;

    if (++ev->out[log] > store->index.count / WINDOW_DIVISOR) {
        ev->out[log] /= 2;
        ev->back[log] /= 2;
    }
    if (++ev->period > store->index.count / PERIOD_DIVISOR) {
        balance(ev);
        ev->period = 0;
    }
}

enum log_id
policy_log_for(struct store *store, uint64_t hash, const char *old)
{
    unsigned kind;

    if (old != NULL)
        return (enum log_id)arena_seg(&store->arena, old)->log;
    if (!index_has_ghost(&store->index, hash, store->index.count, &kind))
        return LOG_SMALL;
    store->evictor.back[kind]++;
    return LOG_MAIN;
}

/* --- Judging --- */

bool
policy_survives(const struct store *store, const char *rec)
{
    const struct evictor *ev = &store->evictor;

    return ev->clean || rec_freq(rec) > ev->level;
}

unsigned
policy_freq_after(enum log_id log, unsigned freq)
{
    /* Halved, so that the past does not outlive two turns. */
    return log == LOG_SMALL ? 0 : freq / 2;
}
