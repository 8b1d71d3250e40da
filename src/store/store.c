#include "store_priv.h"

#include "lombard/base/sys.h"

/*
 * The index never needs more address space than half the limit, plus what the
 * smallest one and its reserve of nodes take.
 */
enum { INDEX_SLACK_BYTES = 1024 * 1024 };
#ifndef STORE_RECORD_DIVISOR /* another one where tests make the store tiny */
#define STORE_RECORD_DIVISOR 32
#endif
/* The largest record in one piece, as a part of a segment. */
enum { RECORD_DIVISOR = STORE_RECORD_DIVISOR };
/* Of key, value and bookkeeping in the index: no item takes less. */
enum { ITEM_BYTES_MIN = 24 };

_Static_assert(STORE_LIMIT_BYTES_MAX - 1 <= INDEX_LOC_MAX + 1,
               "every byte of the segments but the last has a location");
_Static_assert(STORE_LIMIT_BYTES_MAX >> 14 < SEG_NONE, "every segment has a number");

static void
set_sizes(struct store *store, const struct store_config *config)
{
    uint32_t seg_bytes = store->arena.seg_bytes;

    store->fixed_bytes = REC_FIXED_BYTES + (config->with_cas ? REC_CAS_BYTES : 0);
    store->record_max = seg_bytes / RECORD_DIVISOR;
    store->piece_bytes = store->record_max - PIECE_HEADER_BYTES;
    store->extent_bytes = seg_bytes - PIECE_HEADER_BYTES;
    store->own_bytes = sizeof(*store) + store->arena.segs_bytes;
}

struct store *
store_create(const struct store_config *config)
{
    size_t index_map = config->limit_bytes / 2 + INDEX_SLACK_BYTES;
    struct store *store;

    if (config->limit_bytes > STORE_LIMIT_BYTES_MAX)
        return NULL;
    store = sys_malloc(sizeof(*store));
    if (store == NULL)
        return NULL;
    memset(store, 0, sizeof(*store));
    if (!arena_init(&store->arena, config->limit_bytes))
        goto fail_arena;
    if (!index_init(&store->index, index_map, config->limit_bytes / ITEM_BYTES_MIN))
        goto fail_index;
    store->hash_key = config->hash_key;
    store->limit_bytes = config->limit_bytes;
    store->item_bytes_max = config->item_bytes_max;
    store->evict = config->evict;
    set_sizes(store, config);
    evict_init(store);
    ttl_init(store);
    (void)store_index_step(store, 0);
    return store;

fail_index:
    arena_fini(&store->arena);
fail_arena:
    sys_free(store);
    return NULL;
}

void
store_destroy(struct store *store)
{
    if (store == NULL)
        return;
    index_fini(&store->index);
    arena_fini(&store->arena);
    sys_free(store);
}

uint64_t
store_limit_bytes(const struct store *store)
{
    return store->limit_bytes;
}

uint64_t
store_item_bytes_max(const struct store *store)
{
    return store->item_bytes_max;
}

static void
flush_now(struct store *store)
{
    store->flush_at_s = 0;
    if (store->index.count == store->flushed_items)
        return;
    store->flushed_items = store->index.count;
    store->arena.epoch++;
    for (int log = 0; log < LOGS; log++)
        arena_close(&store->arena, (enum log_id)log);
    policy_sweep_from(store, 0);
}

void
store_set_time(struct store *store, uint32_t now_s)
{
    store->now_s = now_s;
    if (UNLIKELY(store->flush_at_s != 0 && store->flush_at_s <= now_s))
        flush_now(store);
}

void
store_flush(struct store *store, uint32_t at_s)
{
    if (at_s > store->now_s)
        store->flush_at_s = at_s;
    else
        flush_now(store);
}

bool
store_work(struct store *store)
{
    enum { BUCKETS = 64, RECORDS = 512 };
    bool busy = store_index_step(store, BUCKETS);

    busy |= ttl_step(store, RECORDS);
    busy |= evict_work(store);
    return busy;
}

/* --- Looking up --- */

uint64_t
store_hash(const struct store *store, struct slice key)
{
    return hash_bytes(&store->hash_key, key.ptr, key.len);
}

/* Bit I for each of COUNT slots that hold an item under TAG. No branch: most hold none. */
static inline unsigned
matches(const uint64_t *slots, unsigned count, uint64_t tag)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < count; i++)
        mask |= (unsigned)slot_is_item(slots[i], tag) << i;
    return mask;
}

void
store_prefetch_bucket(const struct store *store, uint64_t hash)
{
    PREFETCH(index_home(&store->index, hash));
}

void
store_prefetch_item(const struct store *store, uint64_t hash)
{
    enum { LINE_BYTES = 64 };
    const uint64_t *home = index_home(&store->index, hash);
    unsigned mask = matches(home, BUCKET_SLOTS, index_tag(&store->index, hash));
    const char *rec;

    if (mask != 0) {
        rec = arena_at(&store->arena, slot_loc(home[__builtin_ctz(mask)]));
        PREFETCH(rec);
        PREFETCH(rec + LINE_BYTES);
    } else if ((home[BUCKET_SLOTS - 1] & SLOT_LINK) != 0) {
        PREFETCH(index_node(&store->index, home[BUCKET_SLOTS - 1]));
    }
}

