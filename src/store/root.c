/* Saves what of a store survives its process, and checks and loads it. */
#include "root_priv.h"

#include "lombard/base/checksum.h"
#include "lombard/base/sys.h"

static const char magic[8] = "lombard\n";

/* Of segments this is looked at: zeros and parts of another file are found, a flipped bit may not be. */
enum { SAMPLE_EVERY_BYTES = 64 * 1024, SAMPLE_BYTES = 16 };

bool
root_begin(struct store *store)
{
    store->root = memory_take(&store->memory, sizeof(*store->root));
    return store->root != NULL;
}

void
root_end(struct store *store)
{
    if (store->root != NULL)
        memory_give(true, store->root, sizeof(*store->root));
    store->root = NULL;
}

bool
root_is_ours(int fd)
{
    static const char zeros[sizeof(magic)];
    char *begin = sys_map_file(fd, 0, MEMORY_AREA_BYTES);
    bool ours;

    if (begin == NULL)
        return false;
    ours = memcmp(begin, magic, sizeof(magic)) == 0 || memcmp(begin, zeros, sizeof(zeros)) == 0;
    sys_unreserve(begin, MEMORY_AREA_BYTES);
    return ours;
}

static struct store_root
described(const struct store *store)
{
    struct store_root root;

    memset(&root, 0, sizeof(root));
    memcpy(root.magic, magic, sizeof(magic));
    root.version = STORE_LAYOUT_VERSION;
    root.root_bytes = sizeof(root);
    root.index_struct_bytes = sizeof(root.index);
    root.arena_struct_bytes = sizeof(root.arena);
    root.seg_struct_bytes = sizeof(struct seg);
    root.trial_struct_bytes = sizeof(struct seg_trial);
    root.with_cas = store->with_cas;
    root.record_max = store->record_max;
    root.limit_bytes_max = store->limit_bytes_max;
    root.arena.seg_shift = store->arena.seg_shift;
    root.file_bytes = store->memory.taken;
    root.lease = store->root->lease;
    return root;
}

void
root_describe(struct store *store)
{
    *store->root = described(store);
}

/* --- Checking --- */

static bool
is_same_layout(const struct store_root *root)
{
    return root->version == STORE_LAYOUT_VERSION && root->root_bytes == sizeof(*root) &&
           root->index_struct_bytes == sizeof(root->index) &&
           root->arena_struct_bytes == sizeof(root->arena) &&
           root->seg_struct_bytes == sizeof(struct seg) &&
           root->trial_struct_bytes == sizeof(struct seg_trial);
}

static enum attach_result
check_layout(const struct store_root *root)
{
    if (memcmp(root->magic, magic, sizeof(magic)) != 0)
        return ATTACH_TORN;
    return is_same_layout(root) ? ATTACH_OK : ATTACH_VERSION;
}

/* Options, and the size of the file. */
static enum attach_result
check_fit(const struct store *store, const struct store_config *config)
{
    const struct store_root *root = store->root;

    if (root->file_bytes != store->memory.there)
        return ATTACH_TORN;
    if ((root->with_cas != 0) != config->with_cas)
        return ATTACH_CAS;
    if (config->limit_bytes > root->limit_bytes_max)
        return ATTACH_LIMIT;
    return ATTACH_OK;
}

enum attach_result
root_check(const struct store *store, const struct store_config *config)
{
    const struct store_root *root = store->root;
    enum attach_result result = check_layout(root);

    if (result != ATTACH_OK)
        return result;
    if (root->clean == 0)
        return ATTACH_UNCLEAN;
    if (root->clean != ~root->checksum)
        return ATTACH_TORN;
    return check_fit(store, config);
}

enum attach_result
root_check_lent(const struct store *store, const struct store_config *config)
{
    enum attach_result result = check_layout(store->root);

    if (result != ATTACH_OK)
        return result;
    return store->root->lease % 2 != 0 ? check_fit(store, config) : ATTACH_UNCLEAN;
}

enum attach_result
root_check_in_use(struct store *store, const struct store_config *config)
{
    const struct store_root *root = store->root;
    enum attach_result result = check_layout(root);

    if (result != ATTACH_OK)
        return result;
    result = check_fit(store, config);
    /* A version that does not say it before: it is checked when it is lent. */
    if (root->limit_bytes_max == 0 || root->arena.seg_shift >= 32)
        return result == ATTACH_LIMIT ? ATTACH_OK : result;
    store->limit_bytes_max = root->limit_bytes_max;
    store->arena.seg_shift = root->arena.seg_shift;
    store->item_bytes_max = config->item_bytes_max;
    if (result == ATTACH_OK && config->limit_bytes < store_limit_bytes_min(store))
        return ATTACH_LIMIT;
    return result;
}

