/*
 * include/lombard/store/store.h - the cache: keys to items in bounded memory.
 *
 * All memory is one arena of segments and an index; both together stay within
 * the limit. Items are appended to segments and never move while their segment
 * is pinned; without a pin, any call that may write can move or drop any item,
 * so what a lookup returns dies with the next call unless it says otherwise.
 *
 * Every time is a second of the caller's clock (clock.uptime_s): exact, per
 * item, compared when an item is looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/hash.h"
#include "lombard/base/place.h"
#include "lombard/base/slice.h"

struct store;
struct stat_registry;

/* A location has 38 bits: more memory than this could not be found again. */
#define STORE_LIMIT_BYTES_MAX (UINT64_C(1) << 38)

/* What eviction tries to make most of: objects found, or bytes. */
enum store_favor { STORE_FAVOR_OBJECTS, STORE_FAVOR_BALANCED, STORE_FAVOR_BYTES };

/*
 * A file that the store's memory is in, so that it outlives the process: locked, and used by no other.
 * It is the caller's, and closed after store_destroy().
 */
struct store_file {
    int fd;
};

struct store_config {
    size_t limit_bytes; /* -m: arena, index and bookkeeping; at most STORE_LIMIT_BYTES_MAX */
    size_t
        limit_bytes_max; /* that store_set_limit() may be asked for; less is as much as above */
    size_t item_bytes_max; /* -I: key, value and header of one item */
    enum store_favor favor;
    bool evict;    /* false for -M */
    bool with_cas; /* false for -C */
    bool
        huge_pages; /* of 256 MB or more: memory comes on huge pages where the kernel has some */
    bool
        huge_explicit; /* -L: whatever its size, and on the host's explicit ones where it has some */
    struct hash_key hash_key;
    const struct store_file *file; /* NULL: the memory is the kernel's own. Not kept */
};

/*
 * NULL when the kernel gives no address space, or limit_bytes is above
 * STORE_LIMIT_BYTES_MAX; where it gives less than limit_bytes_max needs, that is lower. Owns
 * everything it maps.
 */
struct store *store_create(const struct store_config *config) MUST_USE;
void store_destroy(struct store *store);
/* Memory of items that is promised to it of the host's explicit huge pages. */
uint64_t store_explicit_bytes(const struct store *store) MUST_USE;

/* --- A store that is kept in a file --- */

enum attach_result {
    ATTACH_OK,
    ATTACH_EMPTY,   /* nothing was in the file */
    ATTACH_FOREIGN, /* something that no store has written: it is to be left alone */
    ATTACH_UNCLEAN, /* its process ended without store_detach() */
    ATTACH_VERSION, /* another build lays it out in another way */
    ATTACH_TORN,    /* a part is missing, or is not what it was */
    ATTACH_CAS,     /* it has a CAS for each item and this one has not, or the reverse */
    ATTACH_LIMIT,   /* limit_bytes is more than it can grow to, or less than it can shrink to */
    ATTACH_NO_MEMORY, /* no address space, or the file system refuses */
};

/*
 * Go on with what store_detach() left in config->file: all items but those that have expired by
 * UNIX_S, seconds since the epoch, with their CAS, and of CONFIG all but hash_key and
 * limit_bytes_max, which are as they were. A limit other than the last is as if by
 * store_set_limit(). On ATTACH_OK *STORE is it, its time has been set, and the file counts as unclean.
 * Else nothing is changed, and store_create() may begin anew; not on ATTACH_FOREIGN.
 */
enum attach_result store_attach(const struct store_config *config, int64_t unix_s,
                                struct store **store) MUST_USE;
/* The second that was set last. */
uint32_t store_now_s(const struct store *store);
/*
 * Leave everything in the file, for store_attach(). What is pinned is so no longer, what is
 * reserved is dropped: nothing but store_destroy() may follow. The bytes that go through memory are
 * the index and the table of segments; on a disk it waits for all of them. False when the file may not have
 * everything.
 */
bool store_detach(struct store *store, int64_t unix_s) MUST_USE;

