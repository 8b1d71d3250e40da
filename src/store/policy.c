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
 * Where sizes differ, a large item takes the place of many: both logs are one for each class
 * of sizes, a power of four, and an item stays there between two visits for a time that is
 * inversely proportional to its size; to favor bytes, sizes count less (--favor).
 * Each log opens a segment: where there are few of them, there are fewer classes.
 * Where nothing is hit any more, that time is halved with
 * each segment, down to that of what is usually stored now. What is much larger than others has to be hit twice to go on.
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
    /*
     * Emptying what is so dead comes before evicting what lives: at most three bytes are moved for
     * one that is won. With random overwrites nothing is evicted until 80 % of the memory lives.
     */
    WORTH_CLEANING_CLASS = DEAD_CLASSES / 4,
    /* To use it again before other memory is touched for the first time, this much. */
    WORTH_REUSING_CLASS = DEAD_CLASSES / 2,
    BULKY_TIMES = 4, /* an item of more than so many average ones is large */
};

/* Classes of sizes: the first is below this times four, the next four times as large, ... */
#ifndef STORE_CLASS_SHIFT /* other ones where tests make the store tiny */
#define STORE_CLASS_SHIFT  7
#define STORE_SEGS_A_CLASS 64
#endif
/* Of what is stored, so much is recent; and so much of that is not unusually large. */
enum { INFLOW_SEGS = 64, USUAL_PERCENT = 75 };
enum { CLASS_SHIFT = STORE_CLASS_SHIFT, SEGS_A_CLASS = STORE_SEGS_A_CLASS };

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
policy_worth_reusing(const struct store *store)
{
    return arena_most_dead(&store->arena, WORTH_REUSING_CLASS);
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

/* The segment of a small log that is the next to be emptied there; or SEG_NONE. */
static uint32_t
oldest_of(const struct arena *arena, const struct seg_queue *log)
{
    if (log->head != SEG_NONE)
        return log->head;
    return log->open != SEG_NONE && arena->segs[log->open].pins == 0 ? log->open : SEG_NONE;
}

/* The largest class of what is usually stored now. */
static unsigned
usual_class(const struct evictor *ev)
{
    uint64_t sum = 0, all = 0;
    unsigned class = 0;

    for (unsigned i = 0; i < LOG_CLASSES; i++)
        all += ev->inflow[i];
    for (; class < LOG_CLASSES - 1; class ++) {
        sum += ev->inflow[class];
        if (sum * 100 >= all * USUAL_PERCENT)
            break;
    }
    return class;
}

/* How much sooner an item of four times the size goes: the shift of its age, for each class. */
static unsigned
shift_of(const struct store *store, enum log_id first)
{
    switch (store->favor) {
    case STORE_FAVOR_OBJECTS: return 2;
    case STORE_FAVOR_BALANCED: return first == LOG_MAIN ? 1 : 2;
    case STORE_FAVOR_BYTES: return first == LOG_MAIN ? 0 : 1;
    }
    BUG("store_favor out of range");
}

/* Of the small logs or the main ones, from FIRST on: whose oldest items are oldest for their size. */
static enum log_id
oldest_for_size(struct store *store, enum log_id first)
{
    struct arena *arena = &store->arena;
    unsigned a_class = shift_of(store, first);
    unsigned usual = a_class * usual_class(&store->evictor);
    enum log_id best = first;
    uint64_t most = 0;

    for (unsigned class = 0; class < LOG_CLASSES; class ++) {
        uint32_t oldest = oldest_of(arena, arena->logs + first + class);
        unsigned shift = a_class * class;
        uint64_t age;

        if (oldest == SEG_NONE)
            continue;
        if (shift < usual) {
            shift += store->evictor.useless[first + class];
            shift = shift < usual ? shift : usual;
        }
        age = (uint64_t)(arena->serial - arena->segs[oldest].serial + 1) << shift;
        if (age > most) {
            most = age;
            best = (enum log_id)(first + class);
        }
    }
    /* If it has no more than an open one, that is to be emptied. */
    if (most > 0 && arena->logs[best].head == SEG_NONE)
        arena_close(arena, best);
    return best;
}

/* Whether the main logs have to give up something next, rather than the small ones. */
static bool
is_mains_turn(struct store *store)
{
    const struct seg_queue *logs = store->arena.logs;
    struct evictor *ev = &store->evictor;
    uint64_t small = 0, all;

    for (int i = 0; i < LOG_MAIN; i++)
        small += logs[i].count;
    all = small;
    for (int i = LOG_MAIN; i < LOGS; i++)
        all += logs[i].count;
    small *= SHARE_ONE;
    if (small <= all * SHARE_MIN)
        return true;
    if (small >= all * SHARE_MAX)
        return false;
    if (ev->growing)
        return ++ev->grown % GROWING_VICTIMS != 0;
    return ev->owed_bytes >= store->arena.seg_bytes;
}

enum log_id
policy_log_to_take_from(struct store *store)
{
    return oldest_for_size(store, is_mains_turn(store) ? LOG_MAIN : LOG_SMALL);
}

/* --- Learning --- */

/* Whether the small log is worth more than the main one, by what came back recently. */
static void
learn(struct store *store)
{
    struct evictor *ev = &store->evictor;
    double prior = (double)store->index.count * EVENT / PRIOR_DIVISOR;
    double back_small = (double)ev->back[GHOST_SMALL];
    /* Both rates times both denominators; the prior comes back as often as small ghosts do. */
    double small = back_small * ((double)ev->out[GHOST_MAIN] + prior);
    double main =
        (double)ev->back[GHOST_MAIN] * (double)ev->out[GHOST_SMALL] + back_small * prior;

    ev->growing = small * WORTH_SMALL > main * WORTH_MAIN;
    for (int kind = 0; kind < GHOST_KINDS; kind++) {
        ev->out[kind] -= ev->out[kind] / DECAY_DIVISOR;
        ev->back[kind] -= ev->back[kind] / DECAY_DIVISOR;
    }
}

void
policy_note_victim(struct store *store)
{
    uint64_t bytes = store->content_bytes + store->header_bytes;

    store->evictor.item_bytes = bytes / (store->index.count + 1) + 1;
    store->evictor.went_on = false;
}

/* An item counts as many as would have had its place. */
void
policy_note_evicted(struct store *store, unsigned kind, uint64_t bytes)
{
    struct evictor *ev = &store->evictor;
    uint64_t average = ev->item_bytes > 0 ? ev->item_bytes : bytes;

    ev->out[kind] += (bytes * EVENT + average / 2) / average;
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
policy_note_survivor(struct store *store, enum log_id log)
{
    store->evictor.went_on = true;
    store->evictor.useless[log] = 0;
}

void
policy_note_emptied(struct store *store, enum log_id log, uint32_t bytes)
{
    struct evictor *ev = &store->evictor;

    if (log_is_main(log))
        ev->owed_bytes -= bytes < ev->owed_bytes ? bytes : ev->owed_bytes;
    ev->all_went = !ev->went_on;
    if (!ev->went_on && ev->useless[log] < 2 * LOG_CLASSES)
        ev->useless[log]++;
}

static void
note_inflow(struct store *store, unsigned class, uint64_t bytes)
{
    struct evictor *ev = &store->evictor;

    ev->inflow[class] += bytes;
    if (LIKELY(ev->inflow[class] < (uint64_t)INFLOW_SEGS << store->arena.seg_shift))
        return;
    for (unsigned i = 0; i < LOG_CLASSES; i++)
        ev->inflow[i] /= 2;
}

/* The log for items of BYTES bytes, of those from FIRST on. */
static enum log_id
log_for(struct store *store, enum log_id first, uint64_t bytes)
{
    unsigned classes = store->evict ? store->arena.seg_allowed / SEGS_A_CLASS : 0;
    unsigned log2 = 63U - (unsigned)__builtin_clzll(bytes >> CLASS_SHIFT | 1);
    unsigned class = log2 / 2;

    if (classes > LOG_CLASSES)
        classes = LOG_CLASSES;
    if (class >= classes)
        class = classes > 0 ? classes - 1 : 0;
    note_inflow(store, class, bytes);
    return (enum log_id)(first + class);
}

enum log_id
policy_log_for(struct store *store, uint64_t hash, const char *old, uint64_t bytes)
{
    unsigned kind;

    if (old != NULL && !log_is_main(arena_seg(&store->arena, old)->log))
        return log_for(store, LOG_SMALL, bytes);
    if (old != NULL)
        return log_for(store, LOG_MAIN, bytes);
    if (!index_has_ghost(&store->index, hash, store->index.count, &kind))
        return log_for(store, LOG_SMALL, bytes);
    store->evictor.back[kind] += EVENT;
    policy_note_joined(store, bytes);
    return log_for(store, LOG_MAIN, bytes);
}

/* --- Judging --- */

uint64_t
policy_item_bytes(const char *rec)
{
    if ((rec_info(rec) & REC_LARGE) != 0)
        return large_value_bytes(rec);
    return rec_bytes(rec);
}

bool
policy_survives(const struct store *store, const char *rec)
{
    const struct evictor *ev = &store->evictor;
    unsigned freq = rec_freq(rec);

    if (ev->clean || freq <= ev->level)
        return ev->clean;
    return freq > ev->level + 1 || log_is_main(arena_seg(&store->arena, rec)->log) ||
           store->favor == STORE_FAVOR_BYTES ||
           policy_item_bytes(rec) <= BULKY_TIMES * ev->item_bytes;
}

unsigned
policy_freq_after(unsigned freq)
{
    return freq > 0 ? freq - 1 : 0;
}
