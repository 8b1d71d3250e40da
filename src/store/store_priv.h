/*
 * src/store/store_priv.h - the store's inside: what its files share.
 *
 * Each file uses only those above it:
 *
 *     memory.c     areas of memory, of the kernel's own or of a file
 *     index_nodes.c, index.c, index_resize.c    from a hash to a location; know nothing of items
 *     segment_lists.c, arena.c    segments, and the logs they form; likewise
 *     record.c     single records: counted, and dead
 *     large.c      values in pieces
 *     item.c       whole items: dropped, counted, moved
 *     limit.c      the limit, and the index's share of it
 *     policy.c     which log gives up something, which item stays
 *     pin.c        what keeps segments where they are
 *     ttl.c        expired items, found without a lookup
 *     tail.c       the oldest items, and those evicted last
 *     evict_or_move.c    what becomes of each record of a victim
 *     victim.c     which segment is emptied next
 *     evict.c      victims emptied, a piece at a time
 *     space.c      space for what is new: when to empty how much
 *     rewrite.c    a field that became too narrow
 *     lookup.c     from a key to its item
 *     change.c     changes of an item that is there
 *     reserve.c, commit.c    new items
 *     put.c        the same in one step
 *     root.c       what survives the process: saved, checked, loaded
 *     store.c      the whole: created, kept, flushed, given time
 *     view.c       walks and figures
 */
#pragma once

#include "arena_priv.h"
#include "huge_priv.h"
#include "index_priv.h"
#include "record_priv.h"

/*
 * Segments that only survivors of a victim may take: emptying one never needs
 * more than one other.
 */
enum { SEGS_FOR_SURVIVORS = 1 };
/*
 * Segments are emptied ahead until this many are free; or the fewest that keep an append from
 * waiting, where only one log is appended to and whole victims go.
 */
#ifndef STORE_SEGS_AHEAD /* fewer where tests make the store tiny */
#define STORE_SEGS_AHEAD 4
#endif
enum { SEGS_AHEAD = STORE_SEGS_AHEAD, SEGS_AHEAD_MIN = 1 + SEGS_FOR_SURVIVORS };

/* Segments, or pieces of large values, that one step looks at to find a victim. */
#ifndef STORE_LOOKS /* likewise */
#define STORE_LOOKS 256
#endif
enum { LOOKS_MAX = STORE_LOOKS };

/*
 * A step is what one call may do of the store's own work, where no request waits for more. It is counted in
 * nominal nanoseconds: what a piece takes with 100 million items, whose records and buckets are
 * in no cache, and in no TLB.
 */
enum {
    STEP_NS = 100 * 1000,
    RECORD_NS = 16, /* a record that is passed, for the next one follows it in memory */
    ITEM_NS = 350,  /* an item that is looked up in the index, and goes or moves */
};

/* Bytes of victims that one piece of work looks at, where they have few records. */
#ifndef STORE_WORK_BYTES /* fewer where tests make segments tiny */
#define STORE_WORK_BYTES (32 * 1024)
#endif
enum { WORK_BYTES = STORE_WORK_BYTES };

#ifndef STORE_BATCH /* fewer where tests make segments tiny */
#define STORE_BATCH 16
#endif
enum { BATCH = STORE_BATCH };

/* Headers of a victim's records are fetched so many records ahead: of most numbers of pieces a multiple. */
enum { EVICT_AHEAD = 12 };

/* What store_work() does, one of these a call. */
enum store_task { TASK_INDEX, TASK_EXPIRY, TASK_SPACE, TASK_HUGE, STORE_TASKS };

/* What a ghost remembers: whether the item was in one of the small logs, or in the main one. */
enum { GHOST_SMALL, GHOST_MAIN, GHOST_KINDS };

