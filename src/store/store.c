/* The store as a whole: created, told the time, flushed, given time to work in. */
#include "lombard/base/sys.h"

#include "root_priv.h"

#ifndef STORE_RECORD_DIVISOR /* another one where tests make the store tiny */
#define STORE_RECORD_DIVISOR 24
#endif
/* The largest record in one piece, as a part of a segment. */
enum { RECORD_DIVISOR = STORE_RECORD_DIVISOR };

_Static_assert(STORE_LIMIT_BYTES_MAX <= UINT64_C(1) << INDEX_LOC_BITS_MAX,
               "every byte of the segments has a location");
_Static_assert(STORE_LIMIT_BYTES_MAX >> 14 < SEG_NONE, "every segment has a number");

static void
set_sizes(struct store *store, const struct store_config *config)
{
    uint32_t seg_bytes = store->arena.seg_bytes;

    store->with_cas = config->with_cas;
    store->record_max = seg_bytes / RECORD_DIVISOR;
    store->piece_bytes = store->record_max - PIECE_HEADER_BYTES;
    store->extent_bytes = seg_bytes - PIECE_HEADER_BYTES;
    store->item_bytes_max = config->item_bytes_max;
}

/* Address space, and of it what the limit allows. */
static bool
map_memory(struct store *store, size_t limit_bytes, size_t limit_bytes_max)
{
    store->limit_bytes_max = limit_bytes_max;
    store->memory.taken = 0;
    if (memory_is_file(&store->memory) && !root_begin(store))
        return false;
    if (!arena_init(&store->arena, &store->memory, limit_bytes, limit_bytes_max))
        goto fail_arena;
    if (!index_init(&store->index, &store->memory, limit_index_bytes(limit_bytes_max)))
        goto fail_index;
    if (limit_set(store, limit_bytes))
        return true;
    index_fini(&store->index);
fail_index:
    arena_fini(&store->arena);
fail_arena:
    root_end(store);
    return false;
}

/* Where there is not address space for all that is asked for, less will do. */
static bool
map_most(struct store *store, size_t limit_bytes, size_t limit_bytes_max)
{
    while (limit_bytes_max > limit_bytes) {
        if (map_memory(store, limit_bytes, limit_bytes_max))
            return true;
        limit_bytes_max /= 2;
    }
    return map_memory(store, limit_bytes, limit_bytes);
}

/* Without memory yet. NULL when there is none for itself, or the file is none. */
static struct store *
make(const struct store_config *config)
{
    struct store *store = sys_malloc(sizeof(*store));

    if (store == NULL)
        return NULL;
    memset(store, 0, sizeof(*store));
    if (memory_init(&store->memory, config->file != NULL ? config->file->fd : -1))
        return store;
    sys_free(store);
    return NULL;
}

/* Nothing of what was in it is left. */
static bool
empty_file(struct store *store)
{
    if (!memory_is_file(&store->memory))
        return true;
    store->memory.there = 0;
    return sys_resize_file(store->memory.fd, 0);
}

/* Its memory is there: what is not part of it. */
static void
set_up(struct store *store, const struct store_config *config)
{
    huge_begin(store, config);
    store->evict = config->evict;
    store->favor = config->favor;
    set_sizes(store, config);
    victim_init(store);
    ttl_init(store);
}

struct store *
store_create(const struct store_config *config)
{
    size_t limit_bytes_max = config->limit_bytes_max;
    struct store *store;

    if (config->limit_bytes > STORE_LIMIT_BYTES_MAX)
        return NULL;
    if (limit_bytes_max > STORE_LIMIT_BYTES_MAX)
        limit_bytes_max = STORE_LIMIT_BYTES_MAX;
    store = make(config);
    if (store == NULL)
        return NULL;
    if (!empty_file(store) || !map_most(store, config->limit_bytes, limit_bytes_max)) {
        sys_free(store);
        return NULL;
    }
    store->hash_key = config->hash_key;
    set_up(store, config);
    if (store->root != NULL)
        root_describe(store);
    (void)limit_index_step(store, 0);
    return store;
}

void
store_destroy(struct store *store)
{
    if (store == NULL)
        return;
    if (!store->is_empty) {
        index_fini(&store->index);
        arena_fini(&store->arena);
    }
    root_end(store);
    sys_free(store);
}

/* --- Keeping it --- */

/* The seconds in which it was not there count; those that a host's clock was set back do not. */
static uint32_t
second_at(const struct store_root *root, int64_t unix_s)
{
    int64_t passed = unix_s > root->unix_s ? unix_s - root->unix_s : 0;
    uint32_t most = (uint32_t)INT32_MAX;

    if (root->now_s >= most)
        return root->now_s;
    return passed < most - root->now_s ? root->now_s + (uint32_t)passed : most;
}

/* What was loaded and is whole becomes a store that works. */
static enum attach_result
go_on(struct store *store, const struct store_config *config, int64_t unix_s)
{
    set_up(store, config);
    store->ttl.due_s = 0; /* each segment knows when it is due */
    if (store->flushed_items > 0)
        policy_sweep_from(store, 0);
    if (store->record_max != store->root->record_max)
        return ATTACH_VERSION;
    if (config->limit_bytes < store_limit_bytes_min(store))
        return ATTACH_LIMIT;
    if (!root_open(store) || !store_set_limit(store, config->limit_bytes))
        return ATTACH_NO_MEMORY;
    store_set_time(store, second_at(store->root, unix_s));
    return ATTACH_OK;
}

