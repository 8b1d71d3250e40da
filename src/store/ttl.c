/* Finding expired items that no client looks up (lookup.c drops those): a walk over due segments. */
#include "store_priv.h"

/*
 * Every segment knows when a look at it will pay. The walk that passes at that time
 * scans it, drops what has expired, and learns the next such time: when about a
 * sixteenth of it will have expired. So a segment of mixed lifetimes is not
 * scanned every second for the sake of one item.
 */
enum { WORTH_DIVISOR = 16, WALK_SEGMENTS = 256 };

void
ttl_init(struct store *store)
{
    store->ttl.due_s = SCAN_NEVER;
    store->ttl.seg = SEG_NONE;
}

static void
scan_begin(struct store *store, uint32_t index)
{
    struct ttl *ttl = &store->ttl;

    ttl->seg = index;
    ttl->serial = store->arena.segs[index].serial;
    ttl->off = 0;
    memset(ttl->class_bytes, 0, sizeof(ttl->class_bytes));
    /* A record that is appended from here on makes it earlier again. */
    store->arena.segs[index].scan_s = SCAN_NEVER;
}

static void
class_add(struct ttl *ttl, uint32_t left_s, uint32_t expires_s, uint32_t bytes)
{
    unsigned class = 32U - (unsigned)__builtin_clz(left_s | 1);

    if (ttl->class_bytes[class] == 0 || expires_s < ttl->class_first[class])
        ttl->class_first[class] = expires_s;
    ttl->class_bytes[class] += bytes;
}

static void
scan_end(struct store *store)
{
    struct ttl *ttl = &store->ttl;
    struct seg *seg = store->arena.segs + ttl->seg;
    uint64_t sum = 0;
    uint32_t next_s = SCAN_NEVER;

    for (unsigned i = 0; i < SCAN_CLASSES; i++) {
        if (ttl->class_bytes[i] == 0)
            continue;
        next_s = ttl->class_first[i];
        sum += ttl->class_bytes[i];
        if (sum >= store->arena.seg_bytes / WORTH_DIVISOR)
            break;
    }
    if (next_s < seg->scan_s)
        seg->scan_s = next_s;
    if (seg->scan_s < ttl->due_s)
        ttl->due_s = seg->scan_s;
    ttl->seg = SEG_NONE;
    store->stats.ttl_scans++;
}

/* A record of BYTES that the scan has come to: into BATCH, if it has expired. */
static void
scan_record(struct store *store, char *rec, uint32_t bytes, struct batch *batch)
{
    uint32_t expires_s;

    if ((rec_info(rec) & (REC_DEAD | REC_PENDING)) != 0 || rec_is_piece(rec))
        return;
    expires_s = rec_expires(rec, arena_seg(&store->arena, rec));
    if (expires_s == STORE_NEVER)
        return;
    if (expires_s > store->now_s)
        class_add(&store->ttl, expires_s - store->now_s, expires_s, bytes);
    else
        batch_add(store, batch, rec);
}

/* The next expired items among *RECORDS records, which are counted down. False: the segment is broken. */
static bool
gather(struct store *store, unsigned *records, struct batch *batch)
{
    struct ttl *ttl = &store->ttl;
    uint32_t used = store->arena.segs[ttl->seg].used;
    char *base = seg_base(&store->arena, ttl->seg);

    batch->count = 0;
    for (; *records > 0 && ttl->off < used && batch->count < BATCH; --*records) {
        char *rec = base + ttl->off;
        uint32_t bytes = rec_bytes(rec);

        if (BROKEN(bytes > used - ttl->off))
            return false;
        ttl->off += bytes;
        store->work_ns += RECORD_NS;
        scan_record(store, rec, bytes, batch);
    }
    batch_fetch(store, batch);
    store->work_ns += (uint64_t)batch->count * ITEM_NS;
    return true;
}

static void
drop_expired(struct store *store, const struct batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++) {
        item_count_reclaimed(store, batch->rec[i]);
        item_drop(store, batch->rec[i], batch->hash[i]);
    }
}

static void
scan_some(struct store *store, unsigned records)
{
    struct ttl *ttl = &store->ttl;
    struct seg *seg = store->arena.segs + ttl->seg;
    struct batch batch;

    /* The serial changes when it is freed and taken again; freed, it holds nothing. */
    if (seg->serial != ttl->serial || (seg->state != SEG_CLOSED && seg->state != SEG_OPEN)) {
        if (seg->serial == ttl->serial && seg->state == SEG_VICTIM) {
            seg->scan_s = store->now_s; /* should it be put back */
            if (ttl->due_s > store->now_s + 1)
                ttl->due_s = store->now_s + 1;
        }
        ttl->seg = SEG_NONE;
        return;
    }
    while (ttl->off < seg->used) {
        if (records == 0 || step_is_over(store))
            return;
        if (!gather(store, &records, &batch)) {
            arena_quarantine(&store->arena, ttl->seg);
            ttl->seg = SEG_NONE; /* without a second in which it is looked at again */
            return;
        }
        drop_expired(store, &batch);
        if (seg->state == SEG_FREE) {
            ttl->seg = SEG_NONE;
            return;
        }
    }
    scan_end(store);
}

/* Look for the next segment that is due. */
static void
walk_some(struct store *store)
{
    struct ttl *ttl = &store->ttl;

    for (unsigned i = 0; i < WALK_SEGMENTS; i++) {
        const struct seg *seg = store->arena.segs + ttl->cursor;
        uint32_t scan_s;

        if (ttl->cursor == store->arena.seg_touched) {
            ttl->walking = false;
            return;
        }
        ttl->cursor++;
        scan_s = seg->scan_s;
        if (seg->state == SEG_OPEN || seg->state == SEG_CLOSED) {
            if (scan_s <= store->now_s) {
                scan_begin(store, ttl->cursor - 1);
                return;
            }
        } else if (seg->state == SEG_VICTIM) {
            /* It is being looked at anyway; if it is put back, it will have to be later. */
            if (scan_s <= store->now_s)
                scan_s = store->now_s + 1;
        } else {
            continue;
        }
        if (scan_s < ttl->due_s)
            ttl->due_s = scan_s;
    }
}

bool
ttl_step(struct store *store, unsigned records)
{
    struct ttl *ttl = &store->ttl;

    if (ttl->seg != SEG_NONE) {
        scan_some(store, records);
        return true;
    }
    if (!ttl->walking) {
        if (LIKELY(ttl->due_s > store->now_s))
            return false;
        ttl->walking = true;
        ttl->cursor = 0;
        ttl->due_s = SCAN_NEVER;
    }
    walk_some(store);
    return true;
}
