/* The index grows and shrinks in place, a few buckets at a time. */
#include "index_priv.h"

#include <string.h>

/*
 * Items a bucket at which the table grows, in eighths, and by which part: with nodes of 4 an item costs
 * 10.5 bytes at 8 items a bucket, and 11.1 after growing by a twelfth, of which a part are nodes that
 * become free and are used again. The buckets that one write moves (commit.c) must be so many
 * that growing ends before the next begins.
 */
enum { LOAD_MAX_8THS = 64, STEP_DIVISOR = 12 };
/*
 * It shrinks, in one go however far, when so few are left that it will not have to grow soon;
 * where it is to be tight, earlier and further.
 */
enum { LOAD_MIN_8THS = 32, ITEMS_AFTER_SHRINKING = 5 };
enum { LOAD_TIGHT_8THS = 48, ITEMS_AFTER_TIGHTENING = 7 };
enum { IDEAL_BYTES_PER_ITEM = 11 };
/* Given back in one step after shrinking: a discard of this size takes some 20 us. */
enum { DISCARD_BYTES = 256 * 1024, PAGE_BYTES = 4096 };
/* Memory of nodes is accounted in pieces of this. */
enum { NODES_CHUNK_BYTES = 4096 };

uint64_t
index_wanted(const struct index *ix)
{
    if (ix->from != ix->to || index_is_compacting(ix))
        return ix->to;
    if (ix->count * 8 > ix->to * LOAD_MAX_8THS) {
        uint64_t more = ix->to + ix->to / STEP_DIVISOR;

        if (more > INDEX_BUCKETS_MAX)
            more = INDEX_BUCKETS_MAX;
        return index_bytes(ix, more) <= ix->bytes_max ? more : ix->to;
    }
    if (ix->count * 8 < ix->to * (ix->tight ? LOAD_TIGHT_8THS : LOAD_MIN_8THS) &&
        ix->to > ix->min) {
        uint64_t fewer =
            ix->count / (ix->tight ? ITEMS_AFTER_TIGHTENING : ITEMS_AFTER_SHRINKING);

        return fewer < ix->min ? ix->min : fewer;
    }
    return ix->to;
}

uint64_t
index_bytes_ideal(const struct index *ix)
{
    uint64_t ideal = ix->min * BUCKET_BYTES + ix->count * IDEAL_BYTES_PER_ITEM;
    uint64_t now = index_bytes_now(ix);

    return ideal < now ? ideal : now;
}

bool
index_is_shrinking(const struct index *ix)
{
    uint64_t spare = (ix->resident - ix->to) * BUCKET_BYTES;

    return ix->to < ix->from || index_is_compacting(ix) || spare >= PAGE_BYTES ||
           ix->nodes_resident - ix->node_count >= PAGE_BYTES / NODE_BYTES;
}

uint64_t
index_bytes(const struct index *ix, uint64_t buckets)
{
    uint64_t nodes = ix->nodes_resident * NODE_BYTES + NODES_CHUNK_BYTES - 1;

    if (buckets < ix->resident)
        buckets = ix->resident;
    return buckets * BUCKET_BYTES + nodes - nodes % NODES_CHUNK_BYTES;
}

uint64_t
index_bytes_now(const struct index *ix)
{
    return index_bytes(ix, ix->resident);
}

uint64_t
index_bytes_with_item(const struct index *ix, uint64_t hash)
{
    uint64_t nodes = ix->nodes_resident * NODE_BYTES;

    if (ix->nodes_used < ix->nodes_resident || nodes % NODES_CHUNK_BYTES != 0 ||
        index_fits_chain(ix, hash))
        return index_bytes_now(ix);
    return index_bytes_now(ix) + NODES_CHUNK_BYTES;
}

void
index_resize(struct index *ix, uint64_t buckets)
{
    if (BROKEN(index_is_resizing(ix) || buckets < ix->min || buckets > INDEX_BUCKETS_MAX))
        return;
    ix->to = buckets;
    ix->moved = buckets > ix->from ? ix->from : 0;
    ix->moved_count = 0;
    if (buckets > ix->resident)
        ix->resident = buckets;
}

/* The first position that belongs to BUCKET of BUCKETS. */
static uint64_t
first_pos(const struct index *ix, uint64_t bucket, uint64_t buckets)
{
    return ((bucket << ix->pos_bits) + buckets - 1) / buckets;
}

