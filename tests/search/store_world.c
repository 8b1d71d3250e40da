/* The operations of a scope, and how a world is saved and restored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_search_priv.h"

#include "lombard/base/sys.h" /* where sys_discard() is another one */
#include "store_priv.h"

enum { BEGIN_S = 10, TTL_S = 2, LIMIT_MAX = 64 * 1024, ITEM_BYTES_MAX = 1024 };
enum { NODES_SAVED = 32, UPLOAD_STEP_BYTES = 100 };
/* Of space.c; and more calls than any value has to wait for. */
enum { WAIT_SEGS = 8, WAITS_MAX = 1000 };

/* With 256 bytes a segment, a piece has 47 bytes and a whole segment 239. */
enum { SMALL = 40, PIECES = 100, EXTENTS_1 = 239, EXTENTS_2 = 478, MIXED = 239 + 60 };

enum {
    ALL = DO_TOUCH | DO_REWRITE | DO_DELETE | DO_GET | DO_FLUSH | DO_TIME | DO_TICK,
    LIMITS = DO_GET | DO_TICK | DO_LIMIT,
};

const struct scope scopes[] = {
    {"large and small", true, false, 6, 1, 1, ALL, 5, {EXTENTS_2, MIXED, SMALL, SMALL - 5}, ""},
    {"multiples",
     true,
     false,
     6,
     1,
     0,
     DO_TOUCH | DO_REWRITE | DO_GET | DO_TIME | DO_TICK,
     6,
     {EXTENTS_1, EXTENTS_2, EXTENTS_1, SMALL},
     ""},
    {"pieces", true, false, 4, 1, 1, ALL, 5, {PIECES, PIECES + 47, SMALL, SMALL}, "0123"},
    {"uploads",
     true,
     false,
     5,
     1,
     2,
     DO_TOUCH | DO_FLUSH | DO_TICK,
     6,
     {EXTENTS_1, EXTENTS_2, SMALL},
     ""},
    {"no eviction",
     false,
     false,
     5,
     1,
     1,
     ALL,
     5,
     {MIXED, PIECES, SMALL, SMALL - 5, SMALL},
     ""},
    {"no eviction, full",
     false,
     false,
     3,
     1,
     0,
     DO_DELETE | DO_TICK,
     5 - SEARCH_LESS,
     {SMALL, SMALL, SMALL, SMALL - 6, SMALL - 7, SMALL, SMALL, SMALL, 9},
     "012345678"},
    {"limits", true, false, 7, 1, 1, LIMITS, 5, {EXTENTS_2, MIXED, SMALL, SMALL - 5}, "0123"},
    {"limits, no eviction",
     false,
     false,
     6,
     1,
     1,
     DO_TICK | DO_LIMIT | DO_DELETE,
     5 - SEARCH_LESS,
     {EXTENTS_1, PIECES, SMALL},
     "012"},
    {"waits",
     true,
     false,
     5,
     2,
     2,
     DO_DELETE | DO_FLUSH | DO_TICK | DO_LIMIT,
     6,
     {EXTENTS_1, EXTENTS_2, SMALL},
     "01"},
    {"waits, no eviction",
     false,
     false,
     5,
     1,
     2,
     DO_DELETE | DO_TICK | DO_LIMIT,
     4,
     {EXTENTS_2, EXTENTS_1, PIECES, SMALL, SMALL, SMALL, SMALL, SMALL, SMALL},
     "345678"},
    {.name = NULL},
};
uint64_t world_waits;

/* Segments are smaller than what the kernel can take back. */
void
sys_discard(void *mem, size_t bytes)
{
    memset(mem, 0, bytes);
}

struct snapshot {
    struct world world;
    struct store store;
    char memory[]; /* segments, their table, buckets, nodes */
};

/* --- Keys and values --- */

struct slice
world_key(unsigned key)
{
    static const char names[] = "abcdefghi";

    return slice_make(names + key, 1);
}

char
world_byte(unsigned key, unsigned version, uint64_t off)
{
    return (char)((key + 1) * 41 + version * 7 + (unsigned)off * 3);
}

/* --- Opening, saving, restoring --- */

/* The smallest limit that leaves that many segments for items. */
static struct store *
create(const struct scope *scope)
{
    struct store_config config = {
        .item_bytes_max = ITEM_BYTES_MAX,
        .evict = scope->evict,
        .hash_key = {1, 2},
    };

    for (config.limit_bytes = 2048; config.limit_bytes < LIMIT_MAX; config.limit_bytes += 64) {
        struct store *store = store_create(&config);

        REQUIRE(store != NULL);
        if (store->arena.seg_allowed >= scope->segs)
            return store;
        store_destroy(store);
    }
    return NULL;
}

