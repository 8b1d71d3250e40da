/*
 * src/store/index_priv.h - from a key's hash to the location of its record.
 *
 * A bucket is one cache line with 10 slots of 6 bytes; what does not fit hangs on it in nodes of 4:
 *
 *     bucket | link 4 | metas 10 * 2 | locs 10 * 4 |
 *     node   | link 4 | metas  4 * 2 | locs  4 * 4 | unused 4 |    link: number + 1 of the next node
 *
 *                       meta                             loc
 *     slot   | item 1 | tag 15 - H | location high H |  location low 32  |
 *     ghost  |      0 | tag 15 - H |               0 | more of the hash 12 | when 19 | kind 1 |
 *     empty  |      0 |          0 |               0 |                 0 |
 *
 * Locations have 32 + H bits: H is 0 up to 4 GB of segments, and 6 at most.
 *
 * The first pos_bits of a hash are its position. The bucket is the position's share of the number
 * of buckets (a multiplication, so any number will do), the tag its low bits. There are so
 * many buckets that bucket and tag together give the position back: the table is resized without
 * looking at a single record. When it has grown a hundredfold, few bits of the tag are left that
 * the bucket does not say already: then one resizing looks at the records, and pos_bits grow.
 *
 * Number of buckets, pos_bits and H are the form. Resizing goes in place, a few buckets at a time,
 * from one form to another: upwards (more buckets, or a longer position) from the last bucket down (what
 * leaves bucket b goes to b or above), downwards (fewer buckets, a shorter position, or a larger H)
 * from the first up.
 *
 *     upwards    | old form     | moved, new form                     |
 *                0              frontier        from                  to
 *
 * A slot of an evicted item may stay as a ghost: the policy's memory of keys
 * that went too early. Ghosts only use slots of buckets that no item needs. Of their hash they keep
 * more than an item does, since there is no key to compare; when they were made is counted
 * in steps of 16, from 1 on.
 *
 * Buckets grow from the mapping's beginning, nodes from its end.
 */
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/invariant.h"
#include "lombard/base/place.h"
#include "memory_priv.h"

enum {
    BUCKET_SLOTS = 10,
    BUCKET_BYTES = 64,
    NODE_SLOTS = 4,
    NODE_BYTES = 32,
    META_ITEM = 1 << 15,
    META_TAG_BITS = 15, /* less those of the location */
    LOC_LOW_BITS = 32,
    LOC_HIGH_BITS_MAX = 6,
};
#define INDEX_LOC_BITS_MAX (LOC_LOW_BITS + LOC_HIGH_BITS_MAX)

struct bucket {
    uint32_t link;
    uint16_t metas[BUCKET_SLOTS];
    uint32_t locs[BUCKET_SLOTS];
};
struct node {
    uint32_t link;
    uint16_t metas[NODE_SLOTS];
    uint32_t locs[NODE_SLOTS];
    uint32_t unused;
};
_Static_assert(sizeof(struct bucket) == BUCKET_BYTES, "a bucket is a cache line");
_Static_assert(sizeof(struct node) == NODE_BYTES, "a node is half of one");

/*
 * A position times a number of buckets has 64 bits. Beyond that chains get longer: that
 * is at 5 billion items.
 */
enum { POS_BITS_MAX = 35 };
#define INDEX_BUCKETS_MAX ((UINT64_C(1) << (64 - POS_BITS_MAX)) - 1)

struct form {
    uint64_t buckets;
    uint8_t pos_shift; /* hash to position */
    uint8_t pos_bits;
    uint8_t high_bits; /* H */
};

struct index {
    struct bucket *buckets;
    struct form from; /* that lookups try first */
    struct form to;   /* that it is being resized to, or FROM */
    bool resizing;
    bool upwards;      /* it is being resized so */
    uint8_t high_bits; /* H that it must have as soon as possible */
    uint64_t moved;    /* first bucket of FROM in the new form */
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
    bool in_file;        /* where its memory comes from */
    bool huge;           /* where it is large, it grows in whole huge pages */
    uint32_t departures; /* odd: two for each location that has left it; see index_seen() */
};
/* From so many bytes on of buckets, or of nodes, these do. */
enum { INDEX_HUGE_MIN = 2 * 1024 * 1024, INDEX_NODES_HUGE_MIN = 8 * 1024 * 1024 };
#define INDEX_NO_COMPACTION UINT64_MAX

/*
 * MAP_BYTES of MEMORY bound what index_limit() will allow. False when there is no address
 * space. It has no space until index_limit().
 */
bool index_init(struct index *ix, struct memory *memory, size_t map_bytes) MUST_USE;
/* Address space for one whose map_bytes are known. False when there is none. */
bool index_map(struct index *ix, struct memory *memory) MUST_USE;
void index_fini(struct index *ix);
/*
 * From now on it may take BYTES_MAX, at most what it was made for; what it has beyond that stays.
 * False, and nothing changes, when the kernel refuses.
 */
