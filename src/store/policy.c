/* The policy of eviction: which log gives up something, which items stay. */
#include "store_priv.h"

/*
 * S3-FIFO (SOSP 2023) on two logs. What is new goes to the small
 * one; what is hit there before its segment is the oldest goes on to the main
 * one, the rest is evicted and may stay as a ghost in the index. What comes
 * back while it is a ghost goes to the main log straight away. There, an item
 * is appended again for as long as it is hit between two visits.
 *
 *     new --> | small            | --hit--> | main             | --not hit--> out
 *                    |                     ^  |  ^        |
 *                  out, a ghost -- again --/   \-- hit --/
 *
 * A small log is best while popularity stays as it is. When it changes, the main
 * log is full of the past, and what is new needs time to show that it is the
 * present: then the small log grows at the other's cost. The ghosts tell: nearly
 * as many of those that the small log sent away come back as of the main one's
 * while nothing changes, several times as many when it does.
 */
enum {
    SHARE_ONE = 1024, /* the small log's share of the memory, in parts of this */
    SHARE_MIN = SHARE_ONE / 50,
    SHARE_MAX = SHARE_ONE * 8 / 10,
    /* While the small log grows, it gives one victim in so many: its ghosts must not run out. */
    GROWING_VICTIMS = 8,
    /*
     * While it shrinks, the main log gives up this part of what it gets: so what is
     * past leaves it, even if there is space for it, and it has ghosts, too.
     */
    OWED_DIVISOR = 8,
    OWED_SEGS_MAX = 8,
    /* Evictions, as a part of the items held, between two looks at the ghosts. */
    PERIOD_DIVISOR = 128,
    DECAY_DIVISOR = 8, /* of what is remembered, each time */
    EVENT = 64,        /* what one counts, so that few decay as many do */
    /* As many of the main log's ghosts, in parts of the items held, are taken to be average. */
    PRIOR_DIVISOR = 512,
    /* How often a ghost of the small log has to come back to be worth as much as one of main. */
    WORTH_MAIN = 10,
    WORTH_SMALL = 7,
    WORTH_CLEANING_CLASS = DEAD_CLASSES / 2, /* half dead */
};

/* --- Choosing --- */

uint32_t
policy_dead_bytes(const struct store *store, const struct seg *seg)
{
    if (store->flushed_items > 0 && seg->epoch != store->arena.epoch)
        return store->arena.seg_bytes;
    return seg->used - seg->live;
}

uint32_t
policy_flushed(struct store *store)
{
    struct evictor *ev = &store->evictor;

    for (int i = 0; i < LOOKS_MAX && ev->flush_sweep; i++) {
        const struct seg *seg = store->arena.segs + ev->flush_cursor;

        if (ev->flush_cursor == store->arena.seg_touched || store->flushed_items == 0) {
            ev->flush_sweep = false;
            break;
        }
        if (seg->state == SEG_CLOSED && seg->pins == 0 && seg->epoch != store->arena.epoch)
            return ev->flush_cursor;
        ev->flush_cursor++;
    }
    return SEG_NONE;
}

void
policy_sweep_from(struct store *store, uint32_t index)
{
    struct evictor *ev = &store->evictor;

    if (!ev->flush_sweep || index < ev->flush_cursor)
        ev->flush_cursor = index;
    ev->flush_sweep = true;
}

uint32_t
policy_worth_cleaning(const struct store *store)
{
    return arena_most_dead(&store->arena, WORTH_CLEANING_CLASS);
}

uint32_t
policy_oldest(struct store *store, enum log_id log)
{
    const struct seg_queue *queue = store->arena.logs + log;
    struct evictor *ev = &store->evictor;

    while (ev->passed[log] < queue->length && ev->looks > 0) {
        uint32_t index = queue->head;

        if (store->arena.segs[index].pins == 0)
            return index;
        ev->looks--;
        ev->passed[log]++;
        arena_rotate(&store->arena, index);
    }
    return SEG_NONE;
}

enum log_id
policy_log_to_take_from(struct store *store)
{
    const struct seg_queue *logs = store->arena.logs;
    struct evictor *ev = &store->evictor;
    uint64_t small = (uint64_t)logs[LOG_SMALL].count * SHARE_ONE;
    uint64_t all = (uint64_t)logs[LOG_SMALL].count + logs[LOG_MAIN].count;

    if (small <= all * SHARE_MIN)
        return LOG_MAIN;
    if (small >= all * SHARE_MAX)
        return LOG_SMALL;
    if (ev->growing)
        return ++ev->grown % GROWING_VICTIMS == 0 ? LOG_SMALL : LOG_MAIN;
    return ev->owed_bytes >= store->arena.seg_bytes ? LOG_MAIN : LOG_SMALL;
}

/* --- Learning --- */

/* Whether the small log is worth more than the main one, by what came back recently. */
static void
learn(struct store *store)
{
    struct evictor *ev = &store->evictor;
    double prior = (double)store->index.count * EVENT / PRIOR_DIVISOR;
    double back_small = (double)ev->back[LOG_SMALL];
    /* Both rates times both denominators; the prior comes back as often as small ghosts do. */
    double small = back_small * ((double)ev->out[LOG_MAIN] + prior);
    double main = (double)ev->back[LOG_MAIN] * (double)ev->out[LOG_SMALL] + back_small * prior;

    ev->growing = small * WORTH_SMALL > main * WORTH_MAIN;
    for (int log = 0; log < LOGS; log++) {
        ev->out[log] -= ev->out[log] / DECAY_DIVISOR;
        ev->back[log] -= ev->back[log] / DECAY_DIVISOR;
    }
}

void
policy_note_evicted(struct store *store, enum log_id log)
{
    struct evictor *ev = &store->evictor;

    ev->out[log] += EVENT;
    if (++ev->period > store->index.count / PERIOD_DIVISOR) {
        learn(store);
        ev->period = 0;
    }
}

void
policy_note_joined(struct store *store, uint64_t bytes)
{
    uint64_t max = (uint64_t)store->arena.seg_bytes * OWED_SEGS_MAX;
    uint64_t owed = store->evictor.owed_bytes + bytes / OWED_DIVISOR;

    store->evictor.owed_bytes = owed < max ? owed : max;
}

void
policy_note_emptied(struct store *store, enum log_id log, uint32_t bytes)
{
    struct evictor *ev = &store->evictor;

    if (log == LOG_MAIN)
        ev->owed_bytes -= bytes < ev->owed_bytes ? bytes : ev->owed_bytes;
}

enum log_id
policy_log_for(struct store *store, uint64_t hash, const char *old, uint64_t bytes)
{
    unsigned kind;

    if (old != NULL)
        return arena_seg(&store->arena, old)->log;
    if (!index_has_ghost(&store->index, hash, store->index.count, &kind))
        return LOG_SMALL;
    store->evictor.back[kind] += EVENT;
    policy_note_joined(store, bytes);
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
    /* Halved, so that the past does not outlive two visits. */
    return log == LOG_SMALL ? 0 : freq / 2;
}