static uint64_t
sum_samples(const struct arena *arena, uint64_t sum)
{
    for (uint32_t i = 0; i < arena->seg_touched; i++) {
        const struct seg *seg = arena->segs + i;

        if (seg->state == SEG_FREE || seg->state == SEG_UNBACKED)
            continue;
        for (uint32_t off = 0; off < seg->used; off += SAMPLE_EVERY_BYTES) {
            uint32_t left = seg->used - off;

            sum = checksum_add(sum, seg_base(arena, i) + off,
                               left < SAMPLE_BYTES ? left : SAMPLE_BYTES);
        }
    }
    return sum;
}

static uint64_t
sum_of(const struct store *store)
{
    const struct index *ix = &store->index;
    const struct arena *arena = &store->arena;
    size_t nodes_bytes = (size_t)ix->nodes_resident * NODE_BYTES;
    uint64_t sum = checksum_add(0, store->root, offsetof(struct store_root, checksum));

    sum = checksum_add(sum, arena->segs, arena->seg_touched * sizeof(struct seg));
    sum = checksum_add(sum, ix->buckets, (size_t)ix->resident * BUCKET_BYTES);
    sum = checksum_add(sum, ix->end - nodes_bytes, nodes_bytes);
    return sum_samples(arena, sum);
}

static bool
is_ahead_possible(const struct store *store)
{
    const struct root_ahead *ahead = &store->root->ahead;
    uint64_t most = store->index.map_bytes;

    return ahead->index_begin <= ahead->index_done && ahead->index_done <= ahead->index_end &&
           ahead->index_end <= most && ahead->nodes_done <= most &&
           (ahead->index_begin | ahead->index_done | ahead->nodes_done) % MEMORY_AREA_BYTES ==
               0;
}

/* Sizes that could not be: then nothing may be read by them. */
static bool
is_possible(const struct store *store)
{
    const struct index *ix = &store->index;
    const struct arena *arena = &store->arena;

    return is_ahead_possible(store) && arena->seg_shift < 32 &&
           arena->seg_bytes == UINT32_C(1) << arena->seg_shift &&
           arena->seg_touched <= arena->seg_count && arena->seg_ahead <= arena->seg_count &&
           arena->seg_count <= arena->seg_max && arena->seg_explicit == 0 &&
           arena->seg_max * (sizeof(struct seg) + sizeof(struct seg_trial)) ==
               arena->segs_bytes &&
           arena->bytes == (uint64_t)arena->seg_count << arena->seg_shift &&
           ix->resident <= ix->map_bytes / BUCKET_BYTES &&
           ix->nodes_resident <= ix->map_bytes / NODE_BYTES;
}

bool
root_is_whole(const struct store *store)
{
    for (uint32_t i = 0; i < store->arena.seg_touched; i++)
        if (store->arena.segs[i].used > store->arena.seg_bytes)
            return false;
    return sum_of(store) == store->root->checksum;
}

/* --- Loading --- */

bool
root_load(struct store *store)
{
    const struct store_root *root = store->root;

    store->trial_number = root->trial_number;
    store->now_s = root->now_s;
    store->hash_key = root->hash_key;
    store->flushed_items = root->flushed_items;
    store->flush_at_s = (uint32_t)root->flush_at_s;
    store->content_bytes = root->content_bytes;
    store->header_bytes = root->header_bytes;
    store->limit_bytes = root->limit_bytes;
    store->limit_bytes_max = root->limit_bytes_max;
    store->huge.index_waits = root->ahead.index_end > root->ahead.index_begin;
    store->huge.index_begin = root->ahead.index_begin;
    store->huge.index_done = root->ahead.index_done;
    store->huge.index_end = root->ahead.index_end;
    store->huge.nodes_done = root->ahead.nodes_done;
    store->index = root->index;
    store->arena = root->arena;
    if (!is_possible(store) || !arena_map(&store->arena, &store->memory))
        return false;
    if (index_map(&store->index, &store->memory) && store->memory.taken == root->file_bytes)
        return true;
    arena_fini(&store->arena);
    return false;
}

