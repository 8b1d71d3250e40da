/* The index grows and shrinks in place, a few buckets at a time. */
#include "index_priv.h"

#include <string.h>

/*
 * Items a bucket at which the table grows, in eighths, and by which part: with nodes of 4 an item costs
 * 7.9 bytes at 10.5 items a bucket, and 8.2 after growing by a twelfth, of which a part are nodes that
 * become free and are used again. The buckets that one write moves (commit.c) must be so many
 * that growing ends before the next begins.
 */
enum { LOAD_MAX_8THS = 84, STEP_DIVISOR = 12 };
/*
 * It shrinks, in one go however far, when so few are left that it will not have to grow soon;
 * where it is to be tight, earlier and further.
 */
enum { LOAD_MIN_8THS = 42, ITEMS_AFTER_SHRINKING = 7 };
enum { LOAD_TIGHT_8THS = 64, ITEMS_AFTER_TIGHTENING = 9 };
enum { IDEAL_BYTES_PER_ITEM = 9 };
/*
 * So many bits of the tag beyond what the bucket says keep false matches rare (one in 20 lookups);
 * of tags that have hardly more anyway, so many fewer than all.
 */
enum { SPARE_BITS = 8, SPARE_BITS_LESS = 2 };
/* Moving a bucket whose records have to be read takes as long as moving so many others. */
enum { RECORDS_COST = 2 };
/* Given back in one step after shrinking: a discard of this size takes some 20 us. */
enum { DISCARD_BYTES = 256 * 1024, PAGE_BYTES = 4096 };
/* Memory of nodes is accounted in pieces of this, or in huge pages, of which one more is had that long before. */
enum { NODES_CHUNK_BYTES = 4096, NODES_AHEAD_BYTES = 512 * 1024 };

/* So many buckets, or a few more. */
static uint64_t
in_whole_blocks(const struct index *ix, uint64_t buckets)
{
    enum { BLOCK = MEMORY_AREA_BYTES / BUCKET_BYTES };

    if (!ix->huge || buckets * BUCKET_BYTES < INDEX_HUGE_MIN)
        return buckets;
    return (buckets + BLOCK - 1) / BLOCK * BLOCK;
}

uint64_t
index_wanted(const struct index *ix)
{
    uint64_t now = ix->to.buckets;

    if (ix->resizing || index_is_compacting(ix))
        return now;
    if (ix->count * 8 > now * LOAD_MAX_8THS && !index_is_narrow(ix)) {
        uint64_t more = now + now / STEP_DIVISOR;

        more = in_whole_blocks(ix, more);
        if (more > INDEX_BUCKETS_MAX)
            more = INDEX_BUCKETS_MAX;
        return index_bytes(ix, more) <= ix->bytes_max ? more : now;
    }
    if (ix->count * 8 < now * (ix->tight ? LOAD_TIGHT_8THS : LOAD_MIN_8THS) && now > ix->min) {
        uint64_t fewer =
            ix->count / (ix->tight ? ITEMS_AFTER_TIGHTENING : ITEMS_AFTER_SHRINKING);

        return fewer < ix->min ? ix->min : fewer;
    }
    return now;
}

bool
index_is_narrow(const struct index *ix)
{
    return ix->to.high_bits < ix->high_bits && !ix->resizing && !index_is_compacting(ix);
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
    uint64_t spare = (ix->resident - ix->to.buckets) * BUCKET_BYTES;

    return ix->to.buckets < ix->from.buckets || index_is_compacting(ix) ||
           spare >= PAGE_BYTES ||
           ix->nodes_resident - ix->node_count >= PAGE_BYTES / NODE_BYTES;
}

/* Memory that COUNT nodes are accounted with. */
static uint64_t
node_bytes(const struct index *ix, uint64_t count)
{
    uint64_t bytes = count * NODE_BYTES;
    uint64_t chunk = NODES_CHUNK_BYTES;

    if (ix->huge && bytes >= INDEX_NODES_HUGE_MIN) {
        bytes += NODES_AHEAD_BYTES;
        chunk = MEMORY_AREA_BYTES;
    }
    return (bytes + chunk - 1) / chunk * chunk;
}

uint64_t
index_node_bytes_now(const struct index *ix)
{
    return node_bytes(ix, ix->nodes_resident);
}

