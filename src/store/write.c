#include "store_priv.h"

/*
 * So that a table that has begun to grow is done long before it has to grow
 * again; and to shrink, when few large items take the place of many small ones.
 */
enum { BUCKETS_PER_WRITE = 2, BYTES_PER_BUCKET = 512, BUCKETS_PER_WRITE_MAX = 256 };

static bool
is_large(const struct store *store, unsigned info, const struct item_spec *spec)
{
    uint64_t bytes =
        rec_header_bytes(info, store->fixed_bytes) + spec->key.len + spec->value_bytes;

    return bytes > store->record_max;
}

static unsigned
info_of(const struct store *store, const struct item_spec *spec)
{
    unsigned info = REC_PENDING | ((spec->marks << REC_MARKS_SHIFT) & REC_MARKS);

    if (spec->client_flags != 0)
        info |= REC_CLIENT_FLAGS;
    if (spec->expires_s != STORE_NEVER)
        info |= REC_EXPIRES;
    if (is_large(store, info, spec))
        info |= REC_LARGE;
    return info;
}

static void
fill(struct store *store, char *rec, unsigned info, const struct item_spec *spec,
     uint32_t body_len)
{
    uint32_t fixed = store->fixed_bytes;

    rec[0] = (char)spec->key.len;
    rec_set_info(rec, info);
    rec_set_body_len(rec, body_len);
    rec_set_access(rec, store->now_s, 0);
    if (fixed != REC_FIXED_BYTES)
        save_u64(rec + REC_CAS_OFF, 0);
    if ((info & REC_CLIENT_FLAGS) != 0)
        save_u32(rec + fixed, spec->client_flags);
    if ((info & REC_EXPIRES) != 0)
        save_u32(rec + rec_expires_off(info, fixed), spec->expires_s);
    memcpy(rec + rec_header_bytes(info, fixed), spec->key.ptr, spec->key.len);
    if ((info & REC_LARGE) != 0)
        large_init(store, rec, spec->value_bytes);
}

/* Room in the index for one more item. */
static bool
index_room(struct store *store, uint64_t hash)
{
    return evict_index_has_room(store, hash) || evict_for_index(store, hash);
}

enum reserve_result
store_reserve(struct store *store, const struct item_spec *spec, void **handle)
{
    unsigned info = info_of(store, spec);
    uint64_t header = rec_header_bytes(info, store->fixed_bytes) + spec->key.len;
    uint64_t arena_bytes = (uint64_t)store->arena.seg_allowed << store->arena.seg_shift;
    uint32_t body_len;
    uint64_t *slot;
    enum log_id log;
    char *rec;

    BUG_ON(spec->key.len == 0 || spec->key.len > REC_KEY_MAX);
    store->missing_bytes = 0;
    if (header + spec->value_bytes > store->item_bytes_max)
        return RESERVE_TOO_LARGE;
    /* One item must not sweep everything else out, only not to fit in the end. */
    if (header + spec->value_bytes > store->limit_bytes / 2)
        return RESERVE_TOO_LARGE;
    if (spec->value_bytes > arena_bytes || !index_room(store, spec->hash))
        return RESERVE_OUT_OF_MEMORY;
    body_len = (info & REC_LARGE) != 0 ? large_body_bytes(store, spec->value_bytes)
                                       : (uint32_t)spec->value_bytes;
    log = policy_log_for(store, spec->hash, store_find(store, spec->key, spec->hash, &slot),
                         header + spec->value_bytes);
    rec = evict_append(store, log, (uint32_t)header + body_len);
    if (rec == NULL)
        return RESERVE_OUT_OF_MEMORY;
    fill(store, rec, info, spec, body_len);
    item_account(store, rec);
    arena_pin(&store->arena, rec);
    *handle = rec;
    return RESERVE_OK;
}

struct span
store_reserved_at(struct store *store, void *handle, uint64_t off)
{
    char *rec = handle;
    uint32_t bytes = rec_body_len(rec);

    if ((rec_info(rec) & REC_LARGE) != 0)
        return large_reserve_at(store, rec, off);
    BUG_ON(off > bytes);
    return span_make(rec + rec_body_off(rec, store->fixed_bytes) + off, bytes - (size_t)off);
}

void
store_abort(struct store *store, void *handle)
{
    char *rec = handle;

    BUG_ON((rec_info(rec) & REC_PENDING) == 0);
    /* Dead first, so that the end of the log can be used again; bytes stay for the unpinning. */
    if ((rec_info(rec) & REC_LARGE) != 0)
        large_unpin_pieces(store, rec);
    item_die(store, rec);
    store_unpin(store, rec);
}

/* Whether MODE lets a new item take the place of OLD, which may be NULL. */
static enum commit_result
may_commit(const struct store *store, const char *old, enum commit_mode mode, uint64_t compare)
{
    switch (mode) {
    case COMMIT_SET: return COMMIT_STORED;
    case COMMIT_ADD: return old == NULL ? COMMIT_STORED : COMMIT_NOT_STORED;
    case COMMIT_REPLACE: return old != NULL ? COMMIT_STORED : COMMIT_NOT_STORED;
    case COMMIT_CAS:
        if (old == NULL)
            return COMMIT_NOT_FOUND;
        if (compare != (store_has_cas(store) ? load_u64(old + REC_CAS_OFF) : 0))
            return COMMIT_EXISTS;
        return COMMIT_STORED;
    }
    BUG("commit_mode out of range");
}

/*
 * What was reserved before a flush and is committed after it must not count as
 * flushed: it moves to where new items go. NULL when there is no room for that.
 */