static enum attach_result
load(struct store *store, const struct store_config *config, int64_t unix_s)
{
    enum attach_result result = root_check(store, config);

    if (result != ATTACH_OK)
        return result;
    if (!root_load(store))
        return ATTACH_NO_MEMORY;
    result = root_is_whole(store) ? go_on(store, config, unix_s) : ATTACH_TORN;
    if (result == ATTACH_OK)
        return result;
    index_fini(&store->index);
    arena_fini(&store->arena);
    return result;
}

/* Before anything of it is mapped. */
static enum attach_result
look_at_file(const struct memory *memory)
{
    if (memory->there == 0)
        return ATTACH_EMPTY;
    if (!root_is_ours(memory->fd))
        return ATTACH_FOREIGN;
    return memory->there < MEMORY_AREA_BYTES ? ATTACH_TORN : ATTACH_OK;
}

enum attach_result
store_attach(const struct store_config *config, int64_t unix_s, struct store **store)
{
    struct store *kept = make(config);
    enum attach_result result = ATTACH_NO_MEMORY;

    if (kept == NULL)
        return result;
    result = look_at_file(&kept->memory);
    if (result != ATTACH_OK)
        goto out;
    result = root_begin(kept) ? load(kept, config, unix_s) : ATTACH_NO_MEMORY;
    if (result == ATTACH_OK) {
        *store = kept;
        return result;
    }
    root_end(kept);
out:
    sys_free(kept);
    return result;
}

/* What was lent is loaded; nothing of it changes. */
static enum attach_result
load_lent(struct store *store, const struct store_config *config)
{
    enum attach_result result = root_check_lent(store, config);

    if (result != ATTACH_OK)
        return result;
    if (!root_load(store))
        return ATTACH_NO_MEMORY;
    set_up(store, config);
    store->ttl.due_s = 0; /* each segment knows when it is due */
    if (store->record_max != store->root->record_max)
        result = ATTACH_VERSION;
    else if (config->limit_bytes < store_limit_bytes_min(store))
        result = ATTACH_LIMIT;
    store->is_empty = result != ATTACH_OK;
    if (result == ATTACH_OK)
        return result;
    index_fini(&store->index);
    arena_fini(&store->arena);
    return result;
}

struct store *
store_expect(const struct store_config *config)
{
    struct store *store = make(config);

    if (store == NULL)
        return NULL;
    store->is_empty = true;
    if (store->memory.there < MEMORY_AREA_BYTES || root_begin(store))
        return store;
    sys_free(store);
    return NULL;
}

enum attach_result
store_fits(struct store *store, const struct store_config *config)
{
    return store->root == NULL ? ATTACH_OK : root_check_in_use(store, config);
}

enum attach_result
store_adopt(struct store *store, const struct store_config *config)
{
    return store->root == NULL ? ATTACH_TORN : load_lent(store, config);
}

void
store_keep(struct store *store, uint64_t limit_bytes)
{
    root_describe(store);
    if (store->flushed_items > 0)
        policy_sweep_from(store, 0);
    (void)BROKEN(
        !store_set_limit(store, limit_bytes)); /* a file can be had in all of its size */
}

uint64_t
store_lend(struct store *store)
{
    return store->root != NULL ? root_lend(store) : 0;
}

bool
store_claim(struct store *store, uint64_t lease)
{
    return root_claim(store, lease);
}

uint32_t
store_now_s(const struct store *store)
{
    return store->now_s;
}

bool
store_detach(struct store *store, int64_t unix_s)
{
    return store->root != NULL && root_save(store, unix_s);
}

uint64_t
store_item_bytes_max(const struct store *store)
{
    return store->item_bytes_max;
}

bool
store_keeps_cas(const struct store *store)
{
    return store_has_cas(store);
}

/* --- Time --- */

static void
flush_now(struct store *store)
{
    store->flush_at_s = 0;
    if (store->index.count == store->flushed_items)
        return;
    store->flushed_items = store->index.count;
    store->arena.epoch++;
    for (int log = 0; log < LOGS; log++)
        arena_close(&store->arena, (enum log_id)log);
    policy_sweep_from(store, 0);
}

void
store_set_time(struct store *store, uint32_t now_s)
{
    store->now_s = now_s;
    store->arena.base_s = now_s - SEG_PAST_S;
    if (UNLIKELY(store->flush_at_s != 0 && store->flush_at_s <= now_s))
        flush_now(store);
}

void
store_flush(struct store *store, uint32_t at_s)
{
    if (at_s > store->now_s)
        store->flush_at_s = at_s;
    else
        flush_now(store);
}

void
store_on_evict(struct store *store, store_on_evict_fn *on_evict, void *ctx)
{
    store->on_evict = on_evict;
    store->on_evict_ctx = ctx;
}

bool
store_is_due(const struct store *store, uint64_t now_ns)
{
    return huge_is_due(store, now_ns);
}

/* False when there is nothing to do. */
static bool
do_task(struct store *store, enum store_task task)
{
    enum { BUCKETS = 64, RECORDS = STEP_NS / RECORD_NS };

    step_begin(store);
    switch (task) {
    case TASK_INDEX: return limit_index_step(store, BUCKETS);
    case TASK_EXPIRY: return ttl_step(store, RECORDS);
    case TASK_SPACE: return space_work(store);
    case TASK_HUGE: return huge_step(store);
    case STORE_TASKS: break;
    }
    BUG("store_task out of range");
}

/* What one of them does may give the next ones something to do: nothing is left when all have said so in order. */
bool
store_work(struct store *store)
{
    for (int tries = 2 * STORE_TASKS - (int)store->next_task; tries > 0; tries--) {
        enum store_task task = store->next_task;

        store->next_task = (task + 1) % STORE_TASKS;
        if (do_task(store, task))
            return true;
    }
    return false;
}
