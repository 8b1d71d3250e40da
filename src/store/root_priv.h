/*
 * src/store/root_priv.h - what of a store survives its process.
 *
 *     | root | segment table | segments | index |      the file: memory_priv.h
 *
 * All of it is positions: segments, buckets and nodes have numbers, records locations. Only
 * arena.base, arena.segs, arena.trials, index.buckets and index.end are addresses, which each process sets.
 * While a store is in use its root says only what it is. When it is detached, the rest follows:
 * first the fields, then the checksum, then, when all that is in the file, the mark that says so.
 *
 * What is not in the root begins anew: the policy's statistics of the recent past, the
 * victim, the walk for what has expired, trials, counters.
 */
#pragma once

#include "store_priv.h"

/* Raised with each change of a record, a slot, a node, an entry of a segment's or the root. */
enum { STORE_LAYOUT_VERSION = 8 };

/* What the index has of memory before it uses it, in bytes: see struct huge. */
struct root_ahead {
    uint64_t index_begin; /* the first three are equal where it is not about to grow */
    uint64_t index_done;
    uint64_t index_end;
    uint64_t nodes_done;
};

struct store_root {
    char magic[8]; /* first, whatever the version */
    uint32_t version;
    uint32_t root_bytes; /* sizes, as this build has them: */
    uint32_t index_struct_bytes;
    uint32_t arena_struct_bytes;
    uint32_t seg_struct_bytes;
    uint32_t trial_struct_bytes;
    uint32_t record_max; /* and as this store has them */
    uint32_t with_cas;
    uint32_t now_s; /* when it was detached, in its own seconds; */
    int64_t unix_s; /* and in those of the host */
    uint64_t file_bytes;
    struct hash_key hash_key;
    uint64_t flushed_items;
    uint64_t flush_at_s;
    uint64_t trial_number; /* entries of later ones mean nothing */
    uint64_t content_bytes;
    uint64_t header_bytes;
    uint64_t limit_bytes;
    uint64_t limit_bytes_max;
    struct root_ahead ahead;
    struct index index;
    struct arena arena;
    uint64_t checksum; /* of all above, the table, the index, and samples of the segments */
    uint64_t clean;    /* written last: the checksum's complement; 0: it is in use */
    uint64_t lease; /* odd: of two processes the one that makes it even first has the store */
};
_Static_assert(sizeof(struct store_root) <= 4096, "a page can be synchronized at once");

/* Take the root's area of an empty file, and say there what it is. False when that cannot be. */
bool root_begin(struct store *store) MUST_USE;
/* Give it up; what is in it stays. */
void root_end(struct store *store);
/* Sizes are known: so are those of the root. */
void root_describe(struct store *store);
/* Whether the file FD begins as those of a store do, in whatever version; or with zeros, which a torn one may. */
bool root_is_ours(int fd) MUST_USE;
/* Whether the file's root can be used with CONFIG; nothing changes. */
enum attach_result root_check(const struct store *store,
                              const struct store_config *config) MUST_USE;
/* The root was checked: STORE is what it was. False when there is no address space. */
bool root_load(struct store *store) MUST_USE;
/* Whether everything loaded is as it was saved. */
bool root_is_whole(const struct store *store) MUST_USE;
/* From now on the file is in use: the mark is gone, whatever happens. False when it cannot be taken. */
bool root_open(struct store *store) MUST_USE;
/* Whether what another process has lent can be used with CONFIG; nothing changes. */
enum attach_result root_check_lent(const struct store *store,
                                   const struct store_config *config) MUST_USE;
/* Likewise of what another process uses, as far as it says; then STORE's least and most limit are known. */
enum attach_result root_check_in_use(struct store *store,
                                     const struct store_config *config) MUST_USE;
/* Say everything, as it is; what clients hold stays theirs. The number of the lease that begins. */
uint64_t root_lend(struct store *store) MUST_USE;
/* Whether LEASE lasted until now; it ends. */
bool root_claim(struct store *store, uint64_t lease) MUST_USE;
/* Everything is at rest: save it. False when it may not be in the file. */
bool root_save(struct store *store, int64_t unix_s) MUST_USE;
