/*
 * src/store/index_priv.h - from a key's hash to the location of its record.
 *
 * A bucket is one cache line of 8 slots; what does not fit hangs on it in nodes
 * of 4, linked through the last slot:
 *
 *     bucket | s0 | s1 | s2 | s3 | s4 | s5 | s6 | link |--> | s0 | s1 | s2 | s3 |
 *
 *     slot   | tag 24 | link, ghost | location + 1, 38 bits |
 *     ghost  | tag 24 |      1      | when 37 | kind 1      |
 *
 * The first pos_bits of a hash are its position. The bucket is the position's
 * share of the number of buckets (a multiplication, so any number will do), the
 * tag its low 24 bits. There are at least 2^(pos_bits - 24) buckets, so bucket
 * and tag together give the position back: the table is resized without looking
 * at a single record.
 *
 * Resizing goes in place, a few buckets at a time: growing from the last bucket
 * down (what leaves bucket b goes to b or above), shrinking from the first up.
 *
 *     growing    | old form     | moved, new form                     |
 *                0              frontier        from                  to
 *
 * A slot of an evicted item may stay as a ghost: the policy's memory of keys
 * that went too early. Ghosts only use slots that no item needs.
 *
 * Buckets grow from the mapping's beginning, nodes from its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/invariant.h"
#include "memory_priv.h"

enum {
    BUCKET_SLOTS = 8,
    BUCKET_BYTES = 64,
    NODE_SLOTS = 4,
    NODE_BYTES = 32,
    TAG_BITS = 24,
    TAG_SHIFT = 64 - TAG_BITS,
};

#define SLOT_LINK     (UINT64_C(1) << 39)
#define SLOT_GHOST    (UINT64_C(1) << 38)
#define SLOT_LOC      (SLOT_GHOST - 1)
#define SLOT_TAG      (UINT64_MAX << TAG_SHIFT)
#define INDEX_LOC_MAX (SLOT_LOC - 1)
_Static_assert(BUCKET_BYTES == BUCKET_SLOTS * sizeof(uint64_t), "a bucket is a cache line");
_Static_assert(NODE_BYTES == NODE_SLOTS * sizeof(uint64_t), "a node is half of one");
_Static_assert((SLOT_TAG ^ SLOT_LINK ^ SLOT_GHOST ^ SLOT_LOC) == UINT64_MAX,
               "each bit of a slot is for one thing");
/*
 * A position times a number of buckets has 64 bits. Beyond that chains get longer: that
 * is at 4 billion items.
 */
enum { POS_BITS_MAX = 35 };
#define INDEX_BUCKETS_MAX ((UINT64_C(1) << (64 - POS_BITS_MAX)) - 1)

struct index {
    uint64_t *buckets;
    unsigned pos_shift; /* hash to position */
    unsigned pos_bits;
    uint64_t from;  /* buckets, in the form that lookups try first */
    uint64_t to;    /* buckets that it is being resized to, or FROM */
    uint64_t moved; /* first bucket of FROM in the new form */
    uint64_t moved_count;
    uint64_t count;       /* items */
    uint64_t ghost_clock; /* ghosts made; their age is measured in it */
    char *end;            /* of the mapping; nodes are counted down from here */
    uint64_t node_count;  /* made: from this number on, none is in use */
    uint64_t node_free;   /* number + 1 of the first free one; they chain */
    uint64_t nodes_used;
    uint64_t nodes_resident; /* whose memory may have been touched */
    uint64_t node_keep; /* of a compaction: nodes that it leaves; else INDEX_NO_COMPACTION */
    uint64_t node_unsorted; /* as node_free: free ones that it has not looked at yet, */
    uint64_t node_high;     /* and those from node_keep on; */
    uint64_t nodes_high;    /* how many these are */
    uint64_t compacted;     /* buckets that it has looked at */
    uint64_t resident;      /* buckets whose memory may have been touched */
    uint64_t min;           /* never fewer buckets than this */
    bool tight;             /* it gives memory back as soon as some can be spared */
    size_t bytes_max;       /* that it may take */
    size_t bytes_open;      /* that may be used from either end of the mapping */
    size_t map_bytes;
    bool in_file; /* where its memory comes from */
};
#define INDEX_NO_COMPACTION UINT64_MAX

/*
 * ITEMS_MAX bounds what it is ever going to hold, and MAP_BYTES of MEMORY what index_limit() will
 * allow. False when there is no address space. It has no space until index_limit().
 */
bool index_init(struct index *ix, struct memory *memory, size_t map_bytes,
                uint64_t items_max) MUST_USE;
/* Address space for one whose map_bytes are known. False when there is none. */
bool index_map(struct index *ix, struct memory *memory) MUST_USE;
void index_fini(struct index *ix);
/*
 * From now on it may take BYTES_MAX, at most what it was made for; what it has beyond that stays.
 * False, and nothing changes, when the kernel refuses.
 */
bool index_limit(struct index *ix, size_t bytes_max) MUST_USE;

static inline uint64_t
index_pos(const struct index *ix, uint64_t hash)
{
    return hash >> ix->pos_shift;
}

/* The first slot of the bucket of this hash. */
static inline uint64_t *
index_home(const struct index *ix, uint64_t hash)
{
    uint64_t pos = index_pos(ix, hash);
    uint64_t bucket = (pos * ix->from) >> ix->pos_bits;

    if (UNLIKELY(bucket - ix->moved < ix->moved_count))
        bucket = (pos * ix->to) >> ix->pos_bits;
    return ix->buckets + bucket * BUCKET_SLOTS;
}

