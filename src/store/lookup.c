/* Looking up: from a key to its record, and what is told of it. */
#include "store_priv.h"

uint64_t
store_hash(const struct store *store, struct slice key)
{
    return hash_bytes(&store->hash_key, key.ptr, key.len);
}

void
store_prefetch_bucket(const struct store *store, uint64_t hash)
{
    PREFETCH(index_home(&store->index, hash).bucket);
}

/* Of a record these are fetched before it is known how long it is: most end there. */
enum { RECORD_LINES = 2, FETCHED_VALUE_MAX = 17 * 1024 };

/* From when the record's times count, its segment says. */
static inline void
prefetch_record(const struct store *store, uint64_t loc, struct place *place)
{
    const char *rec = arena_at(&store->arena, loc);

    if (UNLIKELY(!arena_has(&store->arena, loc)))
        return; /* who looks for it will say so */
    *place = index_seen(&store->index, loc);
    for (unsigned i = 0; i < RECORD_LINES; i++)
        PREFETCH(rec + (size_t)i * LINE_BYTES);
    PREFETCH(arena_seg(&store->arena, rec));
}

bool
store_prefetch_item(const struct store *store, uint64_t hash, struct place *place)
{
    struct home home = index_home(&store->index, hash);
    struct bucket *bucket = home.bucket;
    unsigned mask = bucket_matches(bucket, home.meta, home.high_bits);

    if (LIKELY(mask != 0)) {
        unsigned i = (unsigned)__builtin_ctz(mask);

        prefetch_record(store, slot_loc(bucket->metas[i], bucket->locs[i], home.high_bits),
                        place);
        return false;
    }
    if (bucket->link == 0)
        return false;
    PREFETCH(index_node(&store->index, bucket->link - UINT64_C(1)));
    return true;
}

void
store_prefetch_far(const struct store *store, uint64_t hash, struct place *place)
{
    struct home home = index_home(&store->index, hash);
    struct slots slots = bucket_slots(home.bucket);
    unsigned mask;

    if (!slots_next(&store->index, &slots))
        return;
    mask = slots_matches(&slots, home.meta, home.high_bits);
    if (mask != 0)
        prefetch_record(store, slots_loc(&slots, (unsigned)__builtin_ctz(mask), home.high_bits),
                        place);
    else if (*slots.link != 0)
        PREFETCH(index_node(&store->index, *slots.link - UINT64_C(1)));
}

/* Of a value in pieces, which its record finds. */
static NOINLINE void
prefetch_pieces(const struct store *store, const char *rec)
{
    uint64_t bytes = large_value_bytes(rec);
    uint64_t off = 0;

    if (bytes > FETCHED_VALUE_MAX)
        bytes = FETCHED_VALUE_MAX;
    while (off < bytes) {
        struct slice part = large_at(store, rec, off);
        uint64_t left = bytes - off;
        uint64_t n = part.len < left ? part.len : left;

        if (n == 0)
            return; /* who reads it will say so */
        prefetch_lines(part.ptr, 0, part.ptr + n);
        off += n;
    }
}

MERGED void
store_prefetch_value(const struct store *store, const struct place *place)
{
    const char *rec;
    uint32_t bytes;

    if (UNLIKELY(!index_believes(&store->index, place)))
        return;
    rec = arena_at(&store->arena, place->at);
    if (UNLIKELY((rec_info(rec) & REC_LARGE) != 0)) {
        prefetch_pieces(store, rec);
        return;
    }
    bytes = rec_body_off(rec) + rec_body_len(rec);
    if (bytes > FETCHED_VALUE_MAX)
        bytes = FETCHED_VALUE_MAX;
    prefetch_lines(rec, RECORD_LINES, rec + bytes);
}

static inline bool
rec_has_key(const char *rec, struct slice key)
{
    return rec_key_len(rec) == key.len && bytes_equal(rec_key(rec).ptr, key.ptr, key.len);
}

