/* Single records: counted, and dead. What an item is made of besides is not known here. */
#include "store_priv.h"

/* Bytes of a record that are key and value; the rest is header. */
static uint32_t
rec_content_bytes(const char *rec)
{
    if ((rec_info(rec) & REC_LARGE) != 0)
        return rec_key_len(rec); /* the value is in the pieces */
    return rec_key_len(rec) + rec_body_len(rec);
}

void
record_account(struct store *store, const char *rec, uint32_t bytes)
{
    uint32_t content = rec_content_bytes(rec);

    store->content_bytes += content;
    store->header_bytes += bytes - content;
}

void
record_note_expiry(struct store *store, const char *rec)
{
    uint32_t expires_s = rec_expires(rec, store->fixed_bytes);
    struct seg *seg = arena_seg(&store->arena, rec);

    if (expires_s == STORE_NEVER)
        return;
    if (expires_s < seg->scan_s)
        seg->scan_s = expires_s;
    if (expires_s < store->ttl.due_s)
        store->ttl.due_s = expires_s;
}

void
record_die(struct store *store, char *rec)
{
    uint32_t bytes = rec_bytes(rec, store->fixed_bytes);
    uint32_t content = rec_content_bytes(rec);
    unsigned info = rec_info(rec);
    /* A scan that stands at the end of the segment must not find itself in a record. */
    bool scanned = arena_seg_of(&store->arena, rec) == store->ttl.seg;

    if (BROKEN((info & REC_DEAD) != 0))
        return;
    store->content_bytes -= content;
    store->header_bytes -= bytes - content;
    rec_set_info(rec, (info | REC_DEAD) & ~(unsigned)REC_PENDING);
    if ((info & REC_PENDING) != 0 && !scanned)
        arena_rewind(&store->arena, rec, bytes);
    else
        arena_forget(&store->arena, rec, bytes);
}
