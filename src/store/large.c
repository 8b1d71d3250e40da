/* Large values: cut into pieces, which a table in their record finds. */
#include "store_priv.h"

enum { FETCH_PIECES = 8 };

/*
 * A value is cut so that the piece of any offset is found by one division:
 * first as many whole segments as it fills, then pieces of piece_bytes, which
 * lie in the log like other records.
 *
 *     | extent 0 | extent 1 | ... | piece | piece | short piece |
 *       extent_bytes each           piece_bytes each
 */
static uint32_t
extent_count(const struct store *store, uint64_t value_bytes)
{
    return (uint32_t)(value_bytes / store->extent_bytes);
}

static uint32_t
piece_count(const struct store *store, uint64_t value_bytes)
{
    uint64_t rest = value_bytes % store->extent_bytes;

    return extent_count(store, value_bytes) +
           (uint32_t)((rest + store->piece_bytes - 1) / store->piece_bytes);
}

struct cut
large_cut(const struct store *store, const char *rec, uint64_t off)
{
    uint64_t value_bytes = large_value_bytes(rec);
    uint32_t extents = extent_count(store, value_bytes);
    uint64_t in_extents = (uint64_t)extents * store->extent_bytes;
    struct cut cut;
    uint64_t left;

    if (off < in_extents) {
        cut.number = (uint32_t)(off / store->extent_bytes);
        cut.begin = (uint64_t)cut.number * store->extent_bytes;
        cut.bytes = store->extent_bytes;
        cut.extent = true;
        return cut;
    }
    cut.number = (uint32_t)((off - in_extents) / store->piece_bytes);
    cut.begin = in_extents + (uint64_t)cut.number * store->piece_bytes;
    cut.number += extents;
    left = value_bytes - cut.begin;
    cut.bytes = left < store->piece_bytes ? (uint32_t)left : store->piece_bytes;
    cut.extent = false;
    return cut;
}

uint32_t
large_body_bytes(const struct store *store, uint64_t value_bytes)
{
    return (1 + piece_count(store, value_bytes)) * TABLE_ENTRY_BYTES;
}

/* The table's entry of a piece: its location + 1, or 0. */
static char *
entry_of(char *rec, uint32_t number)
{
    return rec + rec_body_off(rec) + (size_t)(1 + number) * TABLE_ENTRY_BYTES;
}

/* Where a piece lies; false when it has no location yet. */
static bool
piece_loc(const struct store *store, const char *rec, uint32_t number, uint64_t *loc)
{
    uint64_t entry =
        load_u64(rec + rec_body_off(rec) + (size_t)(1 + number) * TABLE_ENTRY_BYTES);

    *loc = entry - 1; /* of none: outside */
    if (LIKELY(arena_has(&store->arena, *loc)))
        return true;
    (void)BROKEN(entry != 0);
    return false;
}

char *
large_piece(const struct store *store, const char *rec, uint32_t number)
{
    uint64_t loc;

    return piece_loc(store, rec, number, &loc) ? arena_at(&store->arena, loc) : NULL;
}

uint64_t
large_value_bytes(const char *rec)
{
    return load_u64(rec + rec_body_off(rec));
}

void
large_init(char *rec, uint64_t value_bytes)
{
    char *body = rec + rec_body_off(rec);

    memset(body, 0, rec_body_len(rec));
    save_u64(body, value_bytes);
}

void
large_init_piece(struct store *store, char *rec, char *piece, const struct cut *cut)
{
    piece[0] = 0;
    rec_set_info(piece, 0);
    save_u24(piece + PIECE_LEN_OFF, cut->bytes);
    piece_set_owner(piece, arena_loc(&store->arena, rec));
    save_u32(piece + PIECE_NUMBER_OFF, cut->number);
    save_u64(entry_of(rec, cut->number), arena_loc(&store->arena, piece) + 1);
    record_account(store, piece);
    if (cut->extent)
        arena_own_extents(&store->arena, rec, 1);
}

struct span
large_piece_span(char *piece, const struct cut *cut, uint64_t off)
{
    uint32_t into = (uint32_t)(off - cut->begin);

    return span_make(piece + PIECE_HEADER_BYTES + into, cut->bytes - into);
}

