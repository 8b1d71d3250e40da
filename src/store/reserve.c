/* Reserving: memory for an item that no client sees yet, piece by piece where it is large. */
#include "store_priv.h"

/* So many may be drawn until it is committed: else it will have to be written anew. */
enum { CAS_MARGIN = 1024, CAS_BYTES_RESERVED = 2 };

uint64_t
reserve_bytes(const struct item_spec *spec)
{
    return REC_HEADER_MAX + spec->key.len + spec->value_bytes;
}

bool
store_is_large(const struct store *store, const struct item_spec *spec)
{
    return reserve_bytes(spec) > store->record_max;
}

struct rec_head
reserve_head(const struct store *store, const struct item_spec *spec)
{
    struct rec_head head = {
        .key_len = (uint32_t)spec->key.len,
        .body_len = (uint32_t)spec->value_bytes,
        .info = REC_PENDING | ((spec->marks << REC_MARKS_SHIFT) & REC_MARKS),
        .accessed_s = store->now_s,
        .cas = store->arena.cas + CAS_MARGIN,
        .client_flags = spec->client_flags,
        .expires_s = spec->expires_s,
        .cas_bytes_min = CAS_BYTES_RESERVED,
    };

    if (store_is_large(store, spec)) {
        head.info |= REC_LARGE;
        head.body_len = large_body_bytes(store, spec->value_bytes);
    }
    return head;
}

/* Space in the index for one more item. */
static bool
index_space(struct store *store, uint64_t hash)
{
    return space_fits_index(store, hash) || space_make_for_index(store, hash);
}

enum reserve_result
reserve_check(struct store *store, const struct item_spec *spec)
{
    uint64_t bytes = reserve_bytes(spec);
    uint64_t arena_bytes = (uint64_t)store->arena.seg_allowed << store->arena.seg_shift;

    BUG_ON(spec->key.len == 0 || spec->key.len > REC_KEY_MAX);
    store->missing_bytes = 0;
    /* One item must not sweep everything else out, only not to fit in the end. */
    if (bytes > store->item_bytes_max || bytes > store->limit_bytes / 2)
        return RESERVE_TOO_LARGE;
    if (spec->value_bytes > arena_bytes || !index_space(store, spec->hash))
        return RESERVE_OUT_OF_MEMORY;
    return RESERVE_OK;
}

enum reserve_result
store_reserve(struct store *store, const struct item_spec *spec, void **handle)
{
    enum reserve_result result = reserve_check(store, spec);
    struct rec_head head;
    struct slot slot;
    enum log_id log;
    char *old, *rec;

    if (result != RESERVE_OK)
        return result;
    old = store_find(store, spec->key, spec->hash, &slot);
    if (old != NULL && (rec_info(old) & REC_LARGE) != 0)
        large_fetch(store, old); /* it will go when the new one is committed */
    log = policy_log_for(store, spec->hash, old, reserve_bytes(spec));
    head = reserve_head(store, spec);
    rec = space_append(store, log, &head);
    if (rec == NULL)
        return RESERVE_OUT_OF_MEMORY;
    memcpy(rec + rec_header_bytes(rec), spec->key.ptr, spec->key.len);
    if (UNLIKELY((head.info & REC_LARGE) != 0))
        large_init(rec, spec->value_bytes);
    record_account(store, rec);
    arena_pin(&store->arena, rec);
    *handle = rec;
    return RESERVE_OK;
}

/* --- Its value --- */

/* Memory for the piece CUT, which has none. */
static enum space_result
make_piece(struct store *store, char *rec, const struct cut *cut, char **piece)
{
    uint32_t bytes = PIECE_HEADER_BYTES + cut->bytes;
    enum space_result result = cut->extent ? space_take_extent(store, rec, piece)
                                           : space_append_piece(store, rec, bytes, piece);

    if (result != SPACE_THERE)
        return result;
    large_init_piece(store, rec, *piece, cut);
    arena_pin(&store->arena, *piece);
    return result;
}

/* Of a large value: where its byte OFF goes, in a piece that is made for it where there is none. */
static NOINLINE enum space_result
large_space_at(struct store *store, char *rec, uint64_t off, struct span *space)
{
    struct cut cut = large_cut(store, rec, off);
    char *piece = large_piece(store, rec, cut.number);
    uint64_t spent = store->evictor.spent;

    step_begin(store);
    if (piece == NULL) {
        enum space_result result = make_piece(store, rec, &cut, &piece);

        if (result != SPACE_THERE)
            return result;
    } else if (cut.extent && cut.number + 1 < large_extents(store, rec)) {
        space_ahead_of_extents(store);
    }
    *space = large_piece_span(piece, &cut, off);
    if (store->evictor.spent - spent >= WORK_BYTES / 2 ||
        store->work_ns + STEP_NS / 2 > store->step_end_ns)
        return SPACE_MADE;
    return SPACE_THERE;
}

enum space_result
store_space_at(struct store *store, void *handle, uint64_t off, struct span *space)
{
    char *rec = handle;
    uint32_t bytes;

    if ((rec_info(rec) & REC_LARGE) != 0)
        return large_space_at(store, rec, off, space);
    bytes = rec_body_len(rec);
    if (BROKEN(off > bytes))
        return SPACE_NONE;
    *space = span_make(rec + rec_body_off(rec) + off, bytes - (size_t)off);
    return SPACE_THERE;
}

struct span
store_reserved_at(struct store *store, void *handle, uint64_t off)
{
    struct span space = span_make(NULL, 0);

    while (store_space_at(store, handle, off, &space) == SPACE_LATER)
        continue;
    return space;
}

/* --- Giving it up --- */

void
store_abort(struct store *store, void *handle)
{
    char *rec = handle;

    if (BROKEN((rec_info(rec) & REC_PENDING) == 0))
        return;
    space_wait_ends(store, rec);
    /* Dead first, so that the end of the log can be used again; bytes stay for the unpinning. */
    if ((rec_info(rec) & REC_LARGE) != 0)
        pin_give_up_pieces(store, rec);
    item_die(store, rec);
    store_unpin(store, rec);
}