bool index_limit(struct index *ix, size_t bytes_max) MUST_USE;
/* There are going to be locations up to LOC_END, at most 2^INDEX_LOC_BITS_MAX. */
void index_limit_locs(struct index *ix, uint64_t loc_end);
/* Locations below this one can be put: all, but for the time that index_step() takes to make it so. */
uint64_t index_loc_end(const struct index *ix) MUST_USE;

/* --- Slots --- */

/* One slot, in a bucket or node of a form with HIGH_BITS. */
struct slot {
    uint16_t *meta;
    uint32_t *loc;
    unsigned high_bits;
};

/* The slots of a bucket or of a node. */
struct slots {
    uint16_t *metas;
    uint32_t *locs;
    uint32_t *link;
    unsigned count;
};

/* Where a hash belongs: the bucket, and the meta that its items have there but for the location. */
struct home {
    struct bucket *bucket;
    unsigned meta;
    unsigned high_bits;
};

static inline unsigned
meta_of(const struct form *form, uint64_t pos)
{
    return ((unsigned)pos << form->high_bits | META_ITEM) & UINT16_MAX;
}

static inline struct home
index_home(const struct index *ix, uint64_t hash)
{
    const struct form *form = &ix->from;
    uint64_t pos = hash >> form->pos_shift;
    uint64_t bucket = (pos * form->buckets) >> form->pos_bits;

    if (UNLIKELY(bucket - ix->moved < ix->moved_count)) {
        form = &ix->to;
        pos = hash >> form->pos_shift;
        bucket = (pos * form->buckets) >> form->pos_bits;
    }
    return (struct home){ix->buckets + bucket, meta_of(form, pos), form->high_bits};
}

static inline struct node *
index_node(const struct index *ix, uint64_t number)
{
    return (struct node *)(void *)(ix->end - (number + 1) * NODE_BYTES);
}

/* Fetch the first node of the chain of HASH, whose bucket was fetched. */
static inline void
index_prefetch_chain(const struct index *ix, uint64_t hash)
{
    uint32_t link = index_home(ix, hash).bucket->link;

    if (link != 0)
        PREFETCH(index_node(ix, link - UINT64_C(1)));
}

static inline struct slots
bucket_slots(struct bucket *bucket)
{
    return (struct slots){bucket->metas, bucket->locs, &bucket->link, BUCKET_SLOTS};
}

static inline struct slots
node_slots(struct node *node)
{
    return (struct slots){node->metas, node->locs, &node->link, NODE_SLOTS};
}

/* The slots of a chain: SLOTS are its bucket's, then those of each node, until it is false. */
static inline bool
slots_next(const struct index *ix, struct slots *slots)
{
    uint32_t link = *slots->link;

    if (link == 0)
        return false;
    *slots = node_slots(index_node(ix, link - 1));
    return true;
}

static inline bool
meta_is_item(unsigned meta)
{
    return (meta & META_ITEM) != 0;
}

static inline uint64_t
slot_loc(unsigned meta, uint32_t loc, unsigned high_bits)
{
    return (uint64_t)(meta & ((1U << high_bits) - 1)) << LOC_LOW_BITS | loc;
}

static inline uint64_t
slots_loc(const struct slots *slots, unsigned i, unsigned high_bits)
{
    return slot_loc(slots->metas[i], slots->locs[i], high_bits);
}

/*
 * A location that was seen in the index is that of a live item until it leaves: because the item moves, or goes.
 * Whatever else happens to slots and buckets is the same to it. So what was seen is believed as long as
 * none has left, and not at all afterwards. (That 2^31 leave meanwhile takes longer than a request is kept.)
 */
static inline struct place
index_seen(const struct index *ix, uint64_t loc)
{
    return (struct place){loc, ix->departures};
}

static inline bool
index_believes(const struct index *ix, const struct place *place)
{
    return place->as_of == ix->departures;
}

/* A location is about to leave. */
static inline void
index_depart(struct index *ix)
{
    ix->departures += 2;
}

/* Let the item of SLOT be at LOC. */
static inline void
index_move(struct index *ix, const struct slot *slot, uint64_t loc)
{
    unsigned meta = *slot->meta;

    index_depart(ix);
    if (BROKEN(loc >> (LOC_LOW_BITS + slot->high_bits) != 0))
        return; /* the next lookup finds what is dead there */
    *slot->meta = (uint16_t)((meta >> slot->high_bits << slot->high_bits) |
                             (unsigned)(loc >> LOC_LOW_BITS));
    *slot->loc = (uint32_t)loc;
}

#ifdef __SSE2__
/* A bit for each of a bucket's metas; FIRST has what was found of the first eight, LAST of the last. */
static inline unsigned
bucket_mask(__m128i first, __m128i last)
{
    unsigned mask = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(first, last));

    return (mask & 0xff) | (mask >> 6 & 0x300);
}
#endif

