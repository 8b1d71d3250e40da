/* The index: slots of buckets, and of the nodes that are linked to them. */
#include "index_priv.h"

#include <string.h>

/* Nodes kept back so that resizing, which may need one before it frees one, never fails. */
enum { NODES_RESERVED = 64 };
#ifndef STORE_BUCKETS_MIN /* fewer where tests make the index tiny */
#define STORE_BUCKETS_MIN 256
#endif
enum { BUCKETS_MIN = STORE_BUCKETS_MIN };
enum { PAGE_BYTES = 4096 };

static unsigned
log2_floor(uint64_t v)
{
    return 63U - (unsigned)__builtin_clzll(v | 1);
}

struct form
index_form(uint64_t buckets, unsigned high_bits)
{
    unsigned bits = log2_floor(buckets) + META_TAG_BITS - high_bits;

    if (bits > POS_BITS_MAX)
        bits = POS_BITS_MAX;
    return (struct form){buckets, (uint8_t)(64 - bits), (uint8_t)bits, (uint8_t)high_bits};
}

bool
index_map(struct index *ix, struct memory *memory)
{
    char *mem = memory_take(memory, ix->map_bytes);

    if (mem == NULL)
        return false;
    ix->in_file = memory_is_file(memory);
    ix->buckets = (struct bucket *)(void *)mem;
    ix->end = mem + ix->map_bytes;
    ix->departures |= 1;
    return true;
}

bool
index_init(struct index *ix, struct memory *memory, size_t map_bytes)
{
    memset(ix, 0, sizeof(*ix));
    ix->map_bytes = (map_bytes + MEMORY_AREA_BYTES - 1) / MEMORY_AREA_BYTES * MEMORY_AREA_BYTES;
    ix->min = ix->resident = BUCKETS_MIN;
    ix->from = ix->to = index_form(BUCKETS_MIN, 0);
    ix->ghost_clock = 1;
    ix->node_keep = INDEX_NO_COMPACTION;
    return index_map(ix, memory);
}

void
index_fini(struct index *ix)
{
    memory_give(ix->in_file, ix->buckets, ix->map_bytes);
}

