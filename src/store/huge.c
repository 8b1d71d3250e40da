/* Has the kernel find huge pages for the store before it needs them, one block at a time. */
#include "lombard/base/sys.h"
#include "store_priv.h"

enum { BLOCK_BYTES = SYS_HUGE_BYTES };
#ifndef STORE_HUGE_LIMIT_MIN /* less where tests make the store small */
#define STORE_HUGE_LIMIT_MIN (UINT64_C(256) << 20)
#endif
/* Below that a block would be much of it. */
#define LIMIT_BYTES_MIN STORE_HUGE_LIMIT_MIN
/* Touched ahead in the arena: this part of the limit, at most so many blocks; and one that is in use in part. */
enum { AHEAD_DIVISOR = 128, AHEAD_BLOCKS_MAX = 8 };
/* After so many blocks on small pages in a row, none for that long. */
enum { REFUSALS_MAX = 8 };
#define REFUSED_FOR_NS (UINT64_C(60) * 1000 * 1000 * 1000)

static uint64_t
round_up(uint64_t bytes)
{
    return (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

/* --- Beginning --- */

/* As much of the arena as the host has explicit ones for: all of it, half, ... */
static void
take_explicit(struct arena *arena)
{
    uint64_t bytes = arena->bytes / BLOCK_BYTES * BLOCK_BYTES;

    while (bytes > 0 && !sys_take_huge(arena->base, bytes))
        bytes = bytes / 2 / BLOCK_BYTES * BLOCK_BYTES;
    arena->seg_explicit = (uint32_t)(bytes >> arena->seg_shift);
}

static uint32_t
segs_ahead(const struct arena *arena, uint64_t limit_bytes)
{
    uint64_t bytes = round_up(limit_bytes / AHEAD_DIVISOR);

    if (bytes > (uint64_t)AHEAD_BLOCKS_MAX * BLOCK_BYTES)
        bytes = (uint64_t)AHEAD_BLOCKS_MAX * BLOCK_BYTES;
    return (uint32_t)((bytes + BLOCK_BYTES) >> arena->seg_shift);
}

void
huge_begin(struct store *store, const struct store_config *config)
{
    struct arena *arena = &store->arena;
    struct huge *huge = &store->huge;
    bool in_file = memory_is_file(&store->memory);

    huge->on =
        config->huge_explicit || (config->huge_pages && config->limit_bytes >= LIMIT_BYTES_MIN);
    store->index.huge = arena->huge = huge->on;
    if (!huge->on)
        return;
    huge->segs_ahead = segs_ahead(arena, config->limit_bytes);
    if (in_file)
        return;
    if (config->huge_explicit)
        take_explicit(arena);
    sys_forbid_huge(seg_base(arena, arena->seg_explicit),
                    (size_t)(arena->seg_max - arena->seg_explicit) << arena->seg_shift);
    sys_forbid_huge(store->index.buckets, store->index.map_bytes);
}

/* --- What lacks --- */

enum lacking { LACKING_BUCKETS, LACKING_NODES, LACKING_SEGMENTS, LACKING_NOTHING };

/* Bytes of nodes that are accounted, where they are many enough; else 0. */
static uint64_t
nodes_wanted(const struct index *ix)
{
    uint64_t bytes = index_node_bytes_now(ix);

    return bytes % BLOCK_BYTES == 0 && bytes >= INDEX_NODES_HUGE_MIN &&
                   index_bytes_now(ix) <= ix->bytes_open
               ? bytes
               : 0;
}

static bool
lacks(const struct store *store, enum lacking what)
{
    const struct huge *huge = &store->huge;

    switch (what) {
    case LACKING_BUCKETS: return huge->index_waits && huge->index_done < huge->index_end;
    case LACKING_NODES: return nodes_wanted(&store->index) > huge->nodes_done;
    case LACKING_SEGMENTS: return arena_next_ahead(&store->arena, huge->segs_ahead) != SEG_NONE;
    case LACKING_NOTHING: break;
    }
    return false;
}

/*
 * One block of each kind after the other: a large index that is about to grow lacks dozens of them, and
 * meanwhile writes would use up what segments have ahead.
 */
static enum lacking
lacking(const struct store *store)
{
    for (unsigned i = 0; i < LACKING_NOTHING; i++) {
        enum lacking what = (store->huge.next + i) % LACKING_NOTHING;

        if (lacks(store, what))
            return what;
    }
    return LACKING_NOTHING;
}

/* Bytes of nodes, in whole blocks, that are in use or to be had ahead. */
static uint64_t
nodes_kept(const struct index *ix)
{
    uint64_t wanted = nodes_wanted(ix);
    uint64_t used = round_up(ix->nodes_resident * NODE_BYTES);

    return wanted > used ? wanted : used;
}

bool
huge_is_due(const struct store *store, uint64_t now_ns)
{
    if (UNLIKELY(store->huge.nodes_done > nodes_kept(&store->index)))
        return true;
    return store->huge.on && now_ns >= store->huge.next_ns && lacking(store) != LACKING_NOTHING;
}

/* There are fewer nodes than before: a block that was touched ahead of them goes. False: there is none. */
static bool
give_back_nodes(struct store *store)
{
    const struct index *ix = &store->index;
    struct huge *huge = &store->huge;

    if (LIKELY(huge->nodes_done <= nodes_kept(ix)))
        return false;
    memory_discard(ix->in_file, ix->end - huge->nodes_done, BLOCK_BYTES);
    huge->nodes_done -= BLOCK_BYTES;
    return true;
}

/* --- Touching it --- */

static bool
touch_index(const struct index *ix, char *addr)
{
    return ix->in_file ? sys_touch_huge_file(addr)
                       : sys_touch_huge(addr, ix->buckets, ix->map_bytes);
}

static bool
touch_buckets(struct store *store)
{
    struct huge *huge = &store->huge;
    bool made = touch_index(&store->index, (char *)store->index.buckets + huge->index_done);

    huge->index_done += BLOCK_BYTES;
    huge->buckets_made += made;
    return made;
}

static bool
touch_nodes(struct store *store)
{
    const struct index *ix = &store->index;
    struct huge *huge = &store->huge;
    uint64_t touched = round_up(ix->nodes_resident * NODE_BYTES);
    bool made;

    if (huge->nodes_done < touched)
        huge->nodes_done = touched;
    if (huge->nodes_done >= nodes_wanted(ix))
        return true;
    huge->nodes_done += BLOCK_BYTES;
    made = touch_index(ix, ix->end - huge->nodes_done);
    huge->nodes_made += made;
    return made;
}

static bool
touch(struct store *store, enum lacking what)
{
    store->huge.next = (what + 1) % LACKING_NOTHING;
    switch (what) {
    case LACKING_BUCKETS: return touch_buckets(store);
    case LACKING_NODES: return touch_nodes(store);
    case LACKING_SEGMENTS: return arena_touch_ahead(&store->arena, store->huge.segs_ahead);
    case LACKING_NOTHING: break;
    }
    return true;
}

/* The kernel gave none: after a few of these it is left alone for a while. */
static void
note_refusal(struct store *store, uint64_t now_ns)
{
    struct huge *huge = &store->huge;

    store->stats.huge_refused++;
    if (++huge->refused < REFUSALS_MAX)
        return;
    huge->refused = 0;
    huge->paused = true;
    huge->next_ns = now_ns + REFUSED_FOR_NS;
    huge->index_end = huge->index_done; /* the index waits no longer */
}

bool
huge_step(struct store *store)
{
    struct huge *huge = &store->huge;
    uint64_t begin_ns, took_ns;
    bool made;

    if (give_back_nodes(store))
        return true;
    if (!huge->on || lacking(store) == LACKING_NOTHING)
        return false;
    begin_ns = sys_monotonic_ns();
    if (begin_ns < huge->next_ns)
        return false;
    made = touch(store, lacking(store));
    took_ns = sys_monotonic_ns() - begin_ns;
    /* Usually 0.2 ms; some ms where a hypervisor has to find the memory. Then as long a pause. */
    huge->next_ns = begin_ns + 2 * took_ns;
    store->arena.huge = made;
    if (!made) {
        note_refusal(store, begin_ns + took_ns);
        return true;
    }
    huge->refused = 0;
    huge->paused = false;
    return true;
}

/* --- The index --- */

bool
huge_index_waits(struct store *store, uint64_t buckets)
{
    struct huge *huge = &store->huge;
    uint64_t end = buckets * BUCKET_BYTES / BLOCK_BYTES * BLOCK_BYTES;

    if (!huge->on)
        return huge_index_relents(store); /* of another process */
    if (!huge->index_waits) {
        if (huge->paused)
            return false;
        huge->index_begin = huge->index_done = round_up(store->index.resident * BUCKET_BYTES);
        huge->index_end = end;
        huge->index_waits = true;
    }
    if (huge->index_done < huge->index_end)
        return true;
    huge->index_waits = false;
    return false;
}

bool
huge_index_relents(struct store *store)
{
    struct huge *huge = &store->huge;
    const struct index *ix = &store->index;

    if (LIKELY(!huge->index_waits))
        return false;
    if (huge->index_done == huge->index_begin) {
        huge->index_waits = false;
        return false;
    }
    huge->index_done -= BLOCK_BYTES;
    huge->index_end = huge->index_done;
    memory_discard(ix->in_file, (char *)ix->buckets + huge->index_done, BLOCK_BYTES);
    return true;
}

uint64_t
huge_index_ahead_bytes(const struct store *store)
{
    const struct huge *huge = &store->huge;

    return huge->index_waits ? huge->index_done - huge->index_begin : 0;
}

/* --- Statistics --- */

static uint64_t
at_most(uint64_t blocks, uint64_t bytes)
{
    return blocks < bytes / BLOCK_BYTES ? blocks * BLOCK_BYTES
                                        : bytes / BLOCK_BYTES * BLOCK_BYTES;
}

uint64_t
huge_bytes(const struct store *store)
{
    const struct index *ix = &store->index;
    const struct huge *huge = &store->huge;

    return ((uint64_t)store->arena.seg_huge << store->arena.seg_shift) +
           at_most(huge->buckets_made,
                   ix->resident * BUCKET_BYTES + huge_index_ahead_bytes(store)) +
           at_most(huge->nodes_made, index_node_bytes_now(ix));
}