/* --- A store in a file that goes from one process to another while it is in use --- */

/*
 * Say in the file all that store_adopt() needs. What is pinned stays so, what is reserved too: by
 * locations, they can be found in the other process. The number of the lease, which lasts until one of
 * both claims it, and which the other process must be told; it is never used again. 0: it is in no file.
 */
uint64_t store_lend(struct store *store) MUST_USE;
/*
 * A store that another process is going to lend in config->file: there is nothing in it yet, and until
 * store_adopt() only store_fits() and store_destroy() may follow. NULL when memory cannot be had.
 */
struct store *store_expect(const struct store_config *config) MUST_USE;
/*
 * While the other process still uses it: whether store_adopt() would refuse CONFIG, as far as can be told. After
 * ATTACH_LIMIT store_limit_bytes_min() and _max() say what it would take.
 */
enum attach_result store_fits(struct store *store, const struct store_config *config) MUST_USE;
/*
 * It has lent it. Nothing of the file is changed: it may be given back by store_destroy(). Of CONFIG all counts
 * but hash_key and limit_bytes_max.
 */
enum attach_result store_adopt(struct store *store, const struct store_config *config) MUST_USE;
/*
 * Either process, in whatever state the other one is: true for the one that claims LEASE first. Its is STORE
 * from now on, whatever becomes of messages; the other one must do nothing to it any more but store_destroy().
 */
bool store_claim(struct store *store, uint64_t lease) MUST_USE;
/* The new process has claimed it; LIMIT_BYTES was in the CONFIG that it was adopted with. */
void store_keep(struct store *store, uint64_t limit_bytes);

/* Where ADDR is, as another process understands it. */
uint64_t store_loc(const struct store *store, const void *addr);
/* The BYTES at LOC, which lie in one segment that is pinned; NULL where they do not. */
const void *store_held_at(const struct store *store, uint64_t loc, uint64_t bytes);
/* The item at LOC, with a value of VALUE_BYTES, likewise; RESERVED: it is still to be committed. */
void *store_held_item(const struct store *store, uint64_t loc, uint64_t value_bytes,
                      bool reserved);

/* The limit that was asked for last, and the least and the most that may be. */
uint64_t store_limit_bytes(const struct store *store);
uint64_t store_limit_bytes_min(const struct store *store);
uint64_t store_limit_bytes_max(const struct store *store);
/* From now on at most BYTES may be asked for; 0: as much as there is address space for. What is in force stays. */
void store_cap_limit(struct store *store, uint64_t bytes);
/*
 * Another limit. A higher one counts from now on. For a lower one the calls that store, and
 * store_work(), empty segments by policy and give their memory back, each a bounded piece, until
 * it is kept to; meanwhile no more than before is used. Without eviction, and of what is
 * pinned, nothing goes: what lives stays above the limit, and nothing more is stored, until it
 * is deleted, expires or is unpinned. False, and nothing changes, when it is out of bounds or
 * the kernel does not allow it.
 */
bool store_set_limit(struct store *store, uint64_t limit_bytes) MUST_USE;
/* What it was created with. */
uint64_t store_item_bytes_max(const struct store *store);
bool store_keeps_cas(const struct store *store);

/* Once an iteration: the time of everything that follows. */
void store_set_time(struct store *store, uint32_t now_s);
/*
 * Do a bounded piece of background work: expiry, cleaning, index growth. False
 * when there is nothing left to do now.
 */
bool store_work(struct store *store);
/* Whether there is some that should not wait for the next tick. */
bool store_is_due(const struct store *store, uint64_t now_ns) MUST_USE;

/* --- Looking up, in steps so that a batch overlaps its cache misses --- */

uint64_t store_hash(const struct store *store, struct slice key);
void store_prefetch_bucket(const struct store *store, uint64_t hash);
/*
 * After the bucket has arrived: prefetch the item that it seems to hold. True: the item is not in the
 * bucket itself, but perhaps in a node that hangs on it; then store_prefetch_far() after that has arrived.
 * Where it was seen is in *PLACE, which was all zero: it spares the next lookup of that hash its way through
 * the index, and may be as old as it likes.
 */
