/* The index: slots of buckets, and of the nodes that are linked to them. */
#include "index_priv.h"

#include <string.h>

/* Nodes kept back so that resizing, which may need one before it frees one, never fails. */
enum { NODES_RESERVED = 64 };
#ifndef STORE_POS_BITS_MIN /* fewer where tests make the index tiny */
#define STORE_POS_BITS_MIN 32
#endif
enum { POS_BITS_MIN = STORE_POS_BITS_MIN };
/* Eight bits of the tag beyond what the bucket says keep false matches rare. */
enum { POS_BITS_MORE = 8 };
enum { PAGE_BYTES = 4096 };

static unsigned
log2_floor(uint64_t v)
{
    return 63U - (unsigned)__builtin_clzll(v | 1);
}

bool
index_map(struct index *ix, struct memory *memory)
{
    char *mem = memory_take(memory, ix->map_bytes);

    if (mem == NULL)
        return false;
    ix->in_file = memory_is_file(memory);
    ix->buckets = (uint64_t *)(void *)mem;
    ix->end = mem + ix->map_bytes;
    return true;
}

bool
index_init(struct index *ix, struct memory *memory, size_t map_bytes, uint64_t items_max)
{
    unsigned bits = log2_floor(items_max / 7 + 1) + 1;

    memset(ix, 0, sizeof(*ix));
    ix->pos_bits = bits + POS_BITS_MORE;
    if (ix->pos_bits < POS_BITS_MIN)
        ix->pos_bits = POS_BITS_MIN;
    if (ix->pos_bits > POS_BITS_MAX)
        ix->pos_bits = POS_BITS_MAX;
    ix->map_bytes = map_bytes & ~(size_t)(PAGE_BYTES - 1);
    ix->pos_shift = 64 - ix->pos_bits;
    ix->min = UINT64_C(1) << (ix->pos_bits - TAG_BITS);
    ix->from = ix->to = ix->resident = ix->min;
    ix->node_keep = INDEX_NO_COMPACTION;
    return index_map(ix, memory);
}

void
index_fini(struct index *ix)
{
    memory_give(ix->buckets, ix->map_bytes);
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

bool
index_has_space(const struct index *ix)
{
    return index_nodes_left(ix) > NODES_RESERVED;
}

/* --- Slots of one chain --- */

uint64_t *
index_find(const struct index *ix, uint64_t hash, uint64_t loc)
{
    uint64_t want = index_tag(ix, hash) | (loc + 1);

    for (struct chain c = chain_begin(index_home(ix, hash)); c.slot != NULL; chain_next(ix, &c))
        if (*c.slot == want)
            return c.slot;
    return NULL;
}

static uint64_t
ghost_age(const struct index *ix, uint64_t slot)
{
    return (ix->ghost_clock - (slot >> 1)) & (SLOT_LOC >> 1);
}

static bool
slot_is_ghost(uint64_t slot)
{
    return (slot & (SLOT_LINK | SLOT_GHOST)) == SLOT_GHOST;
}

bool
index_has_ghost(const struct index *ix, uint64_t hash, uint64_t age, unsigned *kind)
{
    const uint64_t *home = index_home(ix, hash);
    uint64_t tag = index_tag(ix, hash);

    for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
        if (slot_is_ghost(home[i]) && (home[i] & SLOT_TAG) == tag) {
            *kind = home[i] & 1;
            return ghost_age(ix, home[i]) < age;
        }
    }
    return false;
}

/* The slot of a bucket that a new item with TAG may have: its own ghost's, an empty one, or
 * the oldest ghost's. */
static uint64_t *
home_vacancy(const struct index *ix, uint64_t *home, uint64_t tag)
{
    uint64_t *best = NULL;
    uint64_t best_age = 0;

    for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
        uint64_t age;

        if (home[i] == 0) {
            age = UINT64_MAX - 1;
        } else if (slot_is_ghost(home[i])) {
            age = (home[i] & SLOT_TAG) == tag ? UINT64_MAX : ghost_age(ix, home[i]) + 1;
        } else {
            continue;
        }
        if (age > best_age) {
            best_age = age;
            best = home + i;
        }
    }
    return best;
}

/* Hang VALUE on a bucket that is full. */
static void
chain_extend(struct index *ix, uint64_t *home, uint64_t value)
{
    uint64_t *last = home + BUCKET_SLOTS - 1;
    uint64_t link;
    uint64_t *node;

    while ((*last & SLOT_LINK) != 0) {
        node = index_node(ix, *last);
        for (unsigned i = 0; i < NODE_SLOTS; i++) {
            if (node[i] == 0) {
                node[i] = value;
                return;
            }
        }
        last = node + NODE_SLOTS - 1;
    }
    if (BROKEN(index_nodes_left(ix) == 0))
        return; /* the item cannot be found any more: a miss */
    link = index_node_make(ix);
    node = index_node(ix, link);
    node[0] = *last;
    node[1] = value;
    *last = link;
}

void
index_put_slot(struct index *ix, uint64_t *home, uint64_t value)
{
    uint64_t *slot = home_vacancy(ix, home, value & SLOT_TAG);

    if (slot != NULL)
        *slot = value;
    else
        chain_extend(ix, home, value);
}

bool
index_fits_chain(const struct index *ix, uint64_t hash)
{
    uint64_t *home = index_home(ix, hash);

    if (home_vacancy(ix, home, index_tag(ix, hash)) != NULL)
        return true;
    for (struct chain c = chain_begin(home); c.slot != NULL; chain_next(ix, &c))
        if (*c.slot == 0)
            return true;
    return false;
}

void
index_put(struct index *ix, uint64_t hash, uint64_t loc)
{
    if (BROKEN(loc > INDEX_LOC_MAX))
        return;
    index_put_slot(ix, index_home(ix, hash), index_tag(ix, hash) | (loc + 1));
    ix->count++;
}

/* Fill the hole at SLOT with the chain's last, so that chains stay dense and short. */
static void
chain_remove(struct index *ix, uint64_t *home, uint64_t *slot)
{
    uint64_t *last = home + BUCKET_SLOTS - 1;
    uint64_t *link = NULL;
    uint64_t *node;
    unsigned i;

    while ((*last & SLOT_LINK) != 0) {
        link = last;
        last = index_node(ix, *last) + NODE_SLOTS - 1;
    }
    if (link == NULL) {
        *slot = 0;
        return;
    }
    node = last - (NODE_SLOTS - 1);
    for (i = NODE_SLOTS - 1; i > 0 && node[i] == 0; i--)
        continue;
    *slot = node[i];
    node[i] = 0;
    if (i == 0) {
        index_node_release(ix, *link);
        *link = 0;
    }
}

void
index_remove(struct index *ix, uint64_t hash, uint64_t *slot)
{
    chain_remove(ix, index_home(ix, hash), slot);
    ix->count--;
}

void
index_remove_to_ghost(struct index *ix, uint64_t hash, uint64_t *slot, unsigned kind)
{
    uint64_t *home = index_home(ix, hash);
    uint64_t when = ix->ghost_clock++ << 1 & SLOT_LOC;

    if ((home[BUCKET_SLOTS - 1] & SLOT_LINK) == 0)
        *slot = index_tag(ix, hash) | SLOT_GHOST | when | kind;
    else
        chain_remove(ix, home, slot);
    ix->count--;
}
