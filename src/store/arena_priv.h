/*
 * src/store/arena_priv.h - the arena, its segments and the logs they form.
 *
 *     base
 *     | segment 0 | segment 1 | segment 2 | ...            one mapping
 *
 *     a segment   | record | record | dead record | piece | free |
 *                 0                                       used   seg_bytes
 *
 * A log is a queue of segments, the oldest first; records are appended to its
 * open segment. Large values also own whole segments, which are in no log; the
 * first of each value stands for it in a queue of the log that its record is in.
 *
 *     UNBACKED -> OPEN -> CLOSED -> VICTIM -> FREE -> OPEN ...
 *                      (in a log's queue)      |
 *              \--> EXTENT --------------------/
 *
 * The location ("loc") of a record is its byte offset from the arena's beginning.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/invariant.h"
#include "memory_priv.h"

enum seg_state {
    SEG_UNBACKED, /* without memory */
    SEG_FREE,     /* with memory, without contents */
    SEG_OPEN,     /* being appended to */
    SEG_CLOSED,   /* in its log's queue */
    SEG_VICTIM,   /* taken out of the queue, being emptied */
    SEG_EXTENT,   /* holds a piece of one large value, and nothing else */
};

/*
 * The small log and the main one are several, one for each class of sizes: from LOG_SMALL and
 * from LOG_MAIN on.
 */
enum { LOG_CLASSES = 7, LOGS = 2 * LOG_CLASSES };
enum log_id { LOG_SMALL, LOG_MAIN = LOG_CLASSES };

static inline bool
log_is_main(enum log_id log)
{
    return log >= LOG_MAIN;
}

/* Where what is hit in LOG goes on to. */
static inline enum log_id
log_main_for(enum log_id log)
{
    return log_is_main(log) ? log : (enum log_id)(log + LOG_MAIN);
}

/*
 * Closed segments without pins are also in a list by how much of them is
 * dead, in parts of this; those with less than one part are in none.
 */
enum { DEAD_CLASSES = 64, DEAD_CLASS_BITS = 6 };
_Static_assert(DEAD_CLASSES == 1 << DEAD_CLASS_BITS, "a class is a shift");

#define SEG_NONE   UINT32_MAX
#define SCAN_NEVER UINT32_MAX

struct seg {
    uint32_t used; /* bytes appended */
    uint32_t live; /* of these: live or pending records */
    uint32_t pins;
    uint32_t extents;    /* segments owned by large items whose record lies here */
    uint32_t next, prev; /* in a queue or on the stack of free ones */
    uint32_t epoch;      /* of its opening: a flush makes it old */
    uint32_t scan_s;     /* when a look for expired items will pay */
    uint32_t serial;     /* distinguishes what it was from what it becomes */
    enum seg_state state : 8;
    enum log_id log : 8; /* of its queue */
    uint8_t dead_class;  /* the list that it is in; 0: none */
    bool queued;         /* an extent that stands for a large value */
    bool fresh;          /* behind `used` it has no memory yet */
    bool huge; /* all of it is on huge pages; of those that have no memory: on one made ahead */
    uint16_t
        cas_rate; /* CAS that its log draws in SEG_RATE_BYTES, as far as is known at its opening */
    uint32_t dead_next, dead_prev;
    uint32_t base_s;   /* what times of its records are counted from, */
    uint64_t base_cas; /* and their CAS: arena_expected_cas() */
};
enum { SEG_RATE_SHIFT = 20, SEG_RATE_BYTES = 1 << SEG_RATE_SHIFT };
/* What a request looks at of a segment is one cache line. */
_Static_assert(sizeof(struct seg) == 64, "a segment's entry is a cache line");

/* What giving up pins would bring, of one segment; it takes memory only once it is used. */
struct seg_trial {
    uint64_t number; /* of the trial that the rest is about */
    uint32_t pins;   /* left in it, */
    uint32_t dead;   /* and live bytes that died in it */
};

/* Times of records are counted from so many seconds before their segment was opened: survivors
 * are older. */
enum { SEG_PAST_S = 16384 };

struct seg_queue {
    uint32_t head;     /* oldest */
    uint32_t tail;     /* newest */
    uint32_t open;     /* or SEG_NONE */
    uint32_t length;   /* of the queue */
    uint32_t count;    /* segments, the open one and owned extents included */
    uint16_t cas_rate; /* for the next one */
};