static bool do_set(struct world *w, unsigned key);

void
world_open(struct world *w, const struct scope *scope)
{
    memset(w, 0, sizeof(*w));
    w->scope = scope;
    w->now_s = BEGIN_S;
    w->store = create(scope);
    REQUIRE(w->store != NULL);
    w->limit_bytes = store_limit_bytes(w->store);
    store_set_time(w->store, w->now_s);
    for (const char *p = scope->begin; *p != '\0'; p++)
        (void)do_set(w, (unsigned)(*p - '0'));
}

void
world_close(struct world *w)
{
    store_destroy(w->store);
}

struct part {
    void *at;
    size_t bytes;
};
enum { PARTS = 4 };

static void
parts_of(const struct world *w, struct part parts[PARTS])
{
    const struct arena *arena = &w->store->arena;
    const struct index *ix = &w->store->index;

    REQUIRE(ix->node_count <= NODES_SAVED);
    REQUIRE(ix->to.buckets == ix->min);
    parts[0] = (struct part){arena->base, arena->bytes};
    parts[1] = (struct part){arena->segs, arena->seg_count * sizeof(struct seg)};
    parts[2] = (struct part){ix->buckets, ix->min * BUCKET_BYTES};
    parts[3] = (struct part){ix->end - NODES_SAVED * NODE_BYTES, NODES_SAVED * NODE_BYTES};
}

size_t
world_snapshot_bytes(const struct world *w)
{
    struct part parts[PARTS];
    size_t bytes = sizeof(struct snapshot);

    parts_of(w, parts);
    for (int i = 0; i < PARTS; i++)
        bytes += parts[i].bytes;
    return bytes;
}

void
world_save(const struct world *w, struct snapshot *to)
{
    struct part parts[PARTS];
    char *at = to->memory;

    parts_of(w, parts);
    to->world = *w;
    to->store = *w->store;
    for (int i = 0; i < PARTS; at += parts[i++].bytes)
        memcpy(at, parts[i].at, parts[i].bytes);
}

void
world_restore(struct world *w, const struct snapshot *from)
{
    struct part parts[PARTS];
    const char *at = from->memory;

    *w = from->world;
    *w->store = from->store;
    parts_of(w, parts);
    for (int i = 0; i < PARTS; at += parts[i++].bytes)
        memcpy(parts[i].at, at, parts[i].bytes);
}

/* --- Operations --- */

/*
 * Nothing that could have helped was left out: with eviction, all memory that is in use is
 * pinned; without, nothing that is dead could be used again.
 */
static void
check_refusal(const struct world *w)
{
    const struct store *store = w->store;
    const struct arena *arena = &store->arena;

    if (!w->scope->evict) {
        if (store->shrinking)
            return; /* what lives is more than the limit allows */
        if (arena_available(arena) >= SEGS_FOR_SURVIVORS)
            REQUIRE(arena_most_dead(arena, FULL_DEAD_CLASS) == SEG_NONE);
        return;
    }
    for (uint32_t i = 0; i < arena->seg_touched; i++) {
        enum seg_state state = arena->segs[i].state;

        REQUIRE(arena->segs[i].pins != 0 || state == SEG_FREE || state == SEG_UNBACKED);
    }
    REQUIRE(arena_available(arena) <= SEGS_FOR_SURVIVORS);
    REQUIRE(store_missing_bytes(store) > 0);
}

static uint64_t
hash_of(const struct world *w, unsigned key)
{
    return store_hash(w->store, world_key(key));
}

static bool
look(struct world *w, unsigned key, struct item *item)
{
    return store_peek(w->store, world_key(key), hash_of(w, key), item);
}

static bool
reserve(struct world *w, unsigned key, struct held *up)
{
    struct item_spec spec = {
        .key = world_key(key),
        .hash = hash_of(w, key),
        .value_bytes = w->scope->values[key],
    };

    switch (store_reserve(w->store, &spec, &up->handle)) {
    case RESERVE_OK: break;
    case RESERVE_TOO_LARGE: violated("nothing is too large"); return false;
    case RESERVE_OUT_OF_MEMORY: check_refusal(w); return false;
    }
    up->key = (uint8_t)key;
    up->version = ++w->version;
    up->filled = 0;
    up->waits = false;
    return true;
}

enum filled { FILLED, FILL_LATER, FILL_REFUSED };

/* What one call may look at: its share, and all of the records that it looks at together. */
static void
check_work(const struct world *w, uint64_t spent_before, uint64_t wait_before)
{
    const struct store *store = w->store;
    uint64_t most = WORK_BYTES + (uint64_t)(BATCH + 2) * store->arena.seg_bytes;

    REQUIRE(wait_before >= (uint64_t)WAIT_SEGS << store->arena.seg_shift ||
            store->evictor.spent - spent_before <= most);
}