/* What policy.c, evict_or_move.c, victim.c and evict.c are about. */
struct evictor {
    uint32_t victim;       /* or SEG_NONE */
    uint32_t off;          /* of its first record not looked at */
    bool clean;            /* keep whatever lives: it is chosen for what is dead */
    bool flush_sweep;      /* there may be segments from before a flush: */
    uint32_t flush_cursor; /* from this one on */
    /*
     * Without eviction: the segment whose survivors have the last space that there is, and
     * was put back half emptied; or SEG_NONE.
     */
    uint32_t promised;
    uint32_t promised_serial; /* of it; another one later */
    uint64_t spent;           /* bytes looked at, since the start */
    uint32_t looks;           /* at segments that this step may still take to find a victim */
    uint32_t passed[LOGS];    /* segments that had pins and became the newest, since then */
    uint32_t passed_large[LOGS]; /* large values likewise */
    unsigned level;        /* how much more often than usual a survivor must have been hit */
    uint32_t moved;        /* bytes of survivors of this victim */
    uint32_t poor;         /* victims without a good yield since the last that had one */
    bool growing;          /* the small log is to grow, at the main one's cost */
    unsigned grown;        /* victims taken while it grows */
    uint64_t owed_bytes;   /* that the main log has to give up, even if it is to grow */
    bool went_on;          /* an item of this victim */
    bool all_went;         /* none of the last one did */
    uint8_t useless[LOGS]; /* victims since the last one of which an item went on */
    uint64_t inflow[LOG_CLASSES]; /* bytes stored recently */
    uint64_t item_bytes;          /* of an average item, when the last victim was chosen */
    uint64_t out[GHOST_KINDS]; /* what was evicted recently as each kind, in policy.c's units */
    uint64_t back[GHOST_KINDS];       /* of these ghosts, how many came back */
    uint64_t period;                  /* evictions since these were looked at */
    uint32_t last_bytes[EVICT_AHEAD]; /* of the last records looked at, as a ring: */
    uint32_t last;                    /* which of these is the oldest */
    uint32_t last_sum;                /* of all of them */
};

/* What ttl.c is about: one walk over the segments, in it the scan of one. */
enum { SCAN_CLASSES = 33 };
struct ttl {
    uint32_t due_s; /* before this second there is nothing to find */
    bool walking;
    uint32_t cursor; /* next segment of the walk */
    uint32_t seg;    /* being scanned, or SEG_NONE */
    uint32_t serial; /* of it */
    uint32_t off;
    uint32_t class_bytes[SCAN_CLASSES]; /* by binary logarithm of the seconds left */
    uint32_t class_first[SCAN_CLASSES]; /* earliest second of the class */
};

/* What tail.c is about: where the live records of a segment begin. */
struct tail_cursor {
    uint32_t serial; /* of the segment */
    uint32_t off;
};

struct store_root;

struct store {
    struct memory memory;
    struct store_root *root; /* NULL: not in a file */
    bool is_empty; /* another process is to lend it: it has neither an index nor an arena */
    struct index index;
    struct arena arena;
    struct hash_key hash_key;
    bool with_cas;
    uint32_t now_s;
    uint64_t flushed_items; /* in the index, but gone */
    bool evict;
    enum store_favor favor;
    uint32_t record_max;   /* bytes; what is larger goes in pieces */
    uint32_t piece_bytes;  /* payload of a piece among other records */
    uint32_t extent_bytes; /* payload of a piece that has a segment of its own */
    size_t limit_bytes;
    size_t limit_bytes_max; /* there is address space for */
    uint64_t cap_bytes;     /* and no more may be asked for; 0: as much as there is */
    bool shrinking;         /* more is in use than the limit allows, which was higher before */
    size_t item_bytes_max;
    size_t own_bytes;       /* bookkeeping besides arena and index */
    uint32_t flush_at_s;    /* a flush to come, or 0 */
    uint64_t content_bytes; /* keys and values of live records */
    uint64_t header_bytes;  /* their headers */
    uint64_t space_made; /* times that items may have gone or moved for the space of new ones */
    uint64_t missing_bytes; /* that the last call lacked, and pins may keep */
    const char *waiting; /* the large value that waits for memory, and did so first; or NULL */
    uint64_t wait_work;  /* done for it, or since any got what it lacked */
    uint64_t trial_number; /* of the last store_trial_begin() */
    struct store_trial trial;
    struct evictor evictor;
    struct ttl ttl;
    struct tail_cursor tail[LOGS];
    struct store_tail evicted; /* but for the age */
    struct huge huge;
    enum store_task next_task; /* of store_work() */
    uint64_t work_ns;          /* done by all steps, nominal */
    uint64_t step_end_ns;      /* where the current one ends */
    uint32_t changing_puts;    /* how many of the next items get a wider CAS */
    struct store_stats stats;
    store_on_evict_fn *on_evict; /* or NULL */
    void *on_evict_ctx;
};