bool store_prefetch_item(const struct store *store, uint64_t hash, struct place *place);
void store_prefetch_far(const struct store *store, uint64_t hash, struct place *place);
/*
 * After the item at *PLACE has arrived: prefetch its value, up to 4 KB of it. The caller keeps few of them
 * on the way at once: all values of a batch would push each other out of the first cache.
 */
void store_prefetch_value(const struct store *store, const struct place *place);

/* Bits of item.marks: what the meta protocol keeps with an item. */
enum {
    ITEM_FETCHED = 1U << 0, /* was hit since it was stored */
    ITEM_STALE = 1U << 1,   /* meta: invalidated, still served */
    ITEM_TOKEN = 1U << 2,   /* meta: the win was handed out */
};

enum { STORE_NEVER = 0 }; /* expires_s of an item that does not expire */

struct item {
    void *handle; /* the record: names the item while it is valid */
    struct slice key;
    struct slice value; /* first contiguous part; the whole when value.len == value_bytes */
    uint64_t value_bytes;
    uint64_t cas; /* 0 with -C */
    uint32_t client_flags;
    uint32_t expires_s;  /* the first second in which it is gone; STORE_NEVER */
    uint32_t accessed_s; /* second of the last store_get() with bump before this one */
    uint32_t marks;      /* before this access */
};

/*
 * Find a live item. With BUMP the access counts: for eviction, last access and
 * ITEM_FETCHED. *ITEM is written only on true.
 */
bool store_get(struct store *store, struct slice key, uint64_t hash, bool bump,
               struct item *item) MUST_USE;
/*
 * Likewise, with BUMP; but *ITEM has no CAS: store_cas() tells it, which costs. PLACE is where an item of HASH
 * was seen, or all zero.
 */
bool store_read(struct store *store, struct slice key, uint64_t hash, const struct place *place,
                struct item *item) MUST_USE;
uint64_t store_cas(const struct store *store, const struct item *item) MUST_USE;
/* Likewise, no trace left; expired items count as absent. */
bool store_peek(struct store *store, struct slice key, uint64_t hash,
                struct item *item) MUST_USE;

/*
 * The access to ITEM, as just looked up, counts as it does with BUMP. It may move: handle, key and
 * value of *ITEM are those of where it is then, the rest stays as it was.
 */
void store_bump(struct store *store, struct item *item);

/*
 * The contiguous part of ITEM's value that begins at OFF (below value_bytes).
 * Each part lies in one segment, which store_pin() of its first byte keeps.
 */
struct slice store_value_at(const struct store *store, const void *handle, uint64_t off);

/* --- Pins --- */

/* Keep the segment that ADDR lies in. Every pin is given up by the same address. */
void store_pin(struct store *store, const void *addr);
void store_unpin(struct store *store, const void *addr);
/* The same for all segments of an item: its record and every part of its value. */
void store_pin_item(struct store *store, const void *handle);
void store_unpin_item(struct store *store, const void *handle);

/* --- What pins and reservations keep from others --- */

/*
 * How many bytes the last call lacked that was refused for want of memory
 * (RESERVE_OUT_OF_MEMORY, SPACE_NONE, a failed store_touch() or
 * store_commit()) and that pins may keep: a whole segment where one is needed. 0
 * when it was not refused, or when giving up pins cannot help. The next call that
 * asks for memory sets it anew; store_abort(), unpinning and deleting do not.
 */
uint64_t store_missing_bytes(const struct store *store) MUST_USE;
/* By how much the segments that are pinned exceed half of all memory: then storing suffers. */
uint64_t store_excess_bytes(const struct store *store) MUST_USE;

/*
 * A trial: what would become available if these pins were given up? Nothing
 * changes. All that was asked about since store_trial_begin() counts as given up
 * together, so a trial may go over what one holder has, or what several have. Dies
 * with the next call that changes the store; constant time but for
 * the parts of large items.
 */
