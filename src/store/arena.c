/* The memory of the store, in segments: taken, appended to, pinned, given back. */
#include "arena_priv.h"

#include <string.h>

/*
 * Segments are small enough that those which are open, free or half-emptied do not matter, and
 * large enough to append to for a while, and for values of some KB in one piece: a
 * thousand of them while they are small, then twice as many. Above 2 MiB the time to
 * empty one would show.
 */
#ifndef STORE_SEG_SHIFT_MIN /* smaller where tests make the store tiny */
#define STORE_SEG_SHIFT_MIN 14
#endif
enum { SEGS_WANTED = 1024, SEGS_WANTED_LARGE = 2048 };
enum { SEG_SHIFT_MIN = STORE_SEG_SHIFT_MIN, SEG_SHIFT_SMALL = 16, SEG_SHIFT_MAX = 21 };
_Static_assert((int)SEG_SHIFT_MIN >= (int)DEAD_CLASS_BITS,
               "a segment has as many bytes as classes");

bool
arena_map(struct arena *arena, struct memory *memory)
{
    size_t bytes = (size_t)arena->seg_max << arena->seg_shift;

    arena->in_file = memory_is_file(memory);
    arena->segs = memory_take(memory, arena->segs_bytes);
    if (arena->segs == NULL)
        return false;
    arena->trials = (struct seg_trial *)(void *)(arena->segs + arena->seg_max);
    arena->base = memory_take(memory, bytes);
    if (arena->base != NULL)
        return true;
    memory_give(arena->in_file, arena->segs, arena->segs_bytes);
    return false;
}

bool
arena_init(struct arena *arena, struct memory *memory, size_t limit_bytes,
           size_t limit_bytes_max)
{
    unsigned shift = SEG_SHIFT_MIN;

    while (shift < SEG_SHIFT_SMALL && (limit_bytes >> (shift + 1)) >= SEGS_WANTED)
        shift++;
    while (shift >= SEG_SHIFT_SMALL && shift < SEG_SHIFT_MAX &&
           (limit_bytes >> (shift + 1)) >= SEGS_WANTED_LARGE)
        shift++;
    memset(arena, 0, sizeof(*arena));
    arena->seg_shift = shift;
    arena->seg_bytes = UINT32_C(1) << shift;
    arena->seg_max = (uint32_t)(limit_bytes_max >> shift);
    arena->segs_bytes = arena->seg_max * (sizeof(struct seg) + sizeof(struct seg_trial));
    arena->base_s = UINT32_C(0) - SEG_PAST_S;
    arena->free_head = arena->unbacked_head = SEG_NONE;
    for (int i = 0; i < LOGS; i++)
        arena->logs[i] = arena->large[i] =
            (struct seg_queue){.head = SEG_NONE, .tail = SEG_NONE, .open = SEG_NONE};
    for (int i = 0; i < DEAD_CLASSES; i++)
        arena->dead_heads[i] = SEG_NONE;
    if (!arena_map(arena, memory))
        return false;
    if (arena_grow(arena, (uint32_t)(limit_bytes >> shift)))
        return true;
    arena_fini(arena);
    return false;
}

void
arena_fini(struct arena *arena)
{
    memory_give(arena->in_file, arena->segs, arena->segs_bytes);
    memory_give(arena->in_file, arena->base, (size_t)arena->seg_max << arena->seg_shift);
}

bool
arena_grow(struct arena *arena, uint32_t count)
{
    uint32_t more = count > arena->seg_count ? count - arena->seg_count : 0;

    if (BROKEN(count > arena->seg_max))
        return false;
    if (more == 0)
        return true;
    if (!memory_allow(arena->in_file, arena->segs + arena->seg_count,
                      more * sizeof(struct seg)) ||
        !memory_allow(arena->in_file, arena->trials + arena->seg_count,
                      more * sizeof(struct seg_trial)) ||
        !memory_allow(arena->in_file, seg_base(arena, arena->seg_count),
                      (size_t)more << arena->seg_shift))
        return false;
    arena->seg_count = count;
    arena->bytes = (size_t)count << arena->seg_shift;
    return true;
}

static struct seg_queue *
queue_of(struct arena *arena, const struct seg *seg)
{
    return arena->logs + seg->log;
}

/* --- Memory --- */