uint64_t
index_bytes(const struct index *ix, uint64_t buckets)
{
    if (buckets < ix->resident)
        buckets = ix->resident;
    return buckets * BUCKET_BYTES + index_node_bytes_now(ix);
}

uint64_t
index_bytes_now(const struct index *ix)
{
    return index_bytes(ix, ix->resident);
}

uint64_t
index_bytes_with_item(const struct index *ix, uint64_t hash)
{
    if (ix->nodes_used < ix->nodes_resident || index_fits_chain(ix, hash))
        return index_bytes_now(ix);
    return ix->resident * BUCKET_BYTES + node_bytes(ix, ix->nodes_resident + 1);
}

/* Whether a position of BITS says enough of an item that the bucket does not. */
static bool
is_long_enough(unsigned bits, uint64_t buckets, unsigned high_bits)
{
    unsigned spare = META_TAG_BITS - high_bits - SPARE_BITS_LESS;

    if (spare > SPARE_BITS)
        spare = SPARE_BITS;
    return bits >= POS_BITS_MAX || buckets <= UINT64_C(1) << (bits - spare);
}

void
index_resize(struct index *ix, uint64_t buckets)
{
    unsigned bits = ix->from.pos_bits;

    if (BROKEN(ix->resizing || index_is_compacting(ix) || buckets < ix->min ||
               buckets > INDEX_BUCKETS_MAX))
        return;
    ix->upwards = buckets > ix->from.buckets;
    ix->to = index_form(buckets, ix->upwards ? ix->from.high_bits : ix->high_bits);
    if (ix->upwards ? is_long_enough(bits, buckets, ix->to.high_bits)
                    : bits < ix->to.pos_bits) {
        ix->to.pos_bits = ix->from.pos_bits;
        ix->to.pos_shift = ix->from.pos_shift;
    }
    ix->resizing = true;
    ix->moved = ix->upwards ? ix->from.buckets : 0;
    ix->moved_count = 0;
    if (buckets > ix->resident)
        ix->resident = buckets;
}

/* --- Moving a bucket --- */

struct mover {
    struct index *ix;
    uint64_t first; /* position of the old bucket */
    index_hashes_fn *hashes_of;
    const void *ctx;
};

/* The first position that belongs to BUCKET of FORM. */
static uint64_t
first_pos(const struct form *form, uint64_t bucket)
{
    return ((bucket << form->pos_bits) + form->buckets - 1) / form->buckets;
}

/* The position of an item with META in the old form. */
static uint64_t
old_pos(const struct mover *mover, unsigned meta)
{
    unsigned high_bits = mover->ix->from.high_bits;
    uint64_t tag = (meta & (META_ITEM - 1)) >> high_bits;
    uint64_t mask = (UINT64_C(1) << (META_TAG_BITS - high_bits)) - 1;

    return mover->first + ((tag - mover->first) & mask);
}

static struct home
new_home(const struct index *ix, uint64_t pos)
{
    const struct form *form = &ix->to;

    return (struct home){ix->buckets + ((pos * form->buckets) >> form->pos_bits),
                         meta_of(form, pos), form->high_bits};
}

static bool
is_getting_longer(const struct index *ix)
{
    return ix->to.pos_bits > ix->from.pos_bits;
}

/* Positions in the old form become those in the new one; LOCS says which items they are of. */
static void
renew_positions(const struct mover *mover, const uint64_t *locs, unsigned count, uint64_t *pos)
{
    const struct form *from = &mover->ix->from, *to = &mover->ix->to;
    uint64_t hashes[BUCKET_SLOTS];

    if (LIKELY(!is_getting_longer(mover->ix))) {
        for (unsigned i = 0; i < count; i++)
            pos[i] >>= from->pos_bits - to->pos_bits;
        return;
    }
    mover->hashes_of(mover->ctx, locs, count, hashes);
    for (unsigned i = 0; i < count; i++) {
        if (BROKEN(hashes[i] >> from->pos_shift != pos[i]))
            hashes[i] = pos[i] << from->pos_shift; /* it cannot be found; it stays in order */
        pos[i] = hashes[i] >> to->pos_shift;
    }
}