/* The record of KEY among the slots of SLOTS that MASK has; then SLOT is set. */
static inline char *
find_among(const struct store *store, struct slice key, const struct slots *slots,
           unsigned mask, struct slot *slot)
{
    for (; mask != 0; mask &= mask - 1) {
        unsigned i = (unsigned)__builtin_ctz(mask);
        uint64_t loc = slots_loc(slots, i, slot->high_bits);
        char *rec = arena_at(&store->arena, loc);

        if (BROKEN(!arena_has(&store->arena, loc)))
            continue;
        if (LIKELY(rec_has_key(rec, key))) {
            slot->meta = slots->metas + i;
            slot->loc = slots->locs + i;
            return rec;
        }
    }
    return NULL;
}

/* Likewise, in the nodes that hang on SLOTS, those of a bucket. */
static NOINLINE char *
find_in_nodes(const struct store *store, struct slice key, unsigned meta, struct slots *slots,
              struct slot *slot)
{
    while (slots_next(&store->index, slots)) {
        unsigned mask = slots_matches(slots, meta, slot->high_bits);
        char *rec = find_among(store, key, slots, mask, slot);

        if (rec != NULL)
            return rec;
    }
    return NULL;
}

char *
store_find(const struct store *store, struct slice key, uint64_t hash, struct slot *slot)
{
    struct home home = index_home(&store->index, hash);
    struct slots slots = bucket_slots(home.bucket);
    unsigned mask = bucket_matches(home.bucket, home.meta, home.high_bits);
    char *rec;

    slot->high_bits = home.high_bits;
    rec = find_among(store, key, &slots, mask, slot);
    if (rec != NULL || LIKELY(*slots.link == 0))
        return rec;
    return find_in_nodes(store, key, home.meta, &slots, slot);
}

MERGED char *
store_find_seen(const struct store *store, struct slice key, uint64_t hash,
                const struct place *place)
{
    struct slot slot;

    if (LIKELY(index_believes(&store->index, place))) {
        char *rec = arena_at(&store->arena, place->at);

        if (LIKELY(rec_has_key(rec, key)))
            return rec;
    }
    return store_find(store, key, hash, &slot);
}

/*
 * All but the CAS. Inline, so that a get sets only those fields that its caller looks at; for the same reason
 * fields of several forms are read by calls.
 */
static inline bool __attribute__((always_inline))
describe(const struct store *store, char *rec, struct item *item)
{
    const struct seg *seg = arena_seg(&store->arena, rec);
    unsigned info = rec_info(rec);
    uint32_t key_len = rec_key_len(rec);
    uint32_t header = rec_header_bytes(rec);
    uint32_t len = rec_body_len(rec);
    bool expires = rec_has_expiry(rec);

    if (BROKEN(!arena_fits(&store->arena, rec, header + key_len + len)))
        return false;

    item->handle = rec;
    item->key = slice_make(rec + header, key_len);
    item->client_flags = rec_has_flags(rec) ? rec_client_flags(rec) : 0;
    item->expires_s = UNLIKELY(expires) ? rec_expires(rec, seg) : (uint32_t)STORE_NEVER;
    item->accessed_s = rec_accessed(rec, seg);
    item->marks = (info & REC_MARKS) >> REC_MARKS_SHIFT;
    if (UNLIKELY((info & REC_LARGE) != 0)) {
        item->value_bytes = large_value_bytes(rec);
        item->value = large_at(store, rec, 0);
        return true;
    }
    item->value_bytes = len;
    item->value = slice_make(rec + header + key_len, len);
    return true;
}

bool
store_describe(const struct store *store, char *rec, struct item *item)
{
    if (!describe(store, rec, item))
        return false;
    item->cas = rec_cas(rec, &store->arena);
    return true;
}

bool
store_peek(struct store *store, struct slice key, uint64_t hash, struct item *item)
{
    struct slot slot;
    char *rec = store_find(store, key, hash, &slot);

    return rec != NULL && !rec_is_gone(store, rec) && store_describe(store, rec, item);
}