static uint32_t
seg_take(struct arena *arena, int64_t keep)
{
    bool ahead = true;
    uint32_t index;
    struct seg *seg;

    if (arena_available(arena) <= keep)
        return SEG_NONE;
    if (arena->free_head != SEG_NONE) {
        index = arena->free_head;
        arena->free_head = arena->segs[index].next;
        arena->seg_free--;
        ahead = arena->trimmed == 0;
        arena->trimmed = 0;
    } else if (arena->unbacked_head != SEG_NONE) {
        index = arena->unbacked_head;
        arena->unbacked_head = arena->segs[index].next;
        arena->seg_resident++;
        ahead = arena_back(arena, index, false);
    } else {
        if (BROKEN(arena->seg_touched == arena->seg_count))
            return SEG_NONE;
        index = arena->seg_touched++;
        arena->seg_resident++;
        ahead = arena_back(arena, index, true);
    }
    seg = arena->segs + index;
    seg->used = seg->live = seg->pins = seg->extents = 0;
    seg->fresh = !ahead;
    seg->epoch = arena->epoch;
    seg->base_s = arena->base_s;
    seg->base_cas = arena->cas;
    seg->cas_rate = 0;
    seg->scan_s = SCAN_NEVER;
    seg->serial = ++arena->serial;
    return index;
}

static void
seg_give(struct arena *arena, uint32_t index)
{
    struct seg *seg = arena->segs + index;

    seg->state = SEG_FREE;
    seg->next = arena->free_head;
    arena->free_head = index;
    arena->trimmed = 0;
    arena->seg_free++;
}

/* --- Life of a segment --- */

/* CAS that were drawn while segment INDEX was appended to, in SEG_RATE_BYTES. */
static uint16_t
drawn_rate(const struct arena *arena, uint32_t index)
{
    const struct seg *seg = arena->segs + index;
    uint64_t drawn = arena->cas - seg->base_cas;

    if (seg->used == 0 || drawn >= UINT32_MAX)
        return 0;
    drawn = ((drawn << SEG_RATE_SHIFT) + seg->used / 2) / seg->used;
    return drawn < UINT16_MAX ? (uint16_t)drawn : UINT16_MAX;
}

static bool
log_open(struct arena *arena, enum log_id log, int64_t keep)
{
    struct seg_queue *queue = arena->logs + log;
    uint32_t index = seg_take(arena, keep);

    if (index == SEG_NONE)
        return false;
    arena_close(arena, log);
    arena->segs[index].cas_rate = queue->cas_rate;
    arena->segs[index].state = SEG_OPEN;
    arena->segs[index].log = log;
    queue->open = index;
    queue->count++;
    arena->seg_open++;
    return true;
}

char *
arena_append(struct arena *arena, enum log_id log, uint32_t bytes, int64_t keep)
{
    const struct seg_queue *queue = arena->logs + log;
    struct seg *seg;
    char *addr;

    BUG_ON(bytes > arena->seg_bytes);
    if (queue->open == SEG_NONE || arena->segs[queue->open].used + bytes > arena->seg_bytes) {
        if (!log_open(arena, log, keep))
            return NULL;
    }
    seg = arena->segs + queue->open;
    addr = seg_base(arena, queue->open) + seg->used;
    arena_extend(arena, seg, bytes);
    return addr;
}

void
arena_forget(struct arena *arena, const char *addr, uint32_t bytes)
{
    uint32_t index = arena_seg_of(arena, addr);
    struct seg *seg = arena->segs + index;

    if (BROKEN(seg->live < bytes)) {
        arena_quarantine(arena, index);
        return;
    }
    seg->live -= bytes;
    if (UNLIKELY(seg->pins != 0))
        arena->pinned_live -= bytes;
    seg_dead_update(arena, index);
    if (seg->live == 0)
        arena_release_if_empty(arena, index);
}

void
arena_rewind(struct arena *arena, const char *addr, uint32_t bytes)
{
    uint32_t index = arena_seg_of(arena, addr);
    struct seg *seg = arena->segs + index;

    if (seg->state == SEG_OPEN && addr + bytes == seg_base(arena, index) + seg->used)
        seg->used -= bytes;
    arena_forget(arena, addr, bytes);
}

void
arena_close(struct arena *arena, enum log_id log)
{
    struct seg_queue *queue = arena->logs + log;
    uint32_t index = queue->open;

    if (index == SEG_NONE)
        return;
    queue->cas_rate = drawn_rate(arena, index);
    queue->open = SEG_NONE;
    arena->seg_open--;
    arena->segs[index].state = SEG_CLOSED;
    seg_queue_push(arena, queue, index);
    seg_dead_update(arena, index);
    arena_release_if_empty(arena, index);
}