static inline uint64_t
index_tag(const struct index *ix, uint64_t hash)
{
    return index_pos(ix, hash) << TAG_SHIFT;
}

/* Whether SLOT holds an item under TAG; then its location is SLOT's low bits less one. */
static inline bool
slot_is_item(uint64_t slot, uint64_t tag)
{
    return (slot ^ tag) - 1 < SLOT_LOC;
}

static inline uint64_t
slot_loc(uint64_t slot)
{
    return (slot & SLOT_LOC) - 1;
}

static inline uint64_t *
index_node(const struct index *ix, uint64_t link)
{
    return (uint64_t *)(void *)(ix->end - ((link & SLOT_LOC) + 1) * NODE_BYTES);
}

/* Every slot of a chain: for (c = chain_begin(home); c.slot != NULL; chain_next(ix, &c)). */
struct chain {
    uint64_t *slot;
    unsigned left; /* slots behind this one in its bucket or node */
};

static inline struct chain
chain_begin(uint64_t *home)
{
    return (struct chain){home, BUCKET_SLOTS - 1};
}

static inline void
chain_next(const struct index *ix, struct chain *c)
{
    if (c->left > 0) {
        c->slot++;
        c->left--;
        if (LIKELY(c->left > 0 || (*c->slot & SLOT_LINK) == 0))
            return;
        c->slot = index_node(ix, *c->slot);
        c->left = NODE_SLOTS - 1;
        return;
    }
    c->slot = NULL;
}

/* The slot of the item at LOC; NULL when there is none. */
uint64_t *index_find(const struct index *ix, uint64_t hash, uint64_t loc) MUST_USE;
/* Whether one more item can be put. */
bool index_has_space(const struct index *ix) MUST_USE;
/* Put an item. BUG without index_has_space(). May replace its key's ghost. */
void index_put(struct index *ix, uint64_t hash, uint64_t loc);
/* Empty SLOT, of the chain of HASH. Other slots of the chain may move. */
void index_remove(struct index *ix, uint64_t hash, uint64_t *slot);
/* Likewise, but remember the key as a ghost of KIND (0 or 1) where that costs nothing. */
void index_remove_to_ghost(struct index *ix, uint64_t hash, uint64_t *slot, unsigned kind);
/* Whether the key was made a ghost less than AGE ghosts ago; then *KIND is set. */
bool index_has_ghost(const struct index *ix, uint64_t hash, uint64_t age,
                     unsigned *kind) MUST_USE;

static inline void
index_move(uint64_t *slot, uint64_t loc)
{
    *slot = (*slot & SLOT_TAG) | (loc + 1);
}

/* --- index_nodes.c --- */

/* How many more there may be, made or free. */
uint64_t index_nodes_left(const struct index *ix) MUST_USE;
/* A link to an empty node. BUG without one left. */
uint64_t index_node_make(struct index *ix) MUST_USE;
void index_node_release(struct index *ix, uint64_t link);
/*
 * Where more than half of the nodes are free, move those at the end of their memory and give it
 * back, COUNT buckets or free nodes at a time. False when nothing is left to do. Not while
 * the index is being resized, which must not begin meanwhile.
 */
bool index_compact_step(struct index *ix, unsigned count);
static inline bool
index_is_compacting(const struct index *ix)
{
    return ix->node_keep != INDEX_NO_COMPACTION || ix->node_unsorted != 0;
}

/* --- For index_resize.c --- */

/* Put the slot VALUE into the bucket HOME: of a new item, or of one that moves. */
void index_put_slot(struct index *ix, uint64_t *home, uint64_t value);
/* Whether an item of HASH finds a slot in the chain that there is. */
bool index_fits_chain(const struct index *ix, uint64_t hash) MUST_USE;

/* --- Resizing --- */

/* How many buckets it should have for the items in it now; TO where it need not change. */
uint64_t index_wanted(const struct index *ix) MUST_USE;
/* Memory that it takes with BUCKETS, nodes included. */
uint64_t index_bytes(const struct index *ix, uint64_t buckets) MUST_USE;
/* Memory that it takes now. */
uint64_t index_bytes_now(const struct index *ix) MUST_USE;
/* Likewise once what it has to spare was given back, about. */
uint64_t index_bytes_ideal(const struct index *ix) MUST_USE;
/* Whether it is about to give memory back. */
bool index_is_shrinking(const struct index *ix) MUST_USE;
/* Likewise with one more item of HASH, which may take a new node. */
uint64_t index_bytes_with_item(const struct index *ix, uint64_t hash) MUST_USE;
/* Begin to resize. BUG unless the last resizing is done. */
void index_resize(struct index *ix, uint64_t buckets);
static inline bool
index_is_resizing(const struct index *ix)
{
    return ix->from != ix->to;
}
/* Move COUNT buckets, or give a piece of memory back. False when nothing is left to do. */
bool index_step(struct index *ix, unsigned count);

/* --- Walking in order of the hash --- */

/*
 * The first hash of the bucket after that of HASH, whatever form it is in; 0
 * behind the last.
 */
uint64_t index_next_hash(const struct index *ix, uint64_t hash) MUST_USE;
