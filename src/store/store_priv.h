/*
 * src/store/store_priv.h - the store's inside: what its modules share.
 *
 *     store.c    lookups and changes in place
 *     write.c    reserve, commit, abort; records that move
 *     item.c     records: fill, account, move, die
 *     large.c    values in pieces
 *     pin.c      what keeps segments where they are
 *     policy.c   whom to evict
 *     evict.c    room: victims emptied, survivors moved
 *     ttl.c      expired items, found without a lookup
 *     index.c, index_resize.c, segment.c    know nothing of items
 */
#pragma once

#include "index_priv.h"
#include "record_priv.h"
#include "segment_priv.h"

/*
 * Segments that only survivors of a victim may take: emptying one never needs
 * more than one other.
 */
enum { SEGS_FOR_SURVIVORS = 1 };
/* Segments are emptied ahead until so many are free. */
enum { SEGS_AHEAD = 4 };

/* What evict.c is about. */
struct evictor {
    uint32_t victim;    /* or SEG_NONE */
    uint32_t off;       /* of its first record not looked at */
    bool clean;         /* keep whatever lives: it is chosen for what is dead */
    bool flush_sweep;   /* there may be segments from before a flush */
    uint32_t looked_at; /* the arena's serial when a segment worth using again was looked for */
    unsigned level;     /* how much more often than usual a survivor must have been hit */
    uint32_t moved;     /* bytes of survivors of this victim */
    bool growing;       /* the small log is to grow, at the main one's cost */
    unsigned turn;      /* victims taken while it grows */
    uint64_t owed_bytes; /* that the main log has to give up, even if it is to grow */
    uint32_t out[LOGS];  /* items evicted of late from each log, in parts of policy.c's */
    uint32_t back[LOGS]; /* of them, how many came back as ghosts */
    uint32_t period;     /* evictions since these were looked at */
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

struct store {
    struct index index;
    struct arena arena;
    struct hash_key hash_key;
    uint32_t fixed_bytes; /* of a record header: with CAS or without */
    uint32_t now_s;
    uint64_t flushed_items; /* in the index, but gone */
    bool evict;
    uint32_t record_max;   /* bytes; what is larger goes in pieces */
    uint32_t piece_bytes;  /* payload of a piece among other records */
    uint32_t extent_bytes; /* payload of a piece that has a segment of its own */
    size_t limit_bytes;
    size_t item_bytes_max;
    size_t own_bytes;       /* bookkeeping beside arena and index */
    uint64_t cas;           /* the last one drawn */
    uint32_t flush_at_s;    /* a flush to come, or 0 */
    uint64_t content_bytes; /* keys and values of live records */
    uint64_t header_bytes;  /* their headers */
    bool pin_starved;       /* the last append failed, and pins may be why */
    uint64_t missing_bytes; /* that the last call lacked, and pins may keep */
    uint64_t trial_number;  /* of the last store_trial_begin() */
    struct store_trial trial;
    struct evictor evictor;
    struct ttl ttl;
    struct store_stats stats;
};

static inline bool
store_has_cas(const struct store *store)
{
    return store->fixed_bytes != REC_FIXED_BYTES;
}

/* Whether it was stored before the last flush. */
static inline bool
rec_is_flushed(const struct store *store, const char *rec)
{
    return UNLIKELY(store->flushed_items > 0) &&
           arena_seg(&store->arena, rec)->epoch != store->arena.epoch;
}

static inline bool
rec_is_gone(const struct store *store, const char *rec)
{
    return rec_is_expired(rec, store->fixed_bytes, store->now_s) || rec_is_flushed(store, rec);
}

static inline uint64_t
rec_hash(const struct store *store, const char *rec)
{
    struct slice key = rec_key(rec, store->fixed_bytes);

    return hash_bytes(&store->hash_key, key.ptr, key.len);
}

/* --- item.c --- */

/* Make the index fit its contents, step by step; once a write. False when it does. */
bool store_index_step(struct store *store, unsigned buckets);

/* A live record came to be at REC: count its bytes. */
void item_account(struct store *store, const char *rec);
/* Note when it will have expired, for ttl.c. */
void item_note_expiry(struct store *store, const char *rec);
/*
 * A record that is in no bucket (any more) dies, with all its pieces. Its
 * segment may be free after this.
 */
void item_die(struct store *store, char *rec);
/* The same for a single record that has no pieces, or whose pieces live on. */
void record_die(struct store *store, char *rec);
/* Take an item out of the index by its SLOT and let it die. */
void item_remove(struct store *store, char *rec, uint64_t hash, uint64_t *slot);
/* Likewise when only the record is known. */
void item_drop(struct store *store, char *rec);
/* Why an item went away, for the counters; call before it dies. */
void item_count_reclaimed(struct store *store, const char *rec);
/*
 * Copy a record to the young end of LOG; what was there is dead, pieces have a
 * new owner. The caller tells the index. NULL when there are not KEEP + 1 segments.
 */
char *item_move(struct store *store, char *rec, enum log_id log, int64_t keep) MUST_USE;

/* --- large.c: REC is the owner --- */

/* Bytes of the table of a value so large. */
uint32_t large_body_bytes(const struct store *store, uint64_t value_bytes) MUST_USE;
/* An empty table. */
void large_init(const struct store *store, char *rec, uint64_t value_bytes);
uint64_t large_value_bytes(const struct store *store, const char *rec) MUST_USE;
/* The part of the value at OFF; empty when it has no place yet. */
struct slice large_at(const struct store *store, const char *rec, uint64_t off) MUST_USE;
/* Likewise, but give it a place, pinned. Empty when there is no memory. */
struct slice large_reserve_at(struct store *store, char *rec, uint64_t off) MUST_USE;
/* Whether every byte has a place. */
bool large_is_complete(const struct store *store, const char *rec) MUST_USE;
void large_pieces_die(struct store *store, const char *rec);
/* How many pieces a value has or will have; 0 when it is not large. */
uint32_t large_pieces(const struct store *store, const char *rec) MUST_USE;
/* One of them; NULL when it has no place yet. */
const char *large_piece(const struct store *store, const char *rec, uint32_t number) MUST_USE;
/* Of those that have a place. */
uint32_t large_piece_count(const struct store *store, const char *rec);
void large_pin_pieces(struct store *store, const char *rec);
void large_unpin_pieces(struct store *store, const char *rec);
/* The record moved here from OLD. */
void large_set_owner(struct store *store, const char *rec, const char *old);
/* A piece moved to where it is now. */
void large_set_place(struct store *store, const char *piece);

/* --- evict.c --- */

void evict_init(struct store *store);
/* BYTES at the young end of LOG for a new record. May evict. NULL when nothing can be. */
char *evict_append(struct store *store, enum log_id log, uint32_t bytes) MUST_USE;
/* Likewise a whole segment for a piece of a large value. */
char *evict_take_extent(struct store *store) MUST_USE;
/* item_move() that makes room; REC is pinned. */
char *evict_move(struct store *store, char *rec, enum log_id log) MUST_USE;
/* Work ahead a little. False when there is nothing to do. */
bool evict_work(struct store *store);

/* --- policy.c --- */

/*
 * Without eviction, segments with less dead bytes than one part in this are not
 * worth emptying: the store is full.
 */
enum { FULL_DEAD_DIVISOR = 64 };

/* Bytes that emptying it would bring at no loss. */
uint32_t policy_dead_bytes(const struct store *store, const struct seg *seg) MUST_USE;
/* The closed, unpinned segment with most dead bytes; SEG_NONE when that is less than AT_LEAST. */
uint32_t policy_most_dead(const struct store *store, uint32_t at_least) MUST_USE;
/* The same with AT_LEAST a half: emptying it costs less than it brings. */
uint32_t policy_worth_cleaning(const struct store *store) MUST_USE;
/* The next victim, and in evictor.clean whether only for its dead bytes; or SEG_NONE. */
uint32_t policy_choose(struct store *store) MUST_USE;
/* An item of LOG was evicted. */
void policy_note_evicted(struct store *store, enum log_id log);
/* BYTES of an item came into the main log, from elsewhere. */
void policy_note_joined(struct store *store, uint64_t bytes);
/* A victim of LOG was emptied: so many BYTES less than before are in use there. */
void policy_note_emptied(struct store *store, enum log_id log, uint32_t bytes);
/* The log that a new item of so many BYTES belongs to. OLD: the live one of that key, or NULL. */
enum log_id policy_log_for(struct store *store, uint64_t hash, const char *old,
                           uint64_t bytes) MUST_USE;
/* Whether an item of the victim stays. */
bool policy_survives(const struct store *store, const char *rec) MUST_USE;
/* The frequency with which it goes on, coming from LOG. */
unsigned policy_freq_after(enum log_id log, unsigned freq) MUST_USE;

/* --- ttl.c --- */

void ttl_init(struct store *store);
/* Look at some RECORDS. False when nothing is due. */
bool ttl_step(struct store *store, unsigned records);

/* --- store.c --- */

/* The record of KEY, live or gone; NULL when there is none. */
char *store_find(const struct store *store, struct slice key, uint64_t hash,
                 uint64_t **slot) MUST_USE;
/* Describe a record. */
void store_describe(const struct store *store, char *rec, struct item *item);