bool
root_open(struct store *store)
{
    store->root->clean = 0;
    return sys_sync_file(store->root, sizeof(*store->root));
}

/* --- Saving --- */

/* Records that were reserved die with the clients that were to fill them. */
static void
drop_pending(struct store *store, uint32_t index)
{
    const struct seg *seg = store->arena.segs + index;
    uint32_t off = 0;

    if (seg->state == SEG_EXTENT) /* of a record elsewhere */
        return;
    while (off < seg->used) {
        char *rec = seg_base(&store->arena, index) + off;
        uint32_t bytes = rec_bytes(rec);

        if (bytes > seg->used - off)
            return;
        off += bytes;
        if (!rec_is_piece(rec) && (rec_info(rec) & (REC_PENDING | REC_DEAD)) == REC_PENDING)
            item_die(store, rec);
    }
}

/* Nothing is looked for, or being emptied any more. */
static void
pause_work(struct store *store)
{
    victim_suspend(store);
    if (store->ttl.seg != SEG_NONE)
        store->arena.segs[store->ttl.seg].scan_s = 0; /* it was half looked at */
    store->ttl.seg = SEG_NONE;
}

/* Nor held by any client. */
static void
come_to_rest(struct store *store)
{
    struct arena *arena = &store->arena;

    pause_work(store);
    for (uint32_t i = 0; i < arena->seg_touched; i++)
        if (arena->segs[i].pins != 0)
            drop_pending(store, i);
    for (uint32_t i = 0; i < arena->seg_touched; i++) {
        if (arena->segs[i].pins == 0)
            continue;
        arena->segs[i].pins = 1;
        arena_unpin(arena, seg_base(arena, i));
    }
}

static struct root_ahead
ahead_of(const struct huge *huge)
{
    struct root_ahead ahead = {.nodes_done = huge->nodes_done};

    if (huge->index_waits) {
        ahead.index_begin = huge->index_begin;
        ahead.index_done = huge->index_done;
        ahead.index_end = huge->index_end;
    }
    return ahead;
}

static void
fill(struct store *store, int64_t unix_s)
{
    struct store_root root = described(store);

    root.now_s = store->now_s;
    root.unix_s = unix_s;
    root.hash_key = store->hash_key;
    root.flushed_items = store->flushed_items;
    root.flush_at_s = store->flush_at_s;
    root.trial_number = store->trial_number;
    root.content_bytes = store->content_bytes;
    root.header_bytes = store->header_bytes;
    root.limit_bytes = store->limit_bytes;
    root.ahead = ahead_of(&store->huge);
    memcpy(&root.index, &store->index, sizeof(root.index));
    memcpy(&root.arena, &store->arena, sizeof(root.arena));
    root.index.buckets = NULL;
    root.index.end = NULL;
    root.arena.base = NULL;
    root.arena.segs = NULL;
    root.arena.trials = NULL;
    memcpy(store->root, &root, sizeof(root));
}

static bool
sync_all(const struct store *store)
{
    const struct index *ix = &store->index;
    const struct arena *arena = &store->arena;

    return sys_sync_file(arena->segs, arena->segs_bytes) &&
           sys_sync_file(arena->base, (size_t)arena->seg_touched << arena->seg_shift) &&
           sys_sync_file(ix->buckets, ix->map_bytes) &&
           sys_sync_file(store->root, sizeof(*store->root));
}

bool
root_save(struct store *store, int64_t unix_s)
{
    come_to_rest(store);
    fill(store, unix_s);
    store->root->checksum = sum_of(store);
    if (!sync_all(store))
        return false;
    store->root->clean = ~store->root->checksum;
    return sys_sync_file(store->root, sizeof(*store->root));
}

/* --- Lending --- */

/* Each lease has a number of its own: a process that comes late claims none but that of which it was told. */
uint64_t
root_lend(struct store *store)
{
    uint64_t lease;

    pause_work(store);
    fill(store, 0);
    lease = (store->root->lease + 1) | 1;
    __atomic_store_n(&store->root->lease, lease, __ATOMIC_RELEASE);
    return lease;
}

bool
root_claim(struct store *store, uint64_t lease)
{
    return lease % 2 != 0 &&
           __atomic_compare_exchange_n(&store->root->lease, &lease, lease + 1, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