char *
arena_take_extent(struct arena *arena, int64_t keep)
{
    uint32_t index = seg_take(arena, keep);

    if (index == SEG_NONE)
        return NULL;
    arena->segs[index].state = SEG_EXTENT;
    arena->segs[index].used = arena->segs[index].live = arena->seg_bytes;
    return seg_base(arena, index);
}

void
arena_take_victim(struct arena *arena, uint32_t index)
{
    struct seg *seg = arena->segs + index;

    BUG_ON(seg->state != SEG_CLOSED);
    seg_queue_remove(arena, queue_of(arena, seg), index);
    seg->state = SEG_VICTIM;
    seg_dead_update(arena, index);
}

void
arena_put_back(struct arena *arena, uint32_t index)
{
    struct seg *seg = arena->segs + index;

    BUG_ON(seg->state != SEG_VICTIM);
    seg->state = SEG_CLOSED;
    seg_queue_push(arena, queue_of(arena, seg), index);
    seg_dead_update(arena, index);
    arena_release_if_empty(arena, index);
}

void
arena_rotate(struct arena *arena, uint32_t index)
{
    struct seg_queue *queue = queue_of(arena, arena->segs + index);

    seg_queue_remove(arena, queue, index);
    seg_queue_push(arena, queue, index);
}

void
arena_release_if_empty(struct arena *arena, uint32_t index)
{
    struct seg *seg = arena->segs + index;

    if (seg->live != 0 || seg->pins != 0)
        return;
    switch (seg->state) {
    case SEG_CLOSED:
        seg_queue_remove(arena, queue_of(arena, seg), index);
        queue_of(arena, seg)->count--;
        seg_give(arena, index);
        seg_dead_update(arena, index);
        return;
    case SEG_EXTENT:
        BUG_ON(seg->queued);
        seg_give(arena, index);
        return;
    case SEG_UNBACKED:
    case SEG_FREE:
    case SEG_OPEN:
    case SEG_VICTIM: return;
    }
}

void
arena_quarantine(struct arena *arena, uint32_t index)
{
    arena_pin(arena, seg_base(arena, index)); /* and nothing takes this pin off */
}

/* --- Pins --- */

void
arena_pin(struct arena *arena, const void *addr)
{
    uint32_t index = arena_seg_of(arena, addr);

    if (arena->segs[index].pins++ > 0)
        return;
    arena->seg_pinned++;
    arena->pinned_live += arena->segs[index].live;
    seg_dead_update(arena, index);
}

/* The last pin of a segment is taken off; most are not the last. */
static NOINLINE void
unpin_last(struct arena *arena, uint32_t index)
{
    struct seg *seg = arena->segs + index;

    if (BROKEN(seg->pins == 0))
        return;
    seg->pins = 0;
    arena->seg_pinned--;
    arena->pinned_live -= seg->live;
    seg_dead_update(arena, index);
    arena_release_if_empty(arena, index);
}

void
arena_unpin(struct arena *arena, const void *addr)
{
    uint32_t index = arena_seg_of(arena, addr);
    struct seg *seg = arena->segs + index;

    if (seg->pins > 1)
        seg->pins--;
    else
        unpin_last(arena, index);
}

/* --- Extents --- */

void
arena_queue_extent(struct arena *arena, const void *addr, enum log_id log)
{
    uint32_t index = arena_seg_of(arena, addr);
    struct seg *seg = arena->segs + index;

    BUG_ON(seg->state != SEG_EXTENT || seg->queued);
    seg->queued = true;
    seg->log = log;
    seg_queue_push(arena, arena->large + log, index);
}

void
arena_unqueue_extent(struct arena *arena, const void *addr)
{
    uint32_t index = arena_seg_of(arena, addr);
    struct seg *seg = arena->segs + index;

    if (!seg->queued)
        return;
    seg->queued = false;
    seg_queue_remove(arena, arena->large + seg->log, index);
}

void
arena_own_extents(struct arena *arena, const void *addr, uint32_t count)
{
    struct seg *seg = arena_seg(arena, addr);

    seg->extents += count;
    queue_of(arena, seg)->count += count;
}

void
arena_disown_extents(struct arena *arena, const void *addr, uint32_t count)
{
    struct seg *seg = arena_seg(arena, addr);

    if (BROKEN(seg->extents < count))
        count = seg->extents;
    seg->extents -= count;
    queue_of(arena, seg)->count -= count;
}