struct arena {
    char *base;
    unsigned seg_shift;
    uint32_t seg_bytes;
    uint32_t seg_count;    /* whose memory may be used */
    uint32_t seg_max;      /* there is address space for */
    uint32_t seg_allowed;  /* may have memory: what the index leaves over */
    uint32_t seg_goal;     /* no more than that, as soon as the index wants to grow */
    uint32_t seg_resident; /* have memory */
    uint32_t seg_free;     /* of these without contents */
    uint32_t seg_open;     /* being appended to */
    uint32_t seg_pinned;   /* with pins */
    uint32_t seg_ahead;    /* from this number on, or from seg_touched, there is no memory */
    uint32_t seg_explicit; /* up to this number, memory is of the host's explicit huge pages; */
    uint32_t seg_taken;    /* so many of these have memory */
    uint32_t seg_huge;     /* are on huge pages */
    uint64_t pinned_live;  /* bytes that live in these */
    uint32_t free_head;
    uint32_t unbacked_head; /* those that had memory */
    uint32_t seg_touched;   /* segments ever in use: from this number on, none was */
    uint32_t serial;
    uint32_t epoch;
    uint32_t base_s; /* of the segment that is opened next */
    uint64_t cas;    /* the last one drawn: likewise */
    struct seg *segs;
    struct seg_trial *trials; /* behind them */
    struct seg_queue logs[LOGS];
    struct seg_queue large[LOGS]; /* extents that stand for large values */
    uint64_t dead_mask;           /* bit N: list N is not empty */
    uint32_t dead_heads[DEAD_CLASSES];
    size_t bytes;      /* of seg_count segments */
    size_t segs_bytes; /* of both tables, for seg_max segments */
    bool in_file;      /* where its memory comes from */
    bool huge; /* what is touched first comes on huge pages; the kernel had one the last time */
    uint8_t trimmed; /* parts that were given back of the segment at free_head, from its end */
};

/*
 * Segments of a size fit for LIMIT_BYTES, with address space of MEMORY for LIMIT_BYTES_MAX. False
 * when there is none.
 */
bool arena_init(struct arena *arena, struct memory *memory, size_t limit_bytes,
                size_t limit_bytes_max) MUST_USE;
/* Address space for one whose sizes are known: the segments, and the table. False when there is none. */
bool arena_map(struct arena *arena, struct memory *memory) MUST_USE;
void arena_fini(struct arena *arena);
/* Have at least COUNT segments, at most seg_max. False, and nothing changes, when the kernel refuses. */
bool arena_grow(struct arena *arena, uint32_t count) MUST_USE;

static inline uint32_t
arena_seg_of(const struct arena *arena, const void *addr)
{
    return (uint32_t)((size_t)((const char *)addr - arena->base) >> arena->seg_shift);
}

static inline struct seg *
arena_seg(const struct arena *arena, const void *addr)
{
    return arena->segs + arena_seg_of(arena, addr);
}

static inline char *
arena_at(const struct arena *arena, uint64_t loc)
{
    return arena->base + loc;
}

/* Whether LOC is within the segments. */
static inline bool
arena_has(const struct arena *arena, uint64_t loc)
{
    return loc < arena->bytes;
}

/* Whether BYTES from ADDR on lie within one segment. */
static inline bool
arena_fits(const struct arena *arena, const void *addr, uint32_t bytes)
{
    uint32_t off = (uint32_t)((const char *)addr - arena->base) & (arena->seg_bytes - 1);

    return off + bytes <= arena->seg_bytes;
}

/* The CAS that a record at ADDR has about, if it was stored when it came there. */
static inline uint64_t
arena_expected_cas(const struct arena *arena, const void *addr)
{
    const struct seg *seg = arena_seg(arena, addr);
    uint64_t off = (uint64_t)((const char *)addr - arena->base) & (arena->seg_bytes - 1);

    return seg->base_cas + (off * seg->cas_rate >> SEG_RATE_SHIFT);
}

static inline uint64_t
arena_loc(const struct arena *arena, const void *addr)
{
    return (uint64_t)((const char *)addr - arena->base);
}

static inline char *
seg_base(const struct arena *arena, uint32_t index)
{
    return arena->base + ((size_t)index << arena->seg_shift);
}

/* The segment that LOG is appended to, or NULL; and where that goes on. */
static inline struct seg *
arena_open_seg(const struct arena *arena, enum log_id log)
{
    uint32_t open = arena->logs[log].open;

    return open == SEG_NONE ? NULL : arena->segs + open;
}

static inline char *
arena_tail(const struct arena *arena, enum log_id log)
{
    uint32_t open = arena->logs[log].open;

    return open == SEG_NONE ? NULL : seg_base(arena, open) + arena->segs[open].used;
}

/* Whether the segment that will be taken again next has memory already. */
static inline bool
arena_head_is_ahead(const struct arena *arena)
{
    return arena->unbacked_head != SEG_NONE && arena->seg_bytes == MEMORY_AREA_BYTES &&
           arena->segs[arena->unbacked_head].huge;
}

/* Segments that have memory before they are in use. */
static inline uint32_t
arena_ahead(const struct arena *arena)
{
    uint32_t fresh =
        arena->seg_ahead > arena->seg_touched ? arena->seg_ahead - arena->seg_touched : 0;

    return fresh + arena_head_is_ahead(arena);
}

