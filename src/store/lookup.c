/* Looking up: from a key to its record, and what is told of it. */
#include "store_priv.h"

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

            if (BROKEN(!arena_has(&store->arena, slot_loc(*match))))
                continue;
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

/* Inline, so that a get sets only those fields that its caller looks at. */
static inline bool __attribute__((always_inline))
describe(const struct store *store, char *rec, struct item *item)
{
    uint32_t fixed = store->fixed_bytes;
    unsigned info = rec_info(rec);
    uint32_t body = rec_body_off(rec, fixed);
    uint32_t len = rec_body_len(rec);

    if (BROKEN(!arena_fits(&store->arena, rec, body + len)))
        return false;

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
        return true;
    }
    item->value_bytes = len;
    item->value = slice_make(rec + body, len);
    return true;
}

bool
store_describe(const struct store *store, char *rec, struct item *item)
{
    return describe(store, rec, item);
}

bool
store_peek(struct store *store, struct slice key, uint64_t hash, struct item *item)
{
    uint64_t *slot;
    char *rec = store_find(store, key, hash, &slot);

    if (rec == NULL || rec_is_gone(store, rec))
        return false;
    return describe(store, rec, item);
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
        *(rec_is_flushed(store, rec) ? &store->stats.get_flushed : &store->stats.get_expired) +=
            1;
        item_count_reclaimed(store, rec);
        item_remove(store, rec, hash, slot);
        return false;
    }
    if (!describe(store, rec, item))
        return false;
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
    if (BROKEN(off > rec_body_len(rec)))
        return slice_make(NULL, 0);
    return slice_make(rec + body + off, rec_body_len(rec) - (size_t)off);
}
