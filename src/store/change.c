/* Changing an item that is there: its marks, CAS, value, expiry; or deleting it. */
#include "store_priv.h"

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

    if (BROKEN((rec_info(rec) & REC_LARGE) != 0 || value.len != rec_body_len(rec)))
        return item->cas;
    memcpy(rec + rec_body_off(rec, store->fixed_bytes), value.ptr, value.len);
    return store_set_cas(store, item, new_cas);
}

/* Copy the item REC to NEW, which has space for an expiry besides. */
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

/* The item REC lies at NEW now. */
static void
tell_index(struct store *store, const char *rec, const char *new)
{
    uint64_t *slot =
        index_find(&store->index, rec_hash(store, rec), arena_loc(&store->arena, rec));

    if (!BROKEN(slot == NULL))
        index_move(slot, arena_loc(&store->arena, new));
}

bool
store_touch(struct store *store, struct item *item, uint32_t expires_s)
{
    char *rec = item->handle;
    unsigned info = rec_info(rec);
    enum log_id log = arena_seg(&store->arena, rec)->log;
    uint32_t bytes;
    char *new = rec;

    if ((info & REC_EXPIRES) != 0) {
        save_u32(rec + rec_expires_off(info, store->fixed_bytes), expires_s);
    } else if (expires_s != STORE_NEVER) {
        /* All of it: making space must not take a part. */
        store_pin_item(store, rec);
        bytes = rec_bytes(rec, store->fixed_bytes) + (uint32_t)sizeof(expires_s);
        new = space_append(store, log, bytes);
        if (new == NULL) {
            store_unpin_item(store, rec);
            return false;
        }
        widen(store, rec, new, expires_s);
        record_account(store, new, bytes);
        if ((info & REC_LARGE) != 0)
            large_set_owner(store, new, rec);
        tell_index(store, rec, new);
        record_die(store, rec);
        store_unpin_item(store, rec);
    }
    record_note_expiry(store, new);
    return store_describe(store, new, item);
}