bool
index_limit(struct index *ix, size_t bytes_max)
{
    bytes_max = (bytes_max + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    if (bytes_max > ix->map_bytes)
        bytes_max = ix->map_bytes;
    if (bytes_max > ix->bytes_open) {
        if (!memory_allow(ix->in_file, ix->buckets, bytes_max) ||
            !memory_allow(ix->in_file, ix->end - bytes_max, bytes_max))
            return false;
        ix->bytes_open = bytes_max;
    }
    ix->bytes_max = bytes_max;
    return true;
}

void
index_limit_locs(struct index *ix, uint64_t loc_end)
{
    unsigned bits = loc_end > 1 ? log2_floor(loc_end - 1) + 1 : 0;
    unsigned high_bits = bits > LOC_LOW_BITS ? bits - LOC_LOW_BITS : 0;

    if (BROKEN(high_bits > LOC_HIGH_BITS_MAX) || high_bits <= ix->high_bits)
        return;
    ix->high_bits = (uint8_t)high_bits;
    if (ix->count == 0 && ix->ghost_clock == 1 && !ix->resizing) /* nothing was ever in it */
        ix->from = ix->to = index_form(ix->from.buckets, high_bits);
}

uint64_t
index_loc_end(const struct index *ix)
{
    return UINT64_C(1) << (LOC_LOW_BITS + ix->from.high_bits);
}

bool
index_has_space(const struct index *ix)
{
    return index_nodes_left(ix) > NODES_RESERVED;
}

/* --- Slots of one chain --- */

static struct slot
slot_at(const struct slots *slots, unsigned i, unsigned high_bits)
{
    return (struct slot){slots->metas + i, slots->locs + i, high_bits};
}

bool
index_find(const struct index *ix, uint64_t hash, uint64_t loc, struct slot *slot)
{
    struct home home = index_home(ix, hash);
    unsigned meta = home.meta | (unsigned)(loc >> LOC_LOW_BITS);
    struct slots slots = bucket_slots(home.bucket);

    do {
        for (unsigned i = 0; i < slots.count; i++) {
            if (slots.locs[i] == (uint32_t)loc && slots.metas[i] == meta) {
                *slot = slot_at(&slots, i, home.high_bits);
                return true;
            }
        }
    } while (slots_next(ix, &slots));
    return false;
}

/* Of a ghost's second word: one bit for the kind, these for when it was made, the rest of the hash. */
enum { WHEN_SHIFT = 1, WHEN_BITS = 19, CHECK_SHIFT = WHEN_SHIFT + WHEN_BITS, STEP_SHIFT = 4 };
enum { WHEN_MASK = (1 << WHEN_BITS) - 1 };

static uint32_t
ghost_now(const struct index *ix)
{
    uint32_t when = (uint32_t)(ix->ghost_clock >> STEP_SHIFT) & WHEN_MASK;

    return when != 0 ? when : 1;
}

static uint32_t
ghost_age(const struct index *ix, uint32_t ghost)
{
    return ((ghost_now(ix) - (ghost >> WHEN_SHIFT)) & WHEN_MASK) << STEP_SHIFT;
}

/* Its bits of the hash are those that no position has. */
static uint32_t
ghost_check(uint64_t hash)
{
    return (uint32_t)hash << CHECK_SHIFT;
}

bool
index_has_ghost(const struct index *ix, uint64_t hash, uint64_t age, unsigned *kind)
{
    struct home home = index_home(ix, hash);
    const struct bucket *bucket = home.bucket;

    for (unsigned vacant = bucket_vacant(bucket); vacant != 0; vacant &= vacant - 1) {
        unsigned i = (unsigned)__builtin_ctz(vacant);

        if (bucket->locs[i] != 0 && (bucket->metas[i] | META_ITEM) == home.meta &&
            bucket->locs[i] >> CHECK_SHIFT == ghost_check(hash) >> CHECK_SHIFT) {
            *kind = bucket->locs[i] & 1;
            return ghost_age(ix, bucket->locs[i]) < age;
        }
    }
    return false;
}

/*
 * The slot of its bucket that a new item may have: its own ghost's, an empty one, or the oldest
 * ghost's; BUCKET_SLOTS when there is none.
 */
static unsigned
vacancy(const struct index *ix, const struct home *home)
{
    const struct bucket *bucket = home->bucket;
    unsigned best = BUCKET_SLOTS;
    uint64_t best_age = 0;

    for (unsigned vacant = bucket_vacant(bucket); vacant != 0; vacant &= vacant - 1) {
        unsigned i = (unsigned)__builtin_ctz(vacant);
        uint64_t age = UINT64_MAX - 1;

        if (bucket->locs[i] != 0)
            age = (bucket->metas[i] | META_ITEM) == home->meta
                      ? UINT64_MAX
                      : ghost_age(ix, bucket->locs[i]) + UINT64_C(1);
        if (age > best_age) {
            best_age = age;
            best = i;
        }
    }
    return best;
}

/* Hang a slot of META and LOC on a bucket that is full. */
static void
chain_extend(struct index *ix, struct bucket *bucket, unsigned meta, uint32_t loc)
{
    struct slots slots = bucket_slots(bucket);
    unsigned i = BUCKET_SLOTS;

    while (i == slots.count && slots_next(ix, &slots))
        for (i = 0; i < slots.count && slots.metas[i] != 0; i++)
            continue;
    if (i == slots.count) {
        if (BROKEN(index_nodes_left(ix) == 0))
            return; /* the item cannot be found any more: a miss */
        *slots.link = index_node_make(ix);
        (void)slots_next(ix, &slots);
        i = 0;
    }
    slots.metas[i] = (uint16_t)meta;
    slots.locs[i] = loc;
}

void
index_put_slot(struct index *ix, const struct home *home, unsigned meta, uint32_t loc)
{
    unsigned i = vacancy(ix, home);

    if (UNLIKELY(i == BUCKET_SLOTS)) {
        chain_extend(ix, home->bucket, meta, loc);
        return;
    }
    home->bucket->metas[i] = (uint16_t)meta;
    home->bucket->locs[i] = loc;
}

bool
index_fits_chain(const struct index *ix, uint64_t hash)
{
    struct home home = index_home(ix, hash);
    struct slots slots = bucket_slots(home.bucket);

    if (bucket_vacant(home.bucket) != 0)
        return true;
    while (slots_next(ix, &slots))
        for (unsigned i = 0; i < slots.count; i++)
            if (slots.metas[i] == 0)
                return true;
    return false;
}

void
index_put(struct index *ix, uint64_t hash, uint64_t loc)
{
    struct home home = index_home(ix, hash);

    if (BROKEN(loc >= index_loc_end(ix)))
        return;
    index_put_slot(ix, &home, home.meta | (unsigned)(loc >> LOC_LOW_BITS), (uint32_t)loc);
    ix->count++;
}

/* Fill the hole at SLOT with the chain's last, so that chains stay dense and short. */
static void
chain_remove(struct index *ix, struct bucket *bucket, const struct slot *slot)
{
    struct slots last = bucket_slots(bucket);
    uint32_t *link = NULL;
    unsigned i = NODE_SLOTS;

    do {
        if (*last.link != 0)
            link = last.link;
    } while (slots_next(ix, &last));
    if (link == NULL) {
        *slot->meta = 0;
        *slot->loc = 0;
        return;
    }
    while (i > 1 && last.metas[i - 1] == 0)
        i--;
    *slot->meta = last.metas[i - 1];
    *slot->loc = last.locs[i - 1];
    last.metas[i - 1] = 0;
    last.locs[i - 1] = 0;
    if (i == 1) {
        index_node_release(ix, *link);
        *link = 0;
    }
}

void
index_remove(struct index *ix, uint64_t hash, const struct slot *slot)
{
    index_depart(ix);
    chain_remove(ix, index_home(ix, hash).bucket, slot);
    ix->count--;
}

void
index_remove_to_ghost(struct index *ix, uint64_t hash, const struct slot *slot, unsigned kind)
{
    struct home home = index_home(ix, hash);
    uint32_t when = ghost_now(ix);

    index_depart(ix);
    ix->ghost_clock++;
    ix->count--;
    if (home.bucket->link != 0) {
        chain_remove(ix, home.bucket, slot);
        return;
    }
    *slot->meta = (uint16_t)(home.meta & ~(unsigned)META_ITEM);
    *slot->loc = ghost_check(hash) | when << WHEN_SHIFT | kind;
}