/* Bit I for each of the slots that hold an item under the tag of META. */
static inline unsigned
bucket_matches(const struct bucket *bucket, unsigned meta, unsigned high_bits)
{
#ifdef __SSE2__
    __m128i shift = _mm_cvtsi32_si128((int)high_bits);
    __m128i want = _mm_set1_epi16((short)(meta >> high_bits));
    __m128i first = _mm_loadu_si128((const __m128i *)(const void *)bucket->metas);
    __m128i last = _mm_loadu_si128((const __m128i *)(const void *)(bucket->metas + 2));

    return bucket_mask(_mm_cmpeq_epi16(_mm_srl_epi16(first, shift), want),
                       _mm_cmpeq_epi16(_mm_srl_epi16(last, shift), want));
#else
    unsigned mask = 0;

    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        mask |= (unsigned)((bucket->metas[i] ^ meta) >> high_bits == 0) << i;
    return mask;
#endif
}

/* Bit I for each of the slots without an item: empty ones, and ghosts. */
static inline unsigned
bucket_vacant(const struct bucket *bucket)
{
    enum { ALL = (1 << BUCKET_SLOTS) - 1 };
#ifdef __SSE2__
    return ALL ^
           bucket_mask(_mm_loadu_si128((const __m128i *)(const void *)bucket->metas),
                       _mm_loadu_si128((const __m128i *)(const void *)(bucket->metas + 2)));
#else
    unsigned mask = 0;

    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        mask |= (unsigned)meta_is_item(bucket->metas[i]) << i;
    return ALL ^ mask;
#endif
}

/* The same of slots of any kind. */
static inline unsigned
slots_matches(const struct slots *slots, unsigned meta, unsigned high_bits)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < slots->count; i++)
        mask |= (unsigned)((slots->metas[i] ^ meta) >> high_bits == 0) << i;
    return mask;
}

/* --- index.c --- */

/* The slot of the item at LOC. False when there is none. */
bool index_find(const struct index *ix, uint64_t hash, uint64_t loc,
                struct slot *slot) MUST_USE;
/* Whether one more item can be put. */
bool index_has_space(const struct index *ix) MUST_USE;
/* Put an item. BUG without index_has_space(). May replace its key's ghost. */
void index_put(struct index *ix, uint64_t hash, uint64_t loc);
/* Empty SLOT, of the chain of HASH. Other slots of the chain may move. */
void index_remove(struct index *ix, uint64_t hash, const struct slot *slot);
/* Likewise, but remember the key as a ghost of KIND (0 or 1) where that costs nothing. */
void index_remove_to_ghost(struct index *ix, uint64_t hash, const struct slot *slot,
                           unsigned kind);
/* Whether the key was made a ghost less than about AGE ghosts ago; then *KIND is set. */
bool index_has_ghost(const struct index *ix, uint64_t hash, uint64_t age,
                     unsigned *kind) MUST_USE;

/* --- index_nodes.c --- */

/* How many more there may be, made or free. */
uint64_t index_nodes_left(const struct index *ix) MUST_USE;
/* A link to an empty node. BUG without one left. */
uint32_t index_node_make(struct index *ix) MUST_USE;
void index_node_release(struct index *ix, uint32_t link);
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

/* Put a slot of META and LOC into BUCKET: of a new item, or of one that moves. HIGH_BITS are the bucket's. */
void index_put_slot(struct index *ix, const struct home *home, unsigned meta, uint32_t loc);
/* Whether an item of HASH finds a slot in the chain that there is. */
bool index_fits_chain(const struct index *ix, uint64_t hash) MUST_USE;
/* The narrowest form for so many BUCKETS: as long a position as tags of HIGH_BITS give back. */
struct form index_form(uint64_t buckets, unsigned high_bits) MUST_USE;

/* --- Resizing --- */

/* How many buckets it should have for the items in it now; as it has where it need not change. */
uint64_t index_wanted(const struct index *ix) MUST_USE;
/* Whether its locations have to become longer. */
bool index_is_narrow(const struct index *ix) MUST_USE;
/* Memory that it takes with BUCKETS, nodes included. */
uint64_t index_bytes(const struct index *ix, uint64_t buckets) MUST_USE;
/* Of that, what its nodes take. */
uint64_t index_node_bytes_now(const struct index *ix) MUST_USE;
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
    return ix->resizing;
}

/* HASHES of the keys of COUNT items at LOCS, at most BUCKET_SLOTS. */
typedef void index_hashes_fn(const void *ctx, const uint64_t *locs, unsigned count,
                             uint64_t *hashes);
/*
 * Move about COUNT buckets, or give a piece of memory back; of items whose position gets longer
 * HASHES_OF tells the hash. False when nothing is left to do.
 */
bool index_step(struct index *ix, unsigned count, index_hashes_fn *hashes_of, const void *ctx);

/* --- Walking in order of the hash --- */

/*
 * The first hash of the bucket after that of HASH, whatever form it is in; 0
 * behind the last.
 */
uint64_t index_next_hash(const struct index *ix, uint64_t hash) MUST_USE;