/* Segments that may still be taken into use; negative when the limit was lowered. */
static inline int64_t
arena_available(const struct arena *arena)
{
    return (int64_t)arena->seg_allowed + arena->seg_free - arena->seg_resident;
}

static inline uint32_t
arena_in_use(const struct arena *arena)
{
    return arena->seg_resident - arena->seg_free;
}

/*
 * BYTES at the tail of LOG, counted as live; NULL when that takes a new segment
 * and fewer than KEEP + 1 are available.
 */
char *arena_append(struct arena *arena, enum log_id log, uint32_t bytes, int64_t keep) MUST_USE;
/* BYTES more of SEG, which has them left, counted as live. */
static inline void
arena_extend(struct arena *arena, struct seg *seg, uint32_t bytes)
{
    seg->used += bytes;
    seg->live += bytes;
    if (UNLIKELY(seg->pins != 0))
        arena->pinned_live += bytes;
}
/* What was appended last, at ADDR, needs only BYTES of the MORE that it has. */
static inline void
arena_shorten(struct arena *arena, const void *addr, uint32_t more, uint32_t bytes)
{
    struct seg *seg = arena_seg(arena, addr);

    seg->used -= more - bytes;
    seg->live -= more - bytes;
    if (UNLIKELY(seg->pins != 0))
        arena->pinned_live -= more - bytes;
}
/* BYTES at ADDR live no longer. Their segment may be free after this. */
void arena_forget(struct arena *arena, const char *addr, uint32_t bytes);
/* Likewise, of what was appended last and is in no bucket: the log ends before it again. */
void arena_rewind(struct arena *arena, const char *addr, uint32_t bytes);
/* Close the open segment of LOG, if there is one. */
void arena_close(struct arena *arena, enum log_id log);
/* A whole segment for a piece of a large value, in no log; NULL as above. */
char *arena_take_extent(struct arena *arena, int64_t keep) MUST_USE;
/* Take a closed segment out of its queue: it is the victim now. */
void arena_take_victim(struct arena *arena, uint32_t index);
/* Put a victim back, as the newest of its log; if nothing lives in it, free it. */
void arena_put_back(struct arena *arena, uint32_t index);
/* The same for a closed one. */
void arena_rotate(struct arena *arena, uint32_t index);
/* Free a segment that nothing lives in or holds; not if it is open or the victim. */
void arena_release_if_empty(struct arena *arena, uint32_t index);

/* What lies in segment INDEX cannot be trusted: it is never emptied or used again. */
void arena_quarantine(struct arena *arena, uint32_t index);

void arena_pin(struct arena *arena, const void *addr);
void arena_unpin(struct arena *arena, const void *addr);

/* Of the closed segments without pins, one of those with most dead bytes, if that is
 * at least LEAST_CLASS of DEAD_CLASSES parts; else SEG_NONE. */
uint32_t arena_most_dead(const struct arena *arena, unsigned least_class) MUST_USE;

/* Let the extent at ADDR stand for its value, as the newest of those whose record is in LOG. */
void arena_queue_extent(struct arena *arena, const void *addr, enum log_id log);
/* No longer; nothing happens where it does not. */
void arena_unqueue_extent(struct arena *arena, const void *addr);
/* Note that a large item here owns COUNT segments more, or no longer. */
void arena_own_extents(struct arena *arena, const void *addr, uint32_t count);
void arena_disown_extents(struct arena *arena, const void *addr, uint32_t count);

/* --- backing.c --- */

/*
 * Give memory back of what was had ahead, or of a free segment, when there is more than allowed, or
 * more than the goal and KEEP free ones besides; of a large one on small pages a part. False when there is nothing
 * to give back.
 */
bool arena_trim(struct arena *arena, uint32_t keep);
/*
 * The first segment of the next block that arena_touch_ahead() would touch, within the goal, and so that at
 * most MOST segments have memory ahead. SEG_NONE when there is none.
 */
uint32_t arena_next_ahead(const struct arena *arena, uint32_t most) MUST_USE;
/* Have memory for that block: false when it is on small pages. BUG when there is none. */
bool arena_touch_ahead(struct arena *arena, uint32_t most) MUST_USE;
/*
 * Segment INDEX, which was not in use, is going to be, for the FIRST time or again: whether it has all of its memory already. A block of which
 * nothing was touched, and that is all within the goal, is touched now, where it comes on a huge page.
 */
bool arena_back(struct arena *arena, uint32_t index, bool first) MUST_USE;

/* --- segment_lists.c, for arena.c --- */

/* Put segment INDEX at the end of QUEUE, or take it out. */
void seg_queue_push(struct arena *arena, struct seg_queue *queue, uint32_t index);
void seg_queue_remove(struct arena *arena, struct seg_queue *queue, uint32_t index);
/* What is dead in a segment, or its state, or whether it is pinned, changed: relink it. */
void seg_dead_update(struct arena *arena, uint32_t index);