struct slice
large_at(const struct store *store, const char *rec, uint64_t off)
{
    struct cut cut = large_cut(store, rec, off);
    struct span part;
    uint64_t loc;

    if (!piece_loc(store, rec, cut.number, &loc))
        return slice_make(NULL, 0);
    part = large_piece_span(arena_at(&store->arena, loc), &cut, off);
    return slice_make(part.ptr, part.len);
}

uint32_t
large_pieces(const struct store *store, const char *rec)
{
    if ((rec_info(rec) & REC_LARGE) == 0)
        return 0;
    return piece_count(store, large_value_bytes(rec));
}

uint32_t
large_extents(const struct store *store, const char *rec)
{
    return extent_count(store, large_value_bytes(rec));
}

bool
large_is_complete(const struct store *store, const char *rec)
{
    uint32_t count = piece_count(store, large_value_bytes(rec));

    for (uint32_t i = 0; i < count; i++)
        if (large_piece(store, rec, i) == NULL)
            return false;
    return true;
}

void
large_queue(struct store *store, const char *rec)
{
    if (extent_count(store, large_value_bytes(rec)) > 0)
        arena_queue_extent(&store->arena, large_piece(store, rec, 0),
                           arena_seg(&store->arena, rec)->log);
}

bool
large_has_free_extent(const struct store *store, const char *rec)
{
    uint32_t extents = extent_count(store, large_value_bytes(rec));

    for (uint32_t i = 0; i < extents; i++)
        if (arena_seg(&store->arena, large_piece(store, rec, i))->pins == 0)
            return true;
    return false;
}

void
large_pieces_die(struct store *store, const char *rec)
{
    uint64_t value_bytes = large_value_bytes(rec);
    uint32_t extents = extent_count(store, value_bytes);
    uint32_t count = piece_count(store, value_bytes);
    uint32_t owned = 0;

    if (extents > 0 && large_piece(store, rec, 0) != NULL)
        arena_unqueue_extent(&store->arena, large_piece(store, rec, 0));
    for (uint32_t i = 0; i < count; i++) {
        char *piece = large_piece(store, rec, i);

        if (piece == NULL)
            continue;
        owned += i < extents;
        record_die(store, piece);
    }
    arena_disown_extents(&store->arena, rec, owned);
}

void
large_fetch(const struct store *store, const char *rec)
{
    uint32_t count = piece_count(store, large_value_bytes(rec));

    for (uint32_t i = 0; i < count && i < FETCH_PIECES; i++) {
        const char *piece = large_piece(store, rec, i);

        if (piece == NULL)
            continue;
        PREFETCH(piece);
        PREFETCH(arena_seg(&store->arena, piece));
    }
}

uint32_t
large_piece_count(const struct store *store, const char *rec)
{
    uint32_t count = piece_count(store, large_value_bytes(rec));
    uint32_t there = 0;

    for (uint32_t i = 0; i < count; i++)
        there += large_piece(store, rec, i) != NULL;
    return there;
}

void
large_set_owner(struct store *store, const char *rec, const char *old)
{
    uint64_t value_bytes = large_value_bytes(rec);
    uint32_t extents = extent_count(store, value_bytes);
    uint32_t count = piece_count(store, value_bytes);
    uint32_t owned = 0;

    for (uint32_t i = 0; i < count; i++) {
        char *piece = large_piece(store, rec, i);

        if (piece == NULL)
            continue;
        owned += i < extents;
        piece_set_owner(piece, arena_loc(&store->arena, rec));
    }
    arena_disown_extents(&store->arena, old, owned);
    arena_own_extents(&store->arena, rec, owned);
    if (owned > 0 && (rec_info(rec) & REC_PENDING) == 0 &&
        arena_seg(&store->arena, rec)->log != arena_seg(&store->arena, old)->log) {
        arena_unqueue_extent(&store->arena, large_piece(store, rec, 0));
        large_queue(store, rec);
    }
}

void
large_set_loc(struct store *store, const char *piece)
{
    char *owner = arena_at(&store->arena, piece_owner(piece));
    uint32_t number = load_u32(piece + PIECE_NUMBER_OFF);

    if (BROKEN(number >= large_pieces(store, owner)))
        return;
    save_u64(entry_of(owner, number), arena_loc(&store->arena, piece) + 1);
}