/* BYTES more of the value. FILL_LATER: the store has to be asked again, after others. */
static enum filled
fill(struct world *w, struct held *up, uint32_t bytes)
{
    uint32_t end = w->scope->values[up->key];

    if (bytes < end - up->filled)
        end = up->filled + bytes;
    while (up->filled < end) {
        uint64_t spent = w->store->evictor.spent, waited = w->store->wait_work;
        struct span at;

        switch (store_space_at(w->store, up->handle, up->filled, &at)) {
        case SPACE_THERE:
        case SPACE_MADE: up->waits = false; break;
        case SPACE_LATER:
            world_waits++;
            up->waits = true;
            check_work(w, spent, waited);
            return FILL_LATER;
        case SPACE_NONE:
            check_refusal(w);
            REQUIRE(w->store->waiting != up->handle);
            return FILL_REFUSED;
        }
        check_work(w, spent, waited);
        REQUIRE(at.len > 0);
        for (size_t i = 0; i < at.len && up->filled < end; i++, up->filled++)
            at.ptr[i] = world_byte(up->key, up->version, up->filled);
    }
    return FILLED;
}

/* All of it, however often the store says that there is more to do. */
static bool
fill_all(struct world *w, struct held *up)
{
    enum filled filled;
    unsigned waits = 0;

    do {
        filled = fill(w, up, UINT32_MAX);
        REQUIRE(++waits < WAITS_MAX);
    } while (filled == FILL_LATER);
    return filled == FILLED;
}

static void
commit(struct world *w, struct held *up)
{
    uint64_t cas;

    switch (store_commit(w->store, up->handle, COMMIT_ANY, &cas)) {
    case COMMIT_STORED:
        w->entries[up->key] = (struct entry){true, up->version, STORE_NEVER};
        break;
    case COMMIT_OUT_OF_MEMORY:
        check_refusal(w);
        store_abort(w->store, up->handle);
        break;
    case COMMIT_NOT_STORED:
    case COMMIT_EXISTS:
    case COMMIT_NOT_FOUND: violated("a set is stored, or there is no memory");
    }
    up->handle = NULL;
}

static bool
do_set(struct world *w, unsigned key)
{
    struct held up = {0};

    if (!reserve(w, key, &up))
        return true;
    if (fill_all(w, &up))
        commit(w, &up);
    else
        store_abort(w->store, up.handle);
    return true;
}

static bool
do_rewrite(struct world *w, unsigned key)
{
    struct held up = {0};
    struct item item;
    bool filled = false;

    if (!look(w, key, &item))
        return false;
    store_pin_item(w->store, item.handle);
    if (reserve(w, key, &up))
        filled = fill_all(w, &up);
    for (uint64_t off = 0; off < item.value_bytes;) {
        struct slice part = store_value_at(w->store, item.handle, off);

        REQUIRE(part.len > 0);
        REQUIRE(part.ptr[0] == world_byte(key, w->entries[key].version, off));
        off += part.len;
    }
    store_unpin_item(w->store, item.handle);
    if (filled)
        commit(w, &up);
    else if (up.handle != NULL)
        store_abort(w->store, up.handle);
    return true;
}

static bool
do_touch(struct world *w, unsigned key)
{
    struct item item;

    if (!look(w, key, &item) || item.expires_s == w->now_s + TTL_S)
        return false;
    if (store_touch(w->store, &item, w->now_s + TTL_S)) {
        w->entries[key].expires_s = w->now_s + TTL_S;
        return true;
    }
    /* It did not take of the item itself. */
    store_pin_item(w->store, item.handle);
    check_refusal(w);
    store_unpin_item(w->store, item.handle);
    return true;
}

static bool
do_delete(struct world *w, unsigned key)
{
    struct item item;

    if (!look(w, key, &item))
        return false;
    store_delete(w->store, &item);
    w->entries[key].present = false;
    return true;
}

static bool
do_get(struct world *w, unsigned key)
{
    struct item item;

    return store_get(w->store, world_key(key), hash_of(w, key), true, &item);
}

static struct held *
vacancy(struct held *held, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (held[i].handle == NULL)
            return held + i;
    return NULL;
}

static bool
do_pin(struct world *w, unsigned key)
{
    struct held *pin = vacancy(w->pins, w->scope->pins);
    struct item item;

    if (pin == NULL || !look(w, key, &item))
        return false;
    store_pin_item(w->store, item.handle);
    *pin = (struct held){
        .handle = item.handle, .key = (uint8_t)key, .version = w->entries[key].version};
    return true;
}

static bool
do_unpin(struct world *w, unsigned slot)
{
    struct held *pin = w->pins + slot;

    if (pin->handle == NULL)
        return false;
    store_unpin_item(w->store, pin->handle);
    pin->handle = NULL;
    return true;
}