static inline void
step_begin(struct store *store)
{
    store->step_end_ns = store->work_ns + STEP_NS;
}

static inline bool
step_is_over(const struct store *store)
{
    return store->work_ns >= store->step_end_ns;
}

static inline bool
store_has_cas(const struct store *store)
{
    return store->with_cas;
}

/* Segments to have free: where nothing goes on to another log, and there is one, few will do. */
static inline uint32_t
store_segs_ahead(const struct store *store)
{
    return store->arena.seg_open <= 1 && store->evictor.all_went ? SEGS_AHEAD_MIN : SEGS_AHEAD;
}

/* Whether it was stored before the last flush. */
static inline bool
rec_is_flushed(const struct store *store, const char *rec)
{
    return UNLIKELY(store->flushed_items > 0) &&
           arena_seg(&store->arena, rec)->epoch != store->arena.epoch;
}

static inline bool
rec_is_expired(const struct store *store, const char *rec)
{
    uint32_t expires_s;

    if (LIKELY(!rec_has_expiry(rec)))
        return false;
    expires_s = rec_expires(rec, arena_seg(&store->arena, rec));
    return expires_s != STORE_NEVER && expires_s <= store->now_s;
}

static inline bool
rec_is_gone(const struct store *store, const char *rec)
{
    return rec_is_expired(store, rec) || rec_is_flushed(store, rec);
}

static inline uint64_t
rec_hash(const struct store *store, const char *rec)
{
    struct slice key = rec_key(rec);

    return hash_bytes(&store->hash_key, key.ptr, key.len);
}

/* --- record.c --- */

/* A live record came to be at REC: count its bytes. */
void record_account(struct store *store, const char *rec);
/* Note when it will have expired, for ttl.c. */
void record_note_expiry(struct store *store, const char *rec);
/*
 * A single record dies that has no pieces, or whose pieces live on. Its segment may be free
 * after this.
 */
void record_die(struct store *store, char *rec);

/* --- item.c --- */

/* A record that is in no bucket (any more) dies, with all its pieces. */
void item_die(struct store *store, char *rec);
/* Take an item out of the index by its SLOT and let it die. */
void item_remove(struct store *store, char *rec, uint64_t hash, const struct slot *slot);
/* Likewise when only the record is known, and the HASH of its key. */
void item_drop(struct store *store, char *rec, uint64_t hash);
/* Records that are looked at together, so that what the index has of them is fetched at the same time. */
struct batch {
    char *rec[BATCH];
    uint64_t hash[BATCH]; /* of items */
    unsigned count;
};

/* One more, for which there is room; fetch its bucket. */
static inline void
batch_add(const struct store *store, struct batch *batch, char *rec)
{
    if (LIKELY(!rec_is_piece(rec))) {
        batch->hash[batch->count] = rec_hash(store, rec);
        PREFETCH(index_home(&store->index, batch->hash[batch->count]).bucket);
    }
    batch->rec[batch->count++] = rec;
}

/* There are no more: fetch what hangs on their buckets. */
void batch_fetch(const struct store *store, const struct batch *batch);
/* Why an item went away, for the counters; call before it dies. */
void item_count_reclaimed(struct store *store, const char *rec);
/* What a record with INFO is made of: fields keep their full width where nothing may be evicted. */
static inline struct rec_widths
item_widths(const struct store *store, unsigned info)
{
    return (struct rec_widths){store->with_cas, !store->evict || (info & REC_LARGE) != 0};
}

