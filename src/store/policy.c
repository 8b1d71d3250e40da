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
    GROWING_TURNS = 8,
    /*
     * While it shrinks, the main log gives up this part of what it gets: so what is
     * past leaves it, even if there is room for it, and it has ghosts, too.
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
    CLEAN_DEAD_DIVISOR = 2, /* half dead is worth cleaning */
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

uint32_t
policy_worth_cleaning(const struct store *store)
{
    return policy_most_dead(store, store->arena.seg_bytes / CLEAN_DEAD_DIVISOR);
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

static enum log_id
log_to_take_from(struct store *store)
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
        return ++ev->turn % GROWING_TURNS == 0 ? LOG_SMALL : LOG_MAIN;
    return ev->owed_bytes >= store->arena.seg_bytes ? LOG_MAIN : LOG_SMALL;
}

static uint32_t
choose_by_age(struct store *store)
{
    enum log_id first = log_to_take_from(store);
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
    index = policy_worth_cleaning(store);
    if (index != SEG_NONE)
        return index;
    store->evictor.clean = false;
    return choose_by_age(store);
}

/* --- Learning --- */

/* Whether the small log is worth more than the main one, by what came back of late. */
static void
learn(struct store *store)
{
    struct evictor *ev = &store->evictor;
    uint64_t prior = store->index.count * EVENT / PRIOR_DIVISOR;
    /* Both rates times both denominators; the prior comes back as often as small ghosts do. */
    uint64_t small = ev->back[LOG_SMALL] * (ev->out[LOG_MAIN] + prior);
    uint64_t main =
        (uint64_t)ev->back[LOG_MAIN] * ev->out[LOG_SMALL] + ev->back[LOG_SMALL] * prior;

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
        return (enum log_id)arena_seg(&store->arena, old)->log;
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
    /* Halved, so that the past does not outlive two turns. */
    return log == LOG_SMALL ? 0 : freq / 2;
}