/* Where SLOT belongs in the new form; FIRST is the first position of its old bucket. */
static uint64_t *
new_home(const struct index *ix, uint64_t slot, uint64_t first)
{
    uint64_t tag = slot >> TAG_SHIFT;
    uint64_t pos = first + ((tag - first) & ((UINT64_C(1) << TAG_BITS) - 1));

    return ix->buckets + ((pos * ix->to) >> ix->pos_bits) * BUCKET_SLOTS;
}

static void
move_item(struct index *ix, uint64_t slot, uint64_t first)
{
    index_put_slot(ix, new_home(ix, slot, first), slot);
}

static void
move_ghost(struct index *ix, uint64_t slot, uint64_t first)
{
    uint64_t *home = new_home(ix, slot, first);

    for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
        if (home[i] == 0) {
            home[i] = slot;
            return;
        }
    }
}

/*
 * Take a bucket of the old form apart and put what was in it where it belongs.
 * Ghosts come last and only into what stays empty: an item that came after them
 * would displace them anyway.
 */
static void
move_bucket(struct index *ix, uint64_t bucket)
{
    uint64_t first = first_pos(ix, bucket, ix->from);
    uint64_t *home = ix->buckets + bucket * BUCKET_SLOTS;
    uint64_t slots[BUCKET_SLOTS];
    uint64_t link;

    memcpy(slots, home, sizeof(slots));
    memset(home, 0, sizeof(slots));
    link = slots[BUCKET_SLOTS - 1];
    if ((link & SLOT_LINK) != 0)
        slots[BUCKET_SLOTS - 1] = 0;
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        if (slots[i] != 0 && (slots[i] & SLOT_GHOST) == 0)
            move_item(ix, slots[i], first);
    while ((link & SLOT_LINK) != 0) {
        memcpy(slots, index_node(ix, link), NODE_BYTES);
        index_node_release(ix, link);
        link = slots[NODE_SLOTS - 1];
        for (unsigned i = 0; i < NODE_SLOTS; i++)
            if (slots[i] != 0 && (slots[i] & SLOT_LINK) == 0)
                move_item(ix, slots[i], first);
        memset(slots, 0, sizeof(slots));
    }
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        if ((slots[i] & SLOT_GHOST) != 0)
            move_ghost(ix, slots[i], first);
}

static bool
give_back(struct index *ix)
{
    char *base = (char *)ix->buckets;
    size_t keep = (size_t)ix->to * BUCKET_BYTES;
    size_t end = (size_t)ix->resident * BUCKET_BYTES;
    size_t begin;

    keep = (keep + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    if (end <= keep)
        return false;
    begin = end - keep > DISCARD_BYTES ? end - DISCARD_BYTES : keep;
    begin &= ~(size_t)(PAGE_BYTES - 1);
    memory_discard(ix->in_file, base + begin,
                   ((end + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1)) - begin);
    ix->resident = begin / BUCKET_BYTES;
    return ix->resident * BUCKET_BYTES > keep;
}

bool
index_step(struct index *ix, unsigned count)
{
    bool growing = ix->to > ix->from;

    if (!index_is_resizing(ix))
        return give_back(ix) || index_compact_step(ix, count);
    for (; count > 0 && ix->moved_count < ix->from; count--) {
        if (growing) {
            ix->moved--;
            move_bucket(ix, ix->moved);
        } else {
            move_bucket(ix, ix->moved_count);
        }
        ix->moved_count++;
    }
    if (ix->moved_count == ix->from) {
        ix->from = ix->to;
        ix->moved = ix->moved_count = 0;
    }
    return true;
}

/* --- Walking --- */

uint64_t
index_next_hash(const struct index *ix, uint64_t hash)
{
    uint64_t pos = index_pos(ix, hash);
    uint64_t buckets = ix->from;
    uint64_t bucket = (pos * buckets) >> ix->pos_bits;
    uint64_t next;

    if (bucket - ix->moved < ix->moved_count) {
        buckets = ix->to;
        bucket = (pos * buckets) >> ix->pos_bits;
    }
    next = first_pos(ix, bucket + 1, buckets);
    /* The form may change within a bucket of either form: never step over the frontier. */
    if (buckets != ix->from || index_is_resizing(ix)) {
        uint64_t frontier = ix->to > ix->from ? ix->moved : ix->moved_count;
        uint64_t edge = first_pos(ix, frontier, ix->from);

        if (pos < edge && edge < next)
            next = edge;
    }
    return next >> ix->pos_bits != 0 ? 0 : next << ix->pos_shift;
}