struct store_trial {
    uint64_t held_bytes;  /* of the segments that these pins are on, each counted once */
    uint64_t freed_bytes; /* that could be used then: compare with store_missing_bytes() */
};

void store_trial_begin(struct store *store);
/* As if by store_unpin(), store_unpin_item(), store_abort(). */
void store_trial_unpin(struct store *store, const void *addr);
void store_trial_unpin_item(struct store *store, const void *handle);
void store_trial_abort(struct store *store, const void *handle);
struct store_trial store_trial_result(const struct store *store) MUST_USE;

/* --- For tests: whether it all adds up --- */

/* Pins that are held now, by a walk over all segments. */
uint64_t store_pin_count(const struct store *store);
/* How many of them the pin of one item is: its record, and each part of its value. */
uint32_t store_item_pin_count(const struct store *store, const void *handle);
/* Whether counters agree with the segments, and what is used is within the limit. */
bool store_check(const struct store *store) MUST_USE;

/* --- Storing: reserve, fill, then commit or abort --- */

enum reserve_result {
    RESERVE_OK,
    RESERVE_TOO_LARGE,     /* above item_bytes_max, or half of limit_bytes: it can never fit */
    RESERVE_OUT_OF_MEMORY, /* -M, or everything is pinned */
};

struct item_spec {
    struct slice key;
    uint64_t hash;
    uint64_t value_bytes;
    uint32_t client_flags;
    uint32_t expires_s; /* STORE_NEVER, or a second; in the past: expired already */
    uint32_t marks;
};

/*
 * Space for an item that no client sees yet. *HANDLE names it and is pinned (as by
 * store_pin_item) until it is committed or aborted. Nothing in SPEC is kept.
 */
enum reserve_result store_reserve(struct store *store, const struct item_spec *spec,
                                  void **handle) MUST_USE;
enum space_result {
    SPACE_THERE,
    SPACE_MADE, /* there, and as much work as one call may do was done for it */
    SPACE_LATER, /* not yet: so much work was done, and there is more to do. Ask again, after others */
    SPACE_NONE, /* there is no memory: the item can only be aborted */
};

/*
 * Where the value's byte OFF goes, and how many fit from there on: *SPACE, on the first two. A large value
 * gets its memory only as it is asked for here, and what has to go for that goes a bounded piece
 * a call. Every byte must have been asked for before store_commit(), which else says COMMIT_NOT_STORED.
 */
enum space_result store_space_at(struct store *store, void *handle, uint64_t off,
                                 struct span *space) MUST_USE;
/* The same without SPACE_LATER, however long it takes; an empty span: SPACE_NONE. */
struct span store_reserved_at(struct store *store, void *handle, uint64_t off);
void store_abort(struct store *store, void *handle);

enum commit_mode {
    COMMIT_SET,     /* whatever is there */
    COMMIT_ADD,     /* only if absent */
    COMMIT_REPLACE, /* only if present */
    COMMIT_CAS,     /* only if present with the given cas */
};

struct commit_rule {
    enum commit_mode mode;
    uint64_t compare_cas; /* for COMMIT_CAS */
    uint64_t new_cas;     /* the item's CAS; 0: draw the next one */
};

/* Whatever is there, with the next CAS. */
#define COMMIT_ANY (&(const struct commit_rule){COMMIT_SET, 0, 0})

enum commit_result {
    COMMIT_STORED,
    COMMIT_NOT_STORED,
    COMMIT_EXISTS,
    COMMIT_NOT_FOUND,
    COMMIT_OUT_OF_MEMORY, /* nothing has changed, HANDLE is still reserved */
};

/*
 * Make the reserved item the one for its key, if RULE allows; else it is
 * dropped. Either way HANDLE is unpinned and forgotten. The CAS that it got is in
 * *CAS on COMMIT_STORED. An old item of that key is replaced; its pinned bytes
 * stay. COMMIT_OUT_OF_MEMORY: the index has no space, or the cache was flushed
 * since the reservation and there is no memory to move the item out of the way;
 * commit again, or abort.
 */
enum commit_result store_commit(struct store *store, void *handle,
                                const struct commit_rule *rule, uint64_t *cas) MUST_USE;

