/* Lists of segments: queues by age, and lists by how much of a segment is dead. */
#include "arena_priv.h"

/* --- Queues --- */

void
seg_queue_push(struct arena *arena, struct seg_queue *queue, uint32_t index)
{
    struct seg *seg = arena->segs + index;

    seg->prev = queue->tail;
    seg->next = SEG_NONE;
    if (queue->tail != SEG_NONE)
        arena->segs[queue->tail].next = index;
    else
        queue->head = index;
    queue->tail = index;
    queue->length++;
}

void
seg_queue_remove(struct arena *arena, struct seg_queue *queue, uint32_t index)
{
    struct seg *seg = arena->segs + index;

    if (seg->prev != SEG_NONE)
        arena->segs[seg->prev].next = seg->next;
    else
        queue->head = seg->next;
    if (seg->next != SEG_NONE)
        arena->segs[seg->next].prev = seg->prev;
    else
        queue->tail = seg->prev;
    queue->length--;
}

/* --- By what is dead --- */

static void
dead_unlink(struct arena *arena, struct seg *seg)
{
    unsigned class = seg->dead_class;

    if (seg->dead_prev != SEG_NONE)
        arena->segs[seg->dead_prev].dead_next = seg->dead_next;
    else
        arena->dead_heads[class] = seg->dead_next;
    if (seg->dead_next != SEG_NONE)
        arena->segs[seg->dead_next].dead_prev = seg->dead_prev;
    if (arena->dead_heads[class] == SEG_NONE)
        arena->dead_mask &= ~(UINT64_C(1) << class);
    seg->dead_class = 0;
}

static void
dead_link(struct arena *arena, uint32_t index, unsigned class)
{
    struct seg *seg = arena->segs + index;

    seg->dead_class = (uint8_t) class;
    seg->dead_prev = SEG_NONE;
    seg->dead_next = arena->dead_heads[class];
    if (seg->dead_next != SEG_NONE)
        arena->segs[seg->dead_next].dead_prev = index;
    arena->dead_heads[class] = index;
    arena->dead_mask |= UINT64_C(1) << class;
}

void
seg_dead_update(struct arena *arena, uint32_t index)
{
    struct seg *seg = arena->segs + index;
    unsigned class = 0;

    if (seg->state == SEG_CLOSED && seg->pins == 0)
        class = (seg->used - seg->live) >> (arena->seg_shift - DEAD_CLASS_BITS);
    if (class >= DEAD_CLASSES)
        class = DEAD_CLASSES - 1;
    if (LIKELY(class == seg->dead_class))
        return;
    if (seg->dead_class != 0)
        dead_unlink(arena, seg);
    if (class != 0)
        dead_link(arena, index, class);
}

uint32_t
arena_most_dead(const struct arena *arena, unsigned least_class)
{
    unsigned class;

    if (arena->dead_mask == 0)
        return SEG_NONE;
    class = 63U - (unsigned)__builtin_clzll(arena->dead_mask);
    return class >= least_class ? arena->dead_heads[class] : SEG_NONE;
}