/* The items among SLOTS, a copy of those of a bucket or a node, go where they belong. */
static void
move_items(const struct mover *mover, const struct slots *slots)
{
    struct index *ix = mover->ix;
    uint64_t locs[BUCKET_SLOTS], pos[BUCKET_SLOTS];
    unsigned count = 0;

    for (unsigned i = 0; i < slots->count; i++) {
        if (!meta_is_item(slots->metas[i]))
            continue;
        locs[count] = slots_loc(slots, i, ix->from.high_bits);
        pos[count++] = old_pos(mover, slots->metas[i]);
    }
    if (count == 0)
        return;
    renew_positions(mover, locs, count, pos);
    for (unsigned i = 0; i < count; i++) {
        struct home home = new_home(ix, pos[i]);

        index_put_slot(ix, &home, home.meta | (unsigned)(locs[i] >> LOC_LOW_BITS),
                       (uint32_t)locs[i]);
    }
}

static void
move_ghost(const struct mover *mover, unsigned meta, uint32_t loc)
{
    const struct index *ix = mover->ix;
    uint64_t pos = old_pos(mover, meta) >> (ix->from.pos_bits - ix->to.pos_bits);
    struct home home = new_home(ix, pos);

    for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
        if (home.bucket->metas[i] == 0 && home.bucket->locs[i] == 0) {
            home.bucket->metas[i] = (uint16_t)(home.meta & ~(unsigned)META_ITEM);
            home.bucket->locs[i] = loc;
            return;
        }
    }
}

/*
 * Take a bucket of the old form apart and put what was in it where it belongs.
 * Ghosts come last and only into what stays empty: an item that came after them
 * would displace them anyway. What a longer position of theirs would be is not known.
 */
static void
move_bucket(struct mover *mover, uint64_t number)
{
    struct index *ix = mover->ix;
    struct bucket bucket = ix->buckets[number];
    struct slots slots = bucket_slots(&bucket);

    mover->first = first_pos(&ix->from, number);
    memset(ix->buckets + number, 0, BUCKET_BYTES);
    move_items(mover, &slots);
    for (uint32_t link = bucket.link; link != 0;) {
        struct node node = *index_node(ix, link - UINT64_C(1));

        index_node_release(ix, link);
        slots = node_slots(&node);
        move_items(mover, &slots);
        link = node.link;
    }
    if (is_getting_longer(ix))
        return;
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        if (!meta_is_item(bucket.metas[i]) && bucket.locs[i] != 0)
            move_ghost(mover, bucket.metas[i], bucket.locs[i]);
}

static bool
give_back(struct index *ix)
{
    char *base = (char *)ix->buckets;
    size_t keep = (size_t)ix->to.buckets * BUCKET_BYTES;
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
index_step(struct index *ix, unsigned count, index_hashes_fn *hashes_of, const void *ctx)
{
    struct mover mover = {ix, 0, hashes_of, ctx};

    if (!ix->resizing)
        return give_back(ix) || index_compact_step(ix, count);
    if (UNLIKELY(is_getting_longer(ix)))
        count = (count + RECORDS_COST - 1) / RECORDS_COST;
    for (; count > 0 && ix->moved_count < ix->from.buckets; count--) {
        if (ix->upwards) {
            ix->moved--;
            move_bucket(&mover, ix->moved);
        } else {
            move_bucket(&mover, ix->moved_count);
        }
        ix->moved_count++;
    }
    if (ix->moved_count == ix->from.buckets) {
        ix->from = ix->to;
        ix->moved = ix->moved_count = 0;
        ix->resizing = false;
    }
    return true;
}

/* --- Walking --- */

/* The first hash of BUCKET of FORM; 0 behind the last bucket. */
static uint64_t
first_hash(const struct form *form, uint64_t bucket)
{
    uint64_t pos = first_pos(form, bucket);

    return pos >> form->pos_bits != 0 ? 0 : pos << form->pos_shift;
}

uint64_t
index_next_hash(const struct index *ix, uint64_t hash)
{
    const struct form *from = &ix->from, *to = &ix->to;
    uint64_t bucket = ((hash >> from->pos_shift) * from->buckets) >> from->pos_bits;
    uint64_t next, edge;

    if (bucket - ix->moved < ix->moved_count) {
        bucket = ((hash >> to->pos_shift) * to->buckets) >> to->pos_bits;
        next = first_hash(to, bucket + 1);
    } else {
        next = first_hash(from, bucket + 1);
    }
    if (!ix->resizing)
        return next;
    /* The form may change within a bucket of either form: never step over the frontier. */
    edge = first_hash(from, ix->upwards ? ix->moved : ix->moved_count);
    return edge > hash && (next == 0 || edge < next) ? edge : next;
}
