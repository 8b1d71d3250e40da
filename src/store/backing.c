/* The memory behind segments: some of it had ahead, and given back. */
#include "lombard/base/sys.h"
#include "arena_priv.h"

/* Of small pages, given back in one step: some 40 us. */
enum { DISCARD_BYTES = 512 * 1024 };

/* Segments that share a block, which may be a huge page. */
static uint32_t
per_block(const struct arena *arena)
{
    return (uint32_t)SYS_HUGE_BYTES >> arena->seg_shift;
}

static uint32_t
block_of(const struct arena *arena, uint32_t index)
{
    return index - index % per_block(arena);
}

/* All segments of the block at FIRST are on a huge page, or no longer. */
static void
set_huge(struct arena *arena, uint32_t first, bool huge)
{
    for (uint32_t i = first; i < first + per_block(arena) && i < arena->seg_count; i++) {
        if (arena->segs[i].huge == huge)
            continue;
        arena->segs[i].huge = huge;
        arena->seg_huge += huge ? 1 : UINT32_MAX;
        if (i < arena->seg_explicit)
            arena->seg_taken += huge ? 1 : UINT32_MAX;
    }
}

/* --- Ahead --- */

/* Those that were given back are taken before any new one. */
static uint32_t
next_unbacked(const struct arena *arena)
{
    bool wanted = per_block(arena) == 1 && !arena_head_is_ahead(arena) &&
                  arena->seg_resident < arena->seg_goal;

    return wanted ? arena->unbacked_head : SEG_NONE;
}

uint32_t
arena_next_ahead(const struct arena *arena, uint32_t most)
{
    uint32_t begin =
        arena->seg_ahead > arena->seg_touched ? arena->seg_ahead : arena->seg_touched;
    uint32_t first = block_of(arena, begin + per_block(arena) - 1);
    uint32_t end = first + per_block(arena);

    if (arena->unbacked_head != SEG_NONE)
        return next_unbacked(arena);
    if (end > arena->seg_count || end - arena->seg_touched > most ||
        arena->seg_resident + (end - arena->seg_touched) > arena->seg_goal)
        return SEG_NONE;
    return first;
}

/* Have memory for the block at FIRST. */
static bool
touch(struct arena *arena, uint32_t first)
{
    char *base = seg_base(arena, first);
    bool huge;

    if (arena->in_file)
        huge = sys_touch_huge_file(base);
    else if (first + per_block(arena) <= arena->seg_explicit)
        huge = sys_touch_huge(base, NULL, 0);
    else
        huge =
            sys_touch_huge(base, seg_base(arena, arena->seg_explicit),
                           (size_t)(arena->seg_max - arena->seg_explicit) << arena->seg_shift);
    if (huge)
        set_huge(arena, first, true);
    return huge;
}

bool
arena_touch_ahead(struct arena *arena, uint32_t most)
{
    uint32_t first = arena_next_ahead(arena, most);

    if (BROKEN(first == SEG_NONE))
        return false;
    if (arena->unbacked_head == SEG_NONE)
        arena->seg_ahead = first + per_block(arena);
    return touch(arena, first);
}

bool
arena_back(struct arena *arena, uint32_t index, bool first)
{
    uint32_t end = index + per_block(arena);

    if (arena->segs[index].huge || (first && index < arena->seg_ahead))
        return true;
    if (index < arena->seg_explicit) {
        set_huge(arena, block_of(arena, index), true);
        return true;
    }
    if (!arena->huge || !first || index != block_of(arena, index) || end > arena->seg_count ||
        arena->seg_resident + per_block(arena) > arena->seg_goal)
        return false;
    arena->seg_ahead = end;
    arena->huge = touch(arena, index);
    return true;
}

/* --- Given back --- */

/* Whether segment INDEX is the only one of its block that has memory in use. */
static bool
is_last_of_block(const struct arena *arena, uint32_t index)
{
    uint32_t first = block_of(arena, index);

    for (uint32_t i = first; i < first + per_block(arena) && i < arena->seg_touched; i++)
        if (i != index && arena->segs[i].state != SEG_UNBACKED)
            return false;
    return true;
}

/* Memory of segment INDEX, which is not in use; of explicit huge pages only all of one can go. */
static void
discard(struct arena *arena, uint32_t index)
{
    uint32_t first = block_of(arena, index);
    char *base = seg_base(arena, index);

    if (index < arena->seg_explicit) {
        if (!is_last_of_block(arena, index))
            return;
        memory_discard(false, seg_base(arena, first), SYS_HUGE_BYTES);
        set_huge(arena, first, false);
        return;
    }
    if (arena->segs[index].huge) {
        if (per_block(arena) > 1 && !arena->in_file)
            sys_divide_huge(base, arena->seg_bytes);
        set_huge(arena, first, false);
    }
    memory_discard(arena->in_file, base, arena->seg_bytes);
}

/* What was had ahead: the segment that would be taken again next, or the last block. */
static void
discard_ahead(struct arena *arena)
{
    uint32_t first = block_of(arena, arena->seg_ahead - 1);

    if (arena_head_is_ahead(arena)) {
        discard(arena, arena->unbacked_head);
        return;
    }
    if (first < arena->seg_touched)
        first = arena->seg_touched;
    for (uint32_t i = first; i < arena->seg_ahead; i++)
        discard(arena, i);
    arena->seg_ahead = first;
}

/* Memory of the first free segment, INDEX, in parts where all of it would take long. False: some is left. */
static bool
discard_in_parts(struct arena *arena, uint32_t index)
{
    bool in_parts = !arena->segs[index].huge && index >= arena->seg_explicit;
    uint32_t left = arena->seg_bytes - arena->trimmed * (uint32_t)DISCARD_BYTES;

    if (in_parts && left > DISCARD_BYTES) {
        arena->trimmed++;
        memory_discard(arena->in_file, seg_base(arena, index) + left - DISCARD_BYTES,
                       DISCARD_BYTES);
        return false;
    }
    arena->trimmed = 0;
    discard(arena, index);
    return true;
}

bool
arena_trim(struct arena *arena, uint32_t keep)
{
    uint32_t index = arena->free_head;
    uint32_t held = arena->seg_resident + arena_ahead(arena);
    struct seg *seg;

    if (LIKELY(held <= arena->seg_goal))
        return false;
    if (arena_ahead(arena) > 0) {
        discard_ahead(arena);
        return true;
    }
    if (index == SEG_NONE ||
        (arena->seg_resident <= arena->seg_allowed && arena->seg_free <= keep))
        return false;
    if (!discard_in_parts(arena, index))
        return true;
    seg = arena->segs + index;
    arena->free_head = seg->next;
    arena->seg_free--;
    arena->seg_resident--;
    seg->state = SEG_UNBACKED;
    seg->next = arena->unbacked_head;
    arena->unbacked_head = index;
    return true;
}
