/* Lists by the time of a stall, in which every step takes constant time. */
#include "stall.h"

#include <stddef.h>

enum {
    SLOT_SHIFT = 7, /* 128 ms */
    FAR_SHIFT = 5,  /* slots of a far one: 4 s */
    SLOT_MASK = STALL_SLOTS - 1,
};

_Static_assert(((int)STALL_SLOTS & (int)SLOT_MASK) == 0, "a mask takes the rest");
_Static_assert(1 << FAR_SHIFT == STALL_SLOTS, "a far slot is as long as all recent ones");

void
stall_init(struct stall_line *line, uint64_t now_ms)
{
    line->slot = now_ms >> SLOT_SHIFT;
    list_init(&line->oldest);
    for (unsigned i = 0; i < STALL_SLOTS; i++) {
        list_init(&line->recent[i]);
        list_init(&line->older[i]);
    }
}

/* One slot further: its list, and that of its far slot, are used again. */
static void
step(struct stall_line *line)
{
    uint64_t gone = line->slot + 1 - STALL_SLOTS;
    uint64_t far = (line->slot + 1) >> FAR_SHIFT;

    if (far != line->slot >> FAR_SHIFT)
        list_append_all(&line->oldest, &line->older[far & SLOT_MASK]);
    list_append_all(&line->older[(gone >> FAR_SHIFT) & SLOT_MASK],
                    &line->recent[gone & SLOT_MASK]);
    line->slot++;
}

/* At most as many steps as there are slots, however long it has been. */
static void
advance(struct stall_line *line, uint64_t now_ms)
{
    uint64_t now = now_ms >> SLOT_SHIFT;

    for (unsigned i = 0; line->slot < now && i < STALL_SLOTS; i++)
        step(line);
    if (line->slot >= now)
        return;
    /* All that is recent has moved on: what is older may be older than it looks. */
    if (now - line->slot >= (uint64_t)STALL_SLOTS * STALL_SLOTS)
        for (unsigned i = 0; i < STALL_SLOTS; i++)
            list_append_all(&line->oldest, &line->older[i]);
    else
        for (uint64_t far = (line->slot >> FAR_SHIFT) + 1; far <= now >> FAR_SHIFT; far++)
            list_append_all(&line->oldest, &line->older[far & SLOT_MASK]);
    line->slot = now;
}

void
stall_put(struct stall_line *line, struct list_node *node, uint64_t now_ms, uint32_t age_ms)
{
    uint64_t then = (now_ms > age_ms ? now_ms - age_ms : 0) >> SLOT_SHIFT;
    uint64_t far = then >> FAR_SHIFT;

    advance(line, now_ms);
    if (then + STALL_SLOTS > line->slot)
        list_push_back(&line->recent[then & SLOT_MASK], node);
    else if (far + STALL_SLOTS > line->slot >> FAR_SHIFT)
        list_push_back(&line->older[far & SLOT_MASK], node);
    else
        list_push_back(&line->oldest, node);
}

static struct list_node *
first_of(const struct list_node *lists, uint64_t after)
{
    for (unsigned i = 1; i <= STALL_SLOTS; i++) {
        const struct list_node *list = &lists[(after + i) & SLOT_MASK];

        if (list->next != list)
            return list->next;
    }
    return NULL;
}

struct list_node *
stall_first(struct stall_line *line, uint64_t now_ms)
{
    struct list_node *node;

    advance(line, now_ms);
    if (!list_is_empty(&line->oldest))
        return line->oldest.next;
    node = first_of(line->older, line->slot >> FAR_SHIFT);
    return node != NULL ? node : first_of(line->recent, line->slot);
}
