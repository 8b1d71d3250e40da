/*
 * One number for all states that behave alike. Segments are numbered in the order in
 * which they are met, so that it does not matter which of them is where.
 */
#include <string.h>

#include "store_search_priv.h"

#include "store_priv.h"

enum { SEGS_MAX = 256, NO_ORDINAL = 0 };

struct walk {
    const struct world *w;
    uint64_t hash;
    uint32_t ordinal[SEGS_MAX]; /* NO_ORDINAL: not met yet */
    uint32_t met[SEGS_MAX + 1]; /* the other way round */
    uint32_t count;
};

static void
mix(struct walk *walk, uint64_t v)
{
    uint64_t h = (walk->hash ^ v) * UINT64_C(0x9e3779b97f4a7c15);

    walk->hash = h ^ h >> 29;
}

static void
mix_seg(struct walk *walk, uint32_t index)
{
    if (index != SEG_NONE && walk->ordinal[index] == NO_ORDINAL) {
        walk->ordinal[index] = ++walk->count;
        walk->met[walk->count] = index;
    }
    mix(walk, index == SEG_NONE ? 0 : walk->ordinal[index]);
}

static void
mix_addr(struct walk *walk, const void *addr)
{
    const struct arena *arena = &walk->w->store->arena;
    uint32_t index;

    if (addr == NULL) {
        mix(walk, 1);
        return;
    }
    index = arena_seg_of(arena, addr);
    mix_seg(walk, index);
    mix(walk, (uint64_t)((const char *)addr - seg_base(arena, index)));
}

/* A time from now on; every past one is the same. */
static void
mix_time(struct walk *walk, uint32_t s)
{
    uint32_t now_s = walk->w->now_s;

    mix(walk, s == STORE_NEVER || s == SCAN_NEVER ? s : s <= now_s ? 1 : s - now_s + 1);
}

static void
mix_record(struct walk *walk, const char *rec)
{
    const struct store *store = walk->w->store;
    unsigned info = rec_info(rec);

    mix(walk, rec_bytes(rec));
    mix(walk, info & (REC_DEAD | REC_PENDING | REC_LARGE));
    if ((info & REC_DEAD) != 0)
        return;
    if (rec_is_piece(rec)) {
        mix_addr(walk, arena_at(&store->arena, piece_owner(rec)));
        return;
    }
    mix(walk, (unsigned char)rec_key(rec).ptr[0]);
    mix(walk, rec_freq(rec));
    mix_time(walk, rec_expires(rec, arena_seg(&store->arena, rec)));
    for (uint32_t i = 0; i < large_pieces(store, rec); i++)
        mix_addr(walk, large_piece(store, rec, i));
}

static void
mix_segment(struct walk *walk, uint32_t index)
{
    const struct store *store = walk->w->store;
    const struct seg *seg = store->arena.segs + index;
    const char *base = seg_base(&store->arena, index);

    mix(walk, (uint64_t)seg->state << 8 | seg->log);
    mix(walk, seg->pins);
    mix(walk, seg->epoch == store->arena.epoch || store->flushed_items == 0);
    mix_time(walk, seg->scan_s);
    if (seg->state == SEG_FREE || seg->state == SEG_UNBACKED)
        return;
    for (uint32_t off = 0; off < seg->used;) {
        mix_record(walk, base + off);
        off += rec_bytes(base + off);
    }
}

static void
mix_queue(struct walk *walk, const struct seg_queue *queue)
{
    const struct arena *arena = &walk->w->store->arena;

    for (uint32_t i = queue->head; i != SEG_NONE; i = arena->segs[i].next)
        mix_seg(walk, i);
    mix_seg(walk, queue->open);
}

static void
mix_evictor(struct walk *walk)
{
    const struct store *store = walk->w->store;
    const struct evictor *ev = &store->evictor;
    bool promised = ev->promised != SEG_NONE &&
                    store->arena.segs[ev->promised].serial == ev->promised_serial;

    mix_seg(walk, ev->victim);
    if (ev->victim != SEG_NONE) {
        mix(walk, ev->off);
        mix(walk, ev->moved);
        mix(walk, ev->clean);
    }
    mix(walk, ev->level);
    mix(walk, ev->poor);
    for (int i = 0; i < LOG_CLASSES; i++)
        mix(walk, ev->inflow[i]);
    for (int i = 0; i < LOGS; i++)
        mix(walk, ev->useless[i]);
    mix(walk, ev->growing);
    mix(walk, store->wait_work);
    mix_addr(walk, store->waiting);
    mix(walk, ev->owed_bytes);
    mix(walk, ev->flush_sweep);
    for (int i = 0; i < LOGS; i++) {
        mix(walk, ev->passed[i]);
        mix(walk, ev->passed_large[i]);
    }
    mix_seg(walk, promised ? ev->promised : SEG_NONE);
}

static void
mix_ttl(struct walk *walk)
{
    const struct ttl *ttl = &walk->w->store->ttl;

    mix(walk, ttl->walking);
    mix_time(walk, ttl->due_s);
    mix_seg(walk, ttl->seg);
    if (ttl->seg != SEG_NONE)
        mix(walk, ttl->off);
}

static void
mix_held(struct walk *walk, const struct held *held)
{
    mix_addr(walk, held->handle);
    if (held->handle != NULL) {
        mix(walk, held->key);
        mix(walk, held->filled);
    }
}

uint64_t
world_hash(const struct world *w)
{
    const struct arena *arena = &w->store->arena;
    struct walk walk;
    unsigned kind;

    memset(&walk, 0, sizeof(walk));
    walk.w = w;
    for (int log = 0; log < LOGS; log++)
        mix_queue(&walk, arena->logs + log);
    for (int log = 0; log < LOGS; log++)
        mix_queue(&walk, arena->large + log);
    mix_evictor(&walk);
    mix_ttl(&walk);
    for (unsigned i = 0; i < HELD_MAX; i++) {
        mix_held(&walk, w->pins + i);
        mix_held(&walk, w->uploads + i);
    }
    mix(&walk, arena->seg_free);
    mix(&walk, arena->seg_resident);
    mix(&walk, arena->seg_allowed);
    mix(&walk, arena->seg_goal);
    mix(&walk, store_limit_bytes(w->store));
    mix(&walk, w->store->shrinking);
    for (uint32_t i = 1; i <= walk.count; i++)
        mix_segment(&walk, walk.met[i]);
    for (unsigned key = 0; key < KEYS_MAX && w->scope->values[key] > 0; key++) {
        uint64_t hash = store_hash(w->store, world_key(key));

        mix(&walk, index_has_ghost(&w->store->index, hash, w->store->index.count, &kind)
                       ? 2 + kind
                       : 1);
        mix(&walk, w->entries[key].present);
    }
    return walk.hash;
}