/* Whether a value so long has to be reserved: it lies in pieces. */
bool store_is_large(const struct store *store, const struct item_spec *spec) MUST_USE;
/*
 * Reserve, fill and commit in one step, as by COMMIT_SET with NEW_CAS: SPEC is not large, VALUE is
 * all of its value, and does not lie in the store. The CAS that it got is in *CAS on RESERVE_OK; else
 * nothing has changed.
 */
enum reserve_result store_put(struct store *store, const struct item_spec *spec,
                              struct slice value, uint64_t new_cas, uint64_t *cas) MUST_USE;

/* --- Changing what is there; ITEM is as just looked up --- */

void store_delete(struct store *store, const struct item *item);
/*
 * Each of these three may move the item (when its record has no space for what it is to hold):
 * *ITEM is refreshed. False when there was no memory for that; nothing has changed then.
 *
 * Set the expiry.
 */
bool store_touch(struct store *store, struct item *item, uint32_t expires_s) MUST_USE;
/* Set the expiry, and give it NEW_CAS (0: the next one). */
bool store_set_cas(struct store *store, struct item *item, uint32_t expires_s,
                   uint64_t new_cas) MUST_USE;
/*
 * Likewise, and overwrite the value with as many bytes. For short contiguous values: counters.
 */
bool store_overwrite(struct store *store, struct item *item, struct slice value,
                     uint32_t expires_s, uint64_t new_cas) MUST_USE;
void store_set_marks(struct store *store, const struct item *item, uint32_t marks);

/*
 * Everything stored before second AT_S is gone from that second on. 0, or a
 * second that is not after the present one: all that is there, now, however many
 * were stored in this second. Replaces a flush that is yet to come.
 * What is committed after it stays, whenever it was reserved. Constant time.
 */
void store_flush(struct store *store, uint32_t at_s);

/* --- Looking at it --- */

/*
 * What is told each item that is evicted, before it is gone: all of it but its value, flags and CAS. It
 * must not call the store. NULL: nothing.
 */
typedef void store_on_evict_fn(void *ctx, const struct item *item);
void store_on_evict(struct store *store, store_on_evict_fn *on_evict, void *ctx);

enum walk_result {
    WALK_ITEM, /* *ITEM is set */
    WALK_ON,   /* nothing here: ask again */
    WALK_END,
};

/*
 * Visit live items in index order. Start with *CURSOR 0. A call looks at a bounded
 * part of the index, which may hold none. Between calls anything may happen: an
 * item that was there all the time is seen exactly once, unless the index grows
 * meanwhile (then at least once).
 */
enum walk_result store_next(struct store *store, uint64_t *cursor, struct item *item) MUST_USE;

struct store_stats {
#define STAT(name, kind, unit, help) uint64_t name;
#include "lombard/store/store_stats.def"
#undef STAT
};

const struct store_stats *store_stats(struct store *store);
/* Counters back to 0; states stay. */
void store_reset_stats(struct store *store);

/* Of the items that are evicted next, and of those that were (since the last reset). */
struct store_tail {
    uint64_t age_s;           /* since the last access to the oldest one; 0 without items */
    uint64_t evicted_time_s;  /* since the last access to the last one evicted, when it was */
    uint64_t evicted_nonzero; /* evicted ones that would have expired later */
    uint64_t evicted_active;  /* that had been hit since they were looked at last */
};

/*
 * It looks at some hundred records only. An item is older than those in front of it in its log
 * unless they were hit meanwhile: the age is that of the oldest of the first ones.
 */
void store_tail(struct store *store, struct store_tail *tail);

/* Where each byte of the limit is. The six parts behind limit_bytes sum to it. */
struct store_layout {
#define STAT(name, kind, unit, help) uint64_t name;
#include "lombard/store/store_layout.def"
#undef STAT
};

void store_layout(const struct store *store, struct store_layout *layout);

/* Add all of these to what `stats` and `stats store` show. */
void store_add_stats(struct store *store, struct stat_registry *registry);
