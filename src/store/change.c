/* Changing an item that is there: its marks, CAS, value, expiry; or deleting it. */
#include "store_priv.h"

/*
 * An item whose CAS has changed in place once may do so often: it gets a field that will do. So
 * that not every one of such items has to be written anew, those that are stored next get some room, too.
 */
enum { CAS_BYTES_CHANGED = 4, CAS_BYTES_STORED = 2, CHANGING_PUTS = 65536 };

unsigned
change_cas_bytes(struct store *store)
{
    if (LIKELY(store->changing_puts == 0))
        return 0;
    store->changing_puts--;
    return CAS_BYTES_STORED;
}

void
store_delete(struct store *store, const struct item *item)
{
    item_drop(store, item->handle, rec_hash(store, item->handle));
}

void
store_set_marks(struct store *store, const struct item *item, uint32_t marks)
{
    char *rec = item->handle;

    (void)store;
    rec_set_info(rec, (rec_info(rec) & ~(unsigned)REC_MARKS) |
                          ((marks << REC_MARKS_SHIFT) & REC_MARKS));
}

/* Give REC an expiry and a CAS; where they do not fit, it is written anew. NULL without memory. */
static char *
renew(struct store *store, char *rec, uint32_t expires_s, uint64_t cas)
{
    const struct arena *arena = &store->arena;
    const struct seg *seg = arena_seg(arena, rec);
    struct rec_head head;

    if (LIKELY(rec_can_hold_cas(rec, arena, cas) && rec_set_expires(rec, seg, expires_s) &&
               rec_set_cas(rec, arena, cas))) {
        if (expires_s != STORE_NEVER)
            record_note_expiry(store, rec);
        return rec;
    }
    head = rec_read_head(rec, arena);
    head.expires_s = expires_s;
    if (head.cas != cas) {
        head.cas = cas;
        head.cas_bytes_min = CAS_BYTES_CHANGED;
        store->changing_puts = CHANGING_PUTS;
    }
    return rewrite(store, rec, &head);
}

/* Likewise, and refresh *ITEM. */
static bool
renew_item(struct store *store, struct item *item, uint32_t expires_s, uint64_t cas)
{
    char *rec = renew(store, item->handle, expires_s, cas);

    if (rec == NULL)
        return false;
    if (UNLIKELY(rec != item->handle))
        return store_describe(store, rec, item);
    item->expires_s = expires_s;
    item->cas = store_has_cas(store) ? cas : 0;
    return true;
}

bool
store_touch(struct store *store, struct item *item, uint32_t expires_s)
{
    return renew_item(store, item, expires_s, item->cas);
}

bool
store_set_cas(struct store *store, struct item *item, uint32_t expires_s, uint64_t new_cas)
{
    uint64_t cas = new_cas != 0 ? new_cas : store->arena.cas + 1;

    if (!renew_item(store, item, expires_s, cas))
        return false;
    if (new_cas == 0 && store_has_cas(store))
        store->arena.cas = cas;
    return true;
}

bool
store_overwrite(struct store *store, struct item *item, struct slice value, uint32_t expires_s,
                uint64_t new_cas)
{
    char *rec = item->handle;

    if (BROKEN((rec_info(rec) & REC_LARGE) != 0 || value.len != rec_body_len(rec)) ||
        !store_set_cas(store, item, expires_s, new_cas))
        return false;
    rec = item->handle;
    memcpy(rec + rec_body_off(rec), value.ptr, value.len);
    return true;
}