char *
store_find(const struct store *store, struct slice key, uint64_t hash, uint64_t **slot)
{
    uint64_t *slots = index_home(&store->index, hash);
    uint64_t tag = index_tag(&store->index, hash);
    unsigned count = BUCKET_SLOTS;
    uint64_t link;

    for (;;) {
        for (unsigned mask = matches(slots, count, tag); mask != 0; mask &= mask - 1) {
            uint64_t *match = slots + __builtin_ctz(mask);
            char *rec = arena_at(&store->arena, slot_loc(*match));

            if (LIKELY(rec_key_len(rec) == key.len &&
                       bytes_equal(rec_key(rec, store->fixed_bytes).ptr, key.ptr, key.len))) {
                *slot = match;
                return rec;
            }
        }
        link = slots[count - 1];
        if (LIKELY((link & SLOT_LINK) == 0))
            return NULL;
        slots = index_node(&store->index, link);
        count = NODE_SLOTS;
    }
}

void
store_describe(const struct store *store, char *rec, struct item *item)
{
    uint32_t fixed = store->fixed_bytes;
    unsigned info = rec_info(rec);
    size_t body = rec_body_off(rec, fixed);

    item->handle = rec;
    item->key = rec_key(rec, fixed);
    item->cas = fixed != REC_FIXED_BYTES ? load_u64(rec + REC_CAS_OFF) : 0;
    item->client_flags = rec_client_flags(rec, fixed);
    item->expires_s = rec_expires(rec, fixed);
    item->accessed_s = rec_accessed(rec);
    item->marks = (info & REC_MARKS) >> REC_MARKS_SHIFT;
    if (UNLIKELY((info & REC_LARGE) != 0)) {
        item->value_bytes = large_value_bytes(store, rec);
        item->value = large_at(store, rec, 0);
        return;
    }
    item->value_bytes = rec_body_len(rec);
    item->value = slice_make(rec + body, rec_body_len(rec));
}

bool
store_peek(struct store *store, struct slice key, uint64_t hash, struct item *item)
{
    uint64_t *slot;
    char *rec = store_find(store, key, hash, &slot);

    if (rec == NULL || rec_is_gone(store, rec))
        return false;
    store_describe(store, rec, item);
    return true;
}

/* Only what changes is written: a hot item's line is dirtied once a second. */
static void
note_access(struct store *store, char *rec)
{
    unsigned info = rec_info(rec);
    unsigned freq = rec_freq(rec);
    unsigned more = freq < REC_FREQ_MAX ? freq + 1 : freq;

    if ((info & (ITEM_FETCHED << REC_MARKS_SHIFT)) == 0)
        rec_set_info(rec, info | (ITEM_FETCHED << REC_MARKS_SHIFT));
    if (more != freq || rec_accessed(rec) != store->now_s)
        rec_set_access(rec, store->now_s, more);
}

bool
store_get(struct store *store, struct slice key, uint64_t hash, bool bump, struct item *item)
{
    uint64_t *slot;
    char *rec = store_find(store, key, hash, &slot);

    if (rec == NULL)
        return false;
    if (UNLIKELY(rec_is_gone(store, rec))) {
        item_count_reclaimed(store, rec);
        item_remove(store, rec, hash, slot);
        return false;
    }
    store_describe(store, rec, item);
    if (bump)
        note_access(store, rec);
    return true;
}

void
store_bump(struct store *store, const struct item *item)
{
    note_access(store, item->handle);
}

struct slice
store_value_at(const struct store *store, const void *handle, uint64_t off)
{
    const char *rec = handle;
    size_t body = rec_body_off(rec, store->fixed_bytes);

    if ((rec_info(rec) & REC_LARGE) != 0)
        return large_at(store, rec, off);
    BUG_ON(off > rec_body_len(rec));
    return slice_make(rec + body + off, rec_body_len(rec) - (size_t)off);
}

/* --- Changing in place --- */

void
store_delete(struct store *store, const struct item *item)
{
    item_drop(store, item->handle);
}

void
store_set_marks(struct store *store, const struct item *item, uint32_t marks)
{
    char *rec = item->handle;

    (void)store;
    rec_set_info(rec, (rec_info(rec) & ~(unsigned)REC_MARKS) |
                          ((marks << REC_MARKS_SHIFT) & REC_MARKS));
}

uint64_t
store_set_cas(struct store *store, const struct item *item, uint64_t new_cas)
{
    char *rec = item->handle;

    if (!store_has_cas(store))
        return 0;
    if (new_cas == 0)
        new_cas = ++store->cas;
    save_u64(rec + REC_CAS_OFF, new_cas);
    return new_cas;
}

uint64_t
store_overwrite(struct store *store, const struct item *item, struct slice value,
                uint64_t new_cas)
{
    char *rec = item->handle;

    BUG_ON((rec_info(rec) & REC_LARGE) != 0 || value.len != rec_body_len(rec));
    memcpy(rec + rec_body_off(rec, store->fixed_bytes), value.ptr, value.len);
    return store_set_cas(store, item, new_cas);
}