/* What a record with HEAD needs at most, wherever it is written. */
uint32_t item_bytes_max(const struct store *store, const struct rec_head *head) MUST_USE;
/*
 * Space for the record of HEAD at the tail of LOG, and its header there; NULL when that takes a new segment and
 * there are not KEEP + 1.
 */
char *item_append(struct store *store, const struct rec_head *head, enum log_id log,
                  int64_t keep) MUST_USE;
/*
 * Write the item REC anew, with HEAD, at the tail of LOG; what was there is dead, pieces have a
 * new owner. The caller tells the index. NULL when there are not KEEP + 1 segments.
 */
char *item_rewrite(struct store *store, char *rec, const struct rec_head *head, enum log_id log,
                   int64_t keep) MUST_USE;
/* Likewise with the same head, or the same of a piece; for survivors of a victim. */
char *item_move(struct store *store, char *rec, enum log_id log) MUST_USE;

/* --- limit.c --- */

/* What the index may take of a limit, at most. */
size_t limit_index_bytes(size_t limit_bytes) MUST_USE;
/* The first limit, or another one that may be lower. False when the kernel refuses. */
bool limit_set(struct store *store, size_t limit_bytes) MUST_USE;
/* The limit, or what is above it while a lower one takes effect. */
uint64_t limit_bytes_now(const struct store *store) MUST_USE;
/* Segments that the limit leaves over when the index takes that many bytes. */
uint32_t limit_segments_with(const struct store *store, uint64_t index_bytes) MUST_USE;
/* Whether limit_index_step() has nothing to do when an item replaces another: the index and what it has stay. */
bool limit_index_rests(const struct store *store) MUST_USE;
/* Make the index fit its contents, step by step; once a write. False when it does. */
bool limit_index_step(struct store *store, unsigned buckets);

/* --- large.c: REC is the owner --- */

/*
 * Where the byte OFF of a value lies: in which piece, and which bytes of the value that
 * piece has. EXTENT: the piece has a segment of its own.
 */
struct cut {
    uint32_t number;
    uint64_t begin; /* offset in the value */
    uint32_t bytes;
    bool extent;
};

struct cut large_cut(const struct store *store, const char *rec, uint64_t off) MUST_USE;
/* Bytes of the table of a value so large. */
uint32_t large_body_bytes(const struct store *store, uint64_t value_bytes) MUST_USE;
/* An empty table. */
void large_init(char *rec, uint64_t value_bytes);
uint64_t large_value_bytes(const char *rec) MUST_USE;
/* The part of the value at OFF; empty when it has no location yet. */
struct slice large_at(const struct store *store, const char *rec, uint64_t off) MUST_USE;
/* Whether every byte has a location. */
bool large_is_complete(const struct store *store, const char *rec) MUST_USE;
/* How many pieces a value has or will have; 0 when it is not large. */
uint32_t large_pieces(const struct store *store, const char *rec) MUST_USE;
/* Of these, how many have segments of their own. */
uint32_t large_extents(const struct store *store, const char *rec) MUST_USE;
/* One of them; NULL when it has no location yet. */
char *large_piece(const struct store *store, const char *rec, uint32_t number) MUST_USE;
/* Of those that have a location. */
uint32_t large_piece_count(const struct store *store, const char *rec);
/* PIECE, memory that was taken for it, becomes the one of CUT. */
void large_init_piece(struct store *store, char *rec, char *piece, const struct cut *cut);
/* The part of PIECE, the one of CUT, that begins at OFF of the value. */
struct span large_piece_span(char *piece, const struct cut *cut, uint64_t off) MUST_USE;
/* A piece moved to where it is now: its owner learns it. */
void large_set_loc(struct store *store, const char *piece);
/* The record moved here from OLD. */
void large_set_owner(struct store *store, const char *rec, const char *old);
/* Fetch what will be looked at of its pieces, or the first of them, when they die. */
void large_fetch(const struct store *store, const char *rec);
void large_pieces_die(struct store *store, const char *rec);
/* A complete item came into the index: those that own segments can be evicted from now on. */
void large_queue(struct store *store, const char *rec);
/* Whether it owns a segment without pins. */
bool large_has_free_extent(const struct store *store, const char *rec) MUST_USE;