/*
 * The stamp is a wide one, or too narrow: a first access after many hours. Where clients hold all
 * memory, so that nothing can be written, the last second that it can hold will have to do. Returns
 * where the record is.
 */
static NOINLINE char *
note_late_access(struct store *store, char *rec)
{
    struct seg *seg = arena_seg(&store->arena, rec);
    struct rec_head head;
    char *new;

    if (rec_set_accessed(rec, seg, store->now_s))
        return rec;
    head = rec_read_head(rec, &store->arena);
    head.accessed_s = store->now_s;
    new = rewrite(store, rec, &head);
    if (new != NULL)
        return new;
    save_u16(rec + REC_STAMP_OFF, UINT16_MAX);
    return rec;
}

/*
 * Only what changes is written: a hot item's line is dirtied once a second. Of *ITEM it is
 * not told, so that a caller need not keep what it does not look at.
 */
static inline char *
note_access(struct store *store, char *rec)
{
    enum { FETCHED = ITEM_FETCHED << REC_MARKS_SHIFT, ALL = FETCHED | REC_FREQ_MAX };
    unsigned info = rec_info(rec);
    uint32_t stamp = store->now_s - arena_seg(&store->arena, rec)->base_s;

    if ((info & ALL) != ALL)
        rec_set_info(rec, (info | FETCHED) + ((info & REC_FREQ) < REC_FREQ_MAX));
    if (UNLIKELY(stamp > UINT16_MAX || rec_is_wide(rec)))
        return note_late_access(store, rec);
    if (load_u16(rec + REC_STAMP_OFF) != stamp)
        save_u16(rec + REC_STAMP_OFF, stamp);
    return rec;
}

/* ITEM lies at REC now. */
static inline void
relocate(const struct store *store, struct item *item, char *rec)
{
    if (LIKELY(rec == item->handle))
        return;
    item->handle = rec;
    item->key = rec_key(rec);
    item->value = store_value_at(store, rec, 0);
}

/* REC, which a get came across, goes. */
static NOINLINE void
drop_gone(struct store *store, char *rec, uint64_t hash)
{
    *(rec_is_flushed(store, rec) ? &store->stats.get_flushed : &store->stats.get_expired) += 1;
    item_count_reclaimed(store, rec);
    item_drop(store, rec, hash);
}

static inline bool __attribute__((always_inline))
get(struct store *store, struct slice key, uint64_t hash, const struct place *place, bool bump,
    struct item *item)
{
    char *rec = store_find_seen(store, key, hash, place);

    if (rec == NULL)
        return false;
    if (UNLIKELY(rec_is_gone(store, rec))) {
        drop_gone(store, rec, hash);
        return false;
    }
    if (!describe(store, rec, item))
        return false;
    if (bump)
        relocate(store, item, note_access(store, rec));
    return true;
}

MERGED bool
store_read(struct store *store, struct slice key, uint64_t hash, const struct place *place,
           struct item *item)
{
    return get(store, key, hash, place, true, item);
}

uint64_t
store_cas(const struct store *store, const struct item *item)
{
    return rec_cas(item->handle, &store->arena);
}

bool
store_get(struct store *store, struct slice key, uint64_t hash, bool bump, struct item *item)
{
    static const struct place nowhere;

    if (!get(store, key, hash, &nowhere, bump, item))
        return false;
    item->cas = store_cas(store, item);
    return true;
}

void
store_bump(struct store *store, struct item *item)
{
    relocate(store, item, note_access(store, item->handle));
}

struct slice
store_value_at(const struct store *store, const void *handle, uint64_t off)
{
    const char *rec = handle;
    size_t body = rec_body_off(rec);

    if ((rec_info(rec) & REC_LARGE) != 0)
        return large_at(store, rec, off);
    if (BROKEN(off > rec_body_len(rec)))
        return slice_make(NULL, 0);
    return slice_make(rec + body + off, rec_body_len(rec) - (size_t)off);
}
