/* Storing a short value whole: reserved, filled and committed in one step. */
#include "lombard/base/copy.h"
#include "store_priv.h"

/* Give REC up, which no client has seen. */
static enum reserve_result
refuse(struct store *store, char *rec)
{
    item_die(store, rec);
    return RESERVE_OUT_OF_MEMORY;
}

/*
 * The record, which counts as reserved until it is published. An item of its key may have gone or
 * moved by then. NULL: there is no memory.
 */
static char *
append(struct store *store, const struct item_spec *spec, struct rec_head *head,
       enum log_id log)
{
    char *rec = space_append(store, log, head);

    if (rec == NULL)
        return NULL;
    memcpy(rec + rec_header_bytes(rec), spec->key.ptr, spec->key.len);
    record_account(store, rec);
    return rec;
}

enum reserve_result
store_put(struct store *store, const struct item_spec *spec, struct slice value,
          uint64_t new_cas, uint64_t *cas)
{
    struct rec_head head;
    enum reserve_result result;
    uint64_t made = store->space_made;
    struct slot slot = {0};
    char *old, *rec;

    result = reserve_check(store, spec);
    if (result != RESERVE_OK)
        return result;
    old = store_find(store, spec->key, spec->hash, &slot);
    head = reserve_head(store, spec);
    head.cas = new_cas != 0 ? new_cas : store->arena.cas + 1;
    head.cas_bytes_min = change_cas_bytes(store);
    rec =
        append(store, spec, &head, policy_log_for(store, spec->hash, old, reserve_bytes(spec)));
    if (rec == NULL)
        return RESERVE_OUT_OF_MEMORY;
    copy_to_store(rec + rec_body_off(rec), value.ptr, value.len);
    /* Making space may have moved or evicted it, or the slot. */
    if (UNLIKELY(store->space_made != made || (old != NULL && rec_is_gone(store, old))))
        old = commit_find_live(store, spec->key, spec->hash, &slot);
    if (old == NULL && !space_fits_index(store, spec->hash))
        return refuse(store, rec);
    commit_publish(store, rec, spec->hash, old, &slot);
    if (store_has_cas(store) && new_cas == 0)
        store->arena.cas = head.cas;
    *cas = store_has_cas(store) ? head.cas : 0;
    return RESERVE_OK;
}