/* --- policy.c --- */

/* Without eviction, segments of which less is dead are not worth emptying: the store is full. */
enum { FULL_DEAD_CLASS = 1, FULL_DEAD_DIVISOR = DEAD_CLASSES / FULL_DEAD_CLASS };

/* Bytes that emptying it would bring at no loss. */
uint32_t policy_dead_bytes(const struct store *store, const struct seg *seg) MUST_USE;
/*
 * A closed segment without pins from before a flush; SEG_NONE when there is none or, while
 * the evictor's flush_sweep stays set, none among those that were looked at.
 */
uint32_t policy_flushed(struct store *store) MUST_USE;
/* Segments from before a flush may be at INDEX or behind it. */
void policy_sweep_from(struct store *store, uint32_t index);
/* A closed segment without pins that is better emptied than others that live evicted. */
uint32_t policy_worth_cleaning(const struct store *store) MUST_USE;
/* One, at least half dead, that is better emptied than other memory touched. */
uint32_t policy_worth_reusing(const struct store *store) MUST_USE;
/* The log that has to give up something next. */
enum log_id policy_log_to_take_from(struct store *store) MUST_USE;
/*
 * The oldest segment of LOG without pins; those with pins become the newest. SEG_NONE when
 * there is none, or the evictor has no look left.
 */
uint32_t policy_oldest(struct store *store, enum log_id log) MUST_USE;
/* The average of an item, for what follows: a victim is about to be judged. */
void policy_note_victim(struct store *store);
/* Bytes of key, value and header, wherever they lie. */
uint64_t policy_item_bytes(const char *rec) MUST_USE;
/* An item of BYTES was evicted, and is a ghost of KIND. */
void policy_note_evicted(struct store *store, unsigned kind, uint64_t bytes);
/* BYTES of an item came into the main log, from elsewhere. */
void policy_note_joined(struct store *store, uint64_t bytes);
/* An item of LOG goes on to the main one. */
void policy_note_survivor(struct store *store, enum log_id log);
/* A victim of LOG was emptied: so many BYTES less than before are in use there. */
void policy_note_emptied(struct store *store, enum log_id log, uint32_t bytes);
/* The log that a new item of so many BYTES belongs to. OLD: the live one of that key, or NULL. */
enum log_id policy_log_for(struct store *store, uint64_t hash, const char *old,
                           uint64_t bytes) MUST_USE;
/* Whether an item of the victim stays. */
bool policy_survives(const struct store *store, const char *rec) MUST_USE;
/* The frequency with which it goes on. */
unsigned policy_freq_after(unsigned freq) MUST_USE;

/* --- pin.c --- */

/* Give up the pins of a large value's pieces, but not that of its record. */
void pin_give_up_pieces(struct store *store, const char *rec);

/* --- ttl.c --- */

void ttl_init(struct store *store);
/* Look at some RECORDS, or until the step is over. False when nothing is due. */
bool ttl_step(struct store *store, unsigned records);

/* --- tail.c --- */

/* REC is about to be evicted. */
void tail_note_evicted(struct store *store, const char *rec);

/* --- evict_or_move.c --- */

/* An item, or one of its pieces, of the victim. False when it survives and cannot be moved. */
bool evict_or_move_item(struct store *store, char *rec, uint64_t hash) MUST_USE;
bool evict_or_move_piece(struct store *store, char *piece) MUST_USE;
/* An item goes: because it is gone anyway, or evicted. */
void evict_or_drop(struct store *store, char *rec);

/* --- victim.c --- */

enum found {
    FOUND_VICTIM,   /* evictor.victim is set */
    FOUND_PROGRESS, /* memory became free on the way, or the search goes on with the next call */
    FOUND_NOTHING,
};

void victim_init(struct store *store);
/* What is dead goes first; what lives only until GOAL segments are available. */
enum found victim_find(struct store *store, int64_t goal) MUST_USE;
/* The victim is empty. */
void victim_finish(struct store *store);
/* Let the victim, if there is one, be an ordinary segment again. */
void victim_suspend(struct store *store);
/* Look at all segments again: what was passed by for its pins may have none any more. */
void victim_look_anew(struct store *store);
/*
 * Without eviction, and when no segment is available: what of the open one is needed
 * to go on emptying. No new record may use it.
 */
