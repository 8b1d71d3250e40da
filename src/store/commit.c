/* Committing: a reserved item becomes the one of its key. */
#include "store_priv.h"

/*
 * So that a table that has begun to grow is done long before it has to grow
 * again; and to shrink, when few large items replace many small ones.
 */
enum { BUCKETS_PER_WRITE = 2, BYTES_PER_BUCKET = 512, BUCKETS_PER_WRITE_MAX = 256 };

/* Whether RULE lets a new item replace OLD, which may be NULL. */
static enum commit_result
may_commit(const struct store *store, const char *old, const struct commit_rule *rule)
{
    switch (rule->mode) {
    case COMMIT_SET: return COMMIT_STORED;
    case COMMIT_ADD: return old == NULL ? COMMIT_STORED : COMMIT_NOT_STORED;
    case COMMIT_REPLACE: return old != NULL ? COMMIT_STORED : COMMIT_NOT_STORED;
    case COMMIT_CAS:
        if (old == NULL)
            return COMMIT_NOT_FOUND;
        if (!store_has_cas(store) || rule->compare_cas != rec_cas(old, &store->arena))
            return COMMIT_EXISTS;
        return COMMIT_STORED;
    }
    (void)BROKEN(true); /* no such mode */
    return COMMIT_NOT_STORED;
}

/*
 * Let REC, which was accessed now, have the CAS. What was reserved before a flush and is committed
 * after it must not count as flushed: it moves to where new items go, as does what was reserved
 * so long ago that its fields are too narrow. NULL when there is no memory for that.
 */
static char *
finish(struct store *store, char *rec, uint64_t cas)
{
    struct seg *seg = arena_seg(&store->arena, rec);
    struct rec_head head;
    char *moved;

    if (LIKELY(seg->epoch == store->arena.epoch && rec_set_accessed(rec, seg, store->now_s) &&
               rec_set_cas(rec, &store->arena, cas)))
        return rec;
    head = rec_read_head(rec, &store->arena);
    head.accessed_s = store->now_s;
    head.cas = cas;
    moved = space_rewrite(store, rec, &head);
    if (moved == NULL)
        return NULL;
    arena_pin(&store->arena, moved);
    store_unpin(store, rec);
    return moved;
}

/* Buckets to move now that REC is stored, if the index is being resized. */
static unsigned
buckets_per_write(const char *rec)
{
    uint64_t bytes = rec_bytes(rec);
    uint64_t buckets;

    if ((rec_info(rec) & REC_LARGE) != 0)
        bytes += large_value_bytes(rec);
    buckets = BUCKETS_PER_WRITE + bytes / BYTES_PER_BUCKET;
    return buckets < BUCKETS_PER_WRITE_MAX ? (unsigned)buckets : BUCKETS_PER_WRITE_MAX;
}

void
commit_publish(struct store *store, char *rec, uint64_t hash, char *old,
               const struct slot *slot)
{
    uint64_t loc = arena_loc(&store->arena, rec);

    rec_set_freq(rec, old != NULL ? rec_freq(old) : 0);
    if (old != NULL) {
        index_move(&store->index, slot, loc);
        item_die(store, old);
    } else {
        index_put(&store->index, hash, loc);
    }
    rec_set_info(rec, rec_info(rec) & ~(unsigned)REC_PENDING);
    if ((rec_info(rec) & REC_LARGE) != 0)
        large_queue(store, rec);
    record_note_expiry(store, rec);
    store->stats.total_items++;
    if (old == NULL || UNLIKELY(!limit_index_rests(store)))
        (void)limit_index_step(store, buckets_per_write(rec));
}

char *
commit_find_live(struct store *store, struct slice key, uint64_t hash, struct slot *slot)
{
    char *old = store_find(store, key, hash, slot);

    if (old == NULL || LIKELY(!rec_is_gone(store, old)))
        return old;
    item_count_reclaimed(store, old);
    item_remove(store, old, hash, slot);
    return NULL;
}

static bool
is_complete(const struct store *store, const char *rec)
{
    return (rec_info(rec) & REC_LARGE) == 0 || large_is_complete(store, rec);
}

enum commit_result
store_commit(struct store *store, void *handle, const struct commit_rule *rule, uint64_t *cas)
{
    uint64_t hash = rec_hash(store, handle);
    enum commit_result result = COMMIT_NOT_STORED;
    struct slot slot = {0};
    uint64_t drawn;
    char *old, *rec;

    if (BROKEN((rec_info(handle) & REC_PENDING) == 0))
        return COMMIT_NOT_STORED;
    old = commit_find_live(store, rec_key(handle), hash, &slot);
    if (is_complete(store, handle))
        result = may_commit(store, old, rule);
    if (result != COMMIT_STORED) {
        store_abort(store, handle);
        return result;
    }
    if (old == NULL && !space_fits_index(store, hash))
        return COMMIT_OUT_OF_MEMORY;
    drawn = rule->new_cas != 0 ? rule->new_cas : store->arena.cas + 1;
    rec = finish(store, handle, drawn);
    if (rec == NULL)
        return COMMIT_OUT_OF_MEMORY;
    if (rec != handle) /* making space for it may have moved or evicted the old one */
        old = commit_find_live(store, rec_key(rec), hash, &slot);
    commit_publish(store, rec, hash, old, &slot);
    if (store_has_cas(store) && rule->new_cas == 0)
        store->arena.cas = drawn;
    *cas = store_has_cas(store) ? drawn : 0;
    store_unpin_item(store, rec);
    return COMMIT_STORED;
}