static char *
past_flush(struct store *store, char *rec)
{
    const struct seg *seg = arena_seg(&store->arena, rec);
    char *moved;

    if (LIKELY(seg->epoch == store->arena.epoch))
        return rec;
    moved = evict_move(store, rec, (enum log_id)seg->log);
    if (moved == NULL)
        return NULL;
    arena_pin(&store->arena, moved);
    store_unpin(store, rec);
    return moved;
}

/* Buckets to move now that REC is stored, if the index is being resized. */
static unsigned
buckets_per_write(const struct store *store, const char *rec)
{
    uint64_t bytes = rec_bytes(rec, store->fixed_bytes);
    uint64_t buckets;

    if ((rec_info(rec) & REC_LARGE) != 0)
        bytes += large_value_bytes(store, rec);
    buckets = BUCKETS_PER_WRITE + bytes / BYTES_PER_BUCKET;
    return buckets < BUCKETS_PER_WRITE_MAX ? (unsigned)buckets : BUCKETS_PER_WRITE_MAX;
}

/* Let REC be the item of its key, in the SLOT of OLD or, when that is NULL, in a new one. */
static void
publish(struct store *store, char *rec, uint64_t hash, char *old, uint64_t *slot)
{
    uint64_t loc = arena_loc(&store->arena, rec);

    rec_set_access(rec, store->now_s, old != NULL ? rec_freq(old) : 0);
    if (old != NULL) {
        index_move(slot, loc);
        item_die(store, old);
    } else {
        index_put(&store->index, hash, loc);
    }
    rec_set_info(rec, rec_info(rec) & ~(unsigned)REC_PENDING);
    if ((rec_info(rec) & REC_LARGE) != 0)
        large_queue(store, rec);
    item_note_expiry(store, rec);
    store->stats.total_items++;
    (void)store_index_step(store, buckets_per_write(store, rec));
}

static char *
find_live(struct store *store, const char *rec, uint64_t hash, uint64_t **slot)
{
    char *old = store_find(store, rec_key(rec, store->fixed_bytes), hash, slot);

    if (old == NULL || LIKELY(!rec_is_gone(store, old)))
        return old;
    item_count_reclaimed(store, old);
    item_remove(store, old, hash, *slot);
    return NULL;
}

static bool
is_complete(const struct store *store, const char *rec)
{
    return (rec_info(rec) & REC_LARGE) == 0 || large_is_complete(store, rec);
}

enum commit_result
store_commit(struct store *store, void *handle, enum commit_mode mode, uint64_t compare_cas,
             uint64_t new_cas, uint64_t *cas)
{
    uint64_t hash = rec_hash(store, handle);
    uint64_t *slot = NULL;
    char *old = find_live(store, handle, hash, &slot);
    enum commit_result result = is_complete(store, handle)
                                    ? may_commit(store, old, mode, compare_cas)
                                    : COMMIT_NOT_STORED;
    char *rec;

    if (result != COMMIT_STORED) {
        store_abort(store, handle);
        return result;
    }
    if (old == NULL && !evict_index_has_room(store, hash))
        return COMMIT_OUT_OF_MEMORY;
    rec = past_flush(store, handle);
    if (rec == NULL)
        return COMMIT_OUT_OF_MEMORY;
    if (rec != handle) /* making room for it may have moved or evicted the old one */
        old = find_live(store, rec, hash, &slot);
    publish(store, rec, hash, old, slot);
    if (store_has_cas(store)) {
        *cas = new_cas != 0 ? new_cas : ++store->cas;
        save_u64(rec + REC_CAS_OFF, *cas);
    } else {
        *cas = 0;
    }
    store_unpin_item(store, rec);
    return COMMIT_STORED;
}

/* Copy the item REC to NEW, which has room for an expiry besides. */
static void
widen(const struct store *store, const char *rec, char *new, uint32_t expires_s)
{
    unsigned info = rec_info(rec);
    uint32_t off = rec_expires_off(info, store->fixed_bytes);

    memcpy(new, rec, off);
    rec_set_info(new, info | REC_EXPIRES);
    save_u32(new + off, expires_s);
    memcpy(new + off + sizeof(expires_s), rec + off, rec_bytes(rec, store->fixed_bytes) - off);
}

bool
store_touch(struct store *store, struct item *item, uint32_t expires_s)
{
    char *rec = item->handle;
    unsigned info = rec_info(rec);
    enum log_id log = (enum log_id)arena_seg(&store->arena, rec)->log;
    uint64_t hash;
    char *new = rec;

    if ((info & REC_EXPIRES) != 0) {
        save_u32(rec + rec_expires_off(info, store->fixed_bytes), expires_s);
    } else if (expires_s != STORE_NEVER) {
        /* All of it: making room must not take a part. */
        store_pin_item(store, rec);
        new = evict_append(store, log,
                           rec_bytes(rec, store->fixed_bytes) + (uint32_t)sizeof(expires_s));
        if (new == NULL) {
            store_unpin_item(store, rec);
            return false;
        }
        widen(store, rec, new, expires_s);
        item_account(store, new);
        if ((info & REC_LARGE) != 0)
            large_set_owner(store, new, rec);
        hash = rec_hash(store, rec);
        index_move(index_find(&store->index, hash, arena_loc(&store->arena, rec)),
                   arena_loc(&store->arena, new));
        record_die(store, rec);
        store_unpin_item(store, rec);
    }
    item_note_expiry(store, new);
    store_describe(store, new, item);
    return true;
}