static bool
do_begin(struct world *w, unsigned key)
{
    struct held *up = vacancy(w->uploads, w->scope->uploads);

    if (up != NULL && !reserve(w, key, up))
        up->handle = NULL;
    return up != NULL;
}

static bool
do_continue(struct world *w, unsigned slot)
{
    struct held *up = w->uploads + slot;

    if (up->handle == NULL || up->filled == w->scope->values[up->key])
        return false;
    if (fill(w, up, UPLOAD_STEP_BYTES) == FILL_REFUSED) {
        store_abort(w->store, up->handle);
        up->handle = NULL;
    }
    return true;
}

static bool
do_finish(struct world *w, unsigned slot)
{
    struct held *up = w->uploads + slot;

    if (up->handle == NULL || up->filled < w->scope->values[up->key])
        return false;
    commit(w, up);
    return true;
}

static bool
do_abort(struct world *w, unsigned slot)
{
    struct held *up = w->uploads + slot;

    if (up->handle == NULL)
        return false;
    store_abort(w->store, up->handle);
    up->handle = NULL;
    return true;
}

static bool
do_flush(struct world *w, unsigned unused)
{
    (void)unused;
    store_flush(w->store, 0);
    for (unsigned i = 0; i < KEYS_MAX; i++)
        w->entries[i].present = false;
    return true;
}

static bool
do_time(struct world *w, unsigned unused)
{
    (void)unused;
    store_set_time(w->store, ++w->now_s);
    return true;
}

static bool
do_tick(struct world *w, unsigned unused)
{
    (void)unused;
    return store_work(w->store);
}

/* As it was at first, or with SEGS_LESS. */
static bool
do_limit(struct world *w, unsigned lower)
{
    enum { SEGS_LESS = 3 };
    uint64_t less = lower ? (uint64_t)SEGS_LESS << w->store->arena.seg_shift : 0;

    if (store_limit_bytes(w->store) == w->limit_bytes - less)
        return false;
    REQUIRE(store_set_limit(w->store, w->limit_bytes - less));
    return true;
}

/* --- All of them --- */

static const struct op {
    const char *name;
    bool (*run)(struct world *w, unsigned arg);
    unsigned kind;  /* DO_*, or 0 */
    unsigned count; /* of its arguments */
} ops[] = {
    {"set", do_set, 0, KEYS_MAX},
    {"touch", do_touch, DO_TOUCH, KEYS_MAX},
    {"rewrite", do_rewrite, DO_REWRITE, KEYS_MAX},
    {"delete", do_delete, DO_DELETE, KEYS_MAX},
    {"get", do_get, DO_GET, KEYS_MAX},
    {"pin", do_pin, 0, KEYS_MAX},
    {"unpin slot", do_unpin, 0, HELD_MAX},
    {"begin upload", do_begin, 0, KEYS_MAX},
    {"continue upload", do_continue, 0, HELD_MAX},
    {"finish upload", do_finish, 0, HELD_MAX},
    {"abort upload", do_abort, 0, HELD_MAX},
    {"flush", do_flush, DO_FLUSH, 1},
    {"a second later", do_time, DO_TIME, 1},
    {"work", do_tick, DO_TICK, 1},
    {"limit lower", do_limit, DO_LIMIT, 2},
};

unsigned
world_op_count(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        count += ops[i].count;
    return count;
}

static const struct op *
op_of(unsigned number, unsigned *arg)
{
    const struct op *op = ops;

    while (number >= op->count)
        number -= op++->count;
    *arg = number;
    return op;
}

const char *
world_op_name(unsigned op)
{
    static char name[64];
    unsigned arg;
    const struct op *o = op_of(op, &arg);

    (void)snprintf(name, sizeof(name), "%s %u", o->name, arg);
    return name;
}

/* Where each key is seen before an operation: what that leaves of it shall be believed, and no more. */
static void
see(struct world *w)
{
    for (unsigned key = 0; key < KEYS_MAX; key++) {
        w->places[key] = (struct place){0};
        if (w->scope->values[key] > 0 &&
            store_prefetch_item(w->store, hash_of(w, key), w->places + key))
            store_prefetch_far(w->store, hash_of(w, key), w->places + key);
        store_prefetch_value(w->store, w->places + key);
    }
}

bool
world_do(struct world *w, unsigned op)
{
    unsigned arg;
    const struct op *o = op_of(op, &arg);

    if (o->kind != 0 && (w->scope->kinds & o->kind) == 0)
        return false;
    if (o->count == KEYS_MAX && w->scope->values[arg] == 0)
        return false;
    see(w);
    return o->run(w, arg);
}