uint32_t victim_promised_bytes(const struct store *store) MUST_USE;

/* --- evict.c --- */

/*
 * Go on emptying the victim, or find the next one, until BUDGET bytes were looked at, or LEAST and the
 * step is over, GOAL segments are available, or the victim is empty; finding one ends after so many
 * segments, too, and goes on with the next step. False when nothing could be
 * emptied: whatever is not free is pinned or, without eviction, lives.
 */
bool evict_step(struct store *store, uint64_t budget, uint64_t least, int64_t goal);

/* --- space.c --- */

/* item_append() for a new item. May evict. NULL when nothing can be. */
char *space_append(struct store *store, enum log_id log, const struct rec_head *head) MUST_USE;
/*
 * Likewise BYTES for a piece of REC, or a whole segment for one; what is to be emptied for it may take several
 * calls. Of several values that wait the first one gets what the others helped to empty. Never SPACE_MADE.
 */
enum space_result space_append_piece(struct store *store, const char *rec, uint32_t bytes,
                                     char **addr) MUST_USE;
enum space_result space_take_extent(struct store *store, const char *rec, char **addr) MUST_USE;
/* REC waits no longer, whatever became of it. */
void space_wait_ends(struct store *store, const char *rec);
/* More such segments will be needed soon: work ahead for them. */
void space_ahead_of_extents(struct store *store);
/* item_rewrite() in the same log, that makes space. REC is in no bucket, and all of it is pinned. */
char *space_rewrite(struct store *store, char *rec, const struct rec_head *head) MUST_USE;
/* Work ahead a little. False when there is nothing to do. */
bool space_work(struct store *store);
/*
 * Whether the index can have one more item, of HASH: it may take another page for it, which must
 * not be the last memory that survivors of a victim could move to.
 */
bool space_fits_index(const struct store *store, uint64_t hash) MUST_USE;
/* Make that so. */
bool space_make_for_index(struct store *store, uint64_t hash) MUST_USE;

/* --- rewrite.c --- */

/*
 * Write the item REC anew with HEAD, because a field is too narrow for what it is to hold. NULL when
 * there is no memory; nothing has changed then.
 */
char *rewrite(struct store *store, char *rec, const struct rec_head *head) MUST_USE;

/* --- lookup.c --- */

/* The record of KEY, live or gone; NULL when there is none. */
char *store_find(const struct store *store, struct slice key, uint64_t hash,
                 struct slot *slot) MUST_USE;
/* Likewise, without its slot; PLACE is where an item of HASH was seen, or all zero. */
char *store_find_seen(const struct store *store, struct slice key, uint64_t hash,
                      const struct place *place) MUST_USE;
/* Describe a record. False where it does not end within its segment: it is broken. */
bool store_describe(const struct store *store, char *rec, struct item *item) MUST_USE;

/* --- change.c --- */

/* How wide the CAS of an item that is stored now has to be at least. */
unsigned change_cas_bytes(struct store *store);

/* --- reserve.c --- */

/* What a record for SPEC takes at most, or would take. */
uint64_t reserve_bytes(const struct item_spec *spec) MUST_USE;
/* Whether SPEC may be stored, for which there is space in the index then. */
enum reserve_result reserve_check(struct store *store, const struct item_spec *spec) MUST_USE;
/* The header of an item that is reserved. */
struct rec_head reserve_head(const struct store *store, const struct item_spec *spec);

/* --- commit.c --- */

/* The live item of KEY, and its slot; one that is gone is removed. NULL: there is none. */
char *commit_find_live(struct store *store, struct slice key, uint64_t hash,
                       struct slot *slot) MUST_USE;
/* Let REC be the item of its key, in the SLOT of OLD or, when that is NULL, in a new one. */
void commit_publish(struct store *store, char *rec, uint64_t hash, char *old,
                    const struct slot *slot);
