/*
 * Random commands over every public function, against a model that is only an
 * array. What the model holds and the store does not must have been evicted, and
 * the store must have counted it: of all that was ever stored, each item is there,
 * or counted as evicted, expired, flushed, deleted or replaced. Uploads that wait for space have
 * other commands between one look for it and the next, and seldom ones more often than usual.
 *
 * LOMBARD_MODEL_OPS: how many commands in all (default 1 million).
 * LOMBARD_MODEL_SEED: of the random numbers (default 1).
 */
#include <check.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lombard/base/attr.h"
#include "lombard/store/store.h"

/* ck_assert() writes a message for each check that holds: too slow for so many. */
#define REQUIRE(cond)                                                                          \
    do {                                                                                       \
        if (UNLIKELY(!(cond)))                                                                 \
            ck_abort_msg("%s", #cond);                                                         \
    } while (0)

enum { KEYS_MAX = 20000, PINS_MAX = 24, UPLOADS_MAX = 6, KEY_BYTES = 32 };
enum { ITEM_BYTES_MAX = 1024 * 1024 };
enum { WAITS_MAX = 1000 }; /* more than a value of that size has to wait, by itself */

struct entry {
    bool present;
    bool seen;     /* by the walk that is going on */
    uint32_t seed; /* of its value */
    uint64_t value_bytes;
    uint32_t client_flags;
    uint32_t expires_s;
    uint32_t accessed_s;
    uint32_t marks;
    uint64_t cas;
};

struct pinned {
    const void *handle; /* or NULL */
    uint32_t key;
    uint32_t seed;
    uint64_t value_bytes;
};

struct upload {
    void *handle; /* or NULL */
    uint32_t key;
    uint64_t filled;
    struct entry entry;
};

struct world {
    struct store *store;
    const struct world_config *config;
    uint64_t rng;
    uint32_t now_s;
    uint32_t flush_at_s;
    uint64_t limit_bytes;
    uint64_t missing;
    uint64_t refused;
    uint64_t deleted;
    uint64_t replaced;         /* items that a store took the place of; */
    uint64_t doubtful;         /* so many of them may have been evicted just before */
    struct store_stats before; /* what other processes have counted */
    struct store_file file;
    bool waits; /* an upload, until the store has more memory for it */
    struct entry entries[KEYS_MAX];
    struct place places[KEYS_MAX]; /* where each was seen, sometime */
    struct pinned pins[PINS_MAX];
    struct upload uploads[UPLOADS_MAX];
};

struct world_config {
    const char *name;
    size_t limit_bytes;
    uint32_t keys;
    uint32_t value_max;
    uint32_t large_percent; /* of the values: up to LARGE_MAX */
    uint32_t large_max;
    uint32_t ttl_percent;
    uint32_t pin_percent;
    bool flush;
    bool evict;
    bool with_cas;
    bool edges;   /* large values are at and around multiples of what fills a segment */
    bool limits;  /* the limit changes, from half of it to twice */
    bool in_file; /* other processes go on with it: by takeover, and after a restart */
};

static const struct world_config configs[] = {
    {"tiny", 1 << 20, 5000, 300, 1, 200000, 30, 2, true, true, true, false, false, false},
    {"tiny, no cas", 1 << 20, 20000, 40, 0, 0, 20, 0, true, true, false, false, false, false},
    {"plain eviction", 4 << 20, 20000, 600, 0, 0, 0, 2, false, true, true, false, false, false},
    {"large items", 16 << 20, 1000, 2000, 20, 900000, 20, 5, true, true, true, false, false,
     false},
    {"no eviction", 2 << 20, 8000, 400, 1, 100000, 30, 2, true, false, true, false, false,
     false},
    {"no eviction, no cas, nothing expires", 1 << 20, 3000, 500, 2, 30000, 0, 1, false, false,
     false, false, false, false},
    {"fits", 64 << 20, 20000, 1000, 0, 0, 30, 1, true, true, true, false, false, false},
    {"edges", 4 << 20, 200, 100, 80, 500000, 30, 2, true, true, true, true, false, false},
    {"edges, tiny", 1 << 20, 80, 300, 90, 200000, 40, 1, false, true, true, true, false, false},
    {"edges, no eviction", 2 << 20, 100, 300, 60, 300000, 40, 1, true, false, true, true, false,
     false},
    {"limits", 2 << 20, 20000, 300, 1, 200000, 30, 2, true, true, true, false, true, false},
    {"limits, large items", 8 << 20, 500, 2000, 20, 900000, 20, 5, true, true, true, true, true,
     false},
    {"limits, no eviction", 2 << 20, 20000, 200, 1, 60000, 50, 2, true, false, true, false,
     true, false},
    {"handed", 2 << 20, 20000, 300, 1, 200000, 30, 2, true, true, true, false, true, true},
    {"handed, large items", 8 << 20, 500, 2000, 20, 900000, 20, 5, true, true, true, true, true,
     true},
    {"handed, no eviction", 2 << 20, 20000, 200, 2, 60000, 50, 2, true, false, true, true,
     false, true},
};

static uint32_t
pick(struct world *w, uint32_t below)
{
    /* xorshift64*, Vigna 2016 */
    w->rng ^= w->rng >> 12;
    w->rng ^= w->rng << 25;
    w->rng ^= w->rng >> 27;
    return (uint32_t)(((w->rng * UINT64_C(2685821657736338717)) >> 32) * below >> 32);
}

static bool
chance(struct world *w, uint32_t percent)
{
    return pick(w, 100) < percent;
}

static struct slice
key_of(uint32_t number, char *dst)
{
    /* Lengths from 6 to 29. */
    int len = snprintf(dst, KEY_BYTES, "k%05" PRIu32 "%.*s", number, (int)(number % 24),
                       "-abcdefghijklmnopqrstuvwxyz");

    return slice_make(dst, (size_t)len);
}

static uint64_t
hash_of(struct world *w, uint32_t number)
{
    char buf[KEY_BYTES];

    return store_hash(w->store, key_of(number, buf));
}

static char
value_byte(uint32_t seed, uint64_t off)
{
    return (char)((seed + off) * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

static bool
is_live(const struct world *w, const struct entry *e)
{
    return e->present && (e->expires_s == STORE_NEVER || e->expires_s > w->now_s);
}

static void
check_value(struct world *w, const void *handle, uint32_t seed, uint64_t bytes)
{
    /* All of a short value; of a long one, the ends of each part and one in a hundred. */
    for (uint64_t off = 0; off < bytes;) {
        struct slice part = store_value_at(w->store, handle, off);
        size_t stride = bytes < 4096 ? 1 : 97;

        REQUIRE(part.len > 0);
        REQUIRE(off + part.len <= bytes);
        for (size_t i = 0; i < part.len; i += stride)
            REQUIRE(part.ptr[i] == value_byte(seed, off + i));
        REQUIRE(part.ptr[part.len - 1] == value_byte(seed, off + part.len - 1));
        off += part.len;
    }
}

static void
check_item(struct world *w, uint32_t key, const struct item *item)
{
    const struct entry *e = w->entries + key;
    char buf[KEY_BYTES];

    REQUIRE(is_live(w, e));
    REQUIRE(slice_equal(item->key, key_of(key, buf)));
    REQUIRE(item->value_bytes == e->value_bytes);
    REQUIRE(item->client_flags == e->client_flags);
    REQUIRE(item->expires_s == e->expires_s);
    REQUIRE(item->accessed_s == e->accessed_s);
    REQUIRE(item->marks == e->marks);
    REQUIRE(item->cas == (w->config->with_cas ? e->cas : 0));
    if (e->value_bytes > 0)
        REQUIRE(item->value.ptr == store_value_at(w->store, item->handle, 0).ptr);
    check_value(w, item->handle, e->seed, e->value_bytes);
}

/* What the store does not have although the model does must have been evicted. */
static bool
sync_key(struct world *w, uint32_t key, struct item *item)
{
    struct entry *e = w->entries + key;
    char buf[KEY_BYTES];

    if (store_peek(w->store, key_of(key, buf), hash_of(w, key), item)) {
        check_item(w, key, item);
        return true;
    }
    if (is_live(w, e)) {
        w->missing++;
        REQUIRE(w->config->evict);
    }
    e->present = false;
    return false;
}

/* --- Commands --- */

static void
do_get(struct world *w, uint32_t key)
{
    struct entry *e = w->entries + key;
    bool bump = chance(w, 80);
    struct place seen = {0};
    struct item item, again;
    char buf[KEY_BYTES];
    bool there, found;

    store_prefetch_bucket(w->store, hash_of(w, key));
    if (store_prefetch_item(w->store, hash_of(w, key), &seen))
        store_prefetch_far(w->store, hash_of(w, key), &seen);
    if (chance(w, 50))
        w->places[key] = seen; /* else it was seen long ago */
    store_prefetch_value(w->store, w->places + key);
    there = sync_key(w, key, &item);
    if (bump) {
        found =
            store_read(w->store, key_of(key, buf), hash_of(w, key), w->places + key, &again);
        if (found)
            again.cas = store_cas(w->store, &again);
    } else {
        found = store_get(w->store, key_of(key, buf), hash_of(w, key), false, &again);
    }
    REQUIRE(found == there);
    if (!there)
        return;
    /* It moves only where its stamp is too narrow. */
    REQUIRE(again.handle == item.handle || (bump && w->config->evict));
    check_item(w, key, &again);
    if (bump) {
        e->accessed_s = w->now_s;
        e->marks |= ITEM_FETCHED;
    }
}

/* A large value's size that is, nearly or just not a multiple of what fills a segment. */
static uint64_t
edge(struct world *w)
{
    enum { EXTENT_BYTES = 16 * 1024 - 17 };
    uint64_t segments = 1 + pick(w, w->config->large_max / EXTENT_BYTES);

    return segments * EXTENT_BYTES + pick(w, 3) - 1;
}

static struct entry
random_entry(struct world *w)
{
    struct entry e = {.present = true};

    e.seed = pick(w, UINT32_MAX);
    e.value_bytes = pick(w, w->config->value_max + 1);
    if (chance(w, w->config->large_percent))
        e.value_bytes = w->config->edges ? edge(w) : pick(w, w->config->large_max);
    if (chance(w, 30))
        e.client_flags = pick(w, UINT32_MAX);
    if (chance(w, w->config->ttl_percent))
        e.expires_s = w->now_s + pick(w, 60);
    if (chance(w, 5))
        e.marks = pick(w, 8);
    return e;
}

/* What evicts takes anything that fits, unless clients hold what is there. */
static void
note_refusal(struct world *w)
{
    bool held = false;

    for (size_t i = 0; i < PINS_MAX; i++)
        held |= w->pins[i].handle != NULL;
    for (size_t i = 0; i < UPLOADS_MAX; i++)
        held |= w->uploads[i].handle != NULL;
    REQUIRE(held || !w->config->evict);
    w->refused++;
}

static bool
begin_upload(struct world *w, struct upload *up, uint32_t key)
{
    struct entry e = random_entry(w);
    char buf[KEY_BYTES];
    struct item_spec spec = {
        .key = key_of(key, buf),
        .hash = hash_of(w, key),
        .value_bytes = e.value_bytes,
        .client_flags = e.client_flags,
        .expires_s = e.expires_s,
        .marks = e.marks,
    };

    switch (store_reserve(w->store, &spec, &up->handle)) {
    case RESERVE_OK:
        memset(buf, 'x', sizeof(buf)); /* nothing of SPEC is kept */
        up->entry = e;
        up->key = key;
        up->filled = 0;
        return true;
    case RESERVE_TOO_LARGE: REQUIRE(e.value_bytes + 300 > ITEM_BYTES_MAX); break;
    case RESERVE_OUT_OF_MEMORY:
        up->handle = NULL;
        note_refusal(w);
        break;
    }
    up->handle = NULL;
    return false;
}

enum filled { FILLED, FILL_LATER, FILL_REFUSED };

/* FILL_LATER: the store has more to do for it, and is to be asked again, after others. */
static enum filled
fill_some(struct world *w, struct upload *up, uint64_t bytes)
{
    uint64_t end = up->filled + bytes;

    if (end > up->entry.value_bytes)
        end = up->entry.value_bytes;
    while (up->filled < end) {
        struct span at;

        switch (store_space_at(w->store, up->handle, up->filled, &at)) {
        case SPACE_THERE:
        case SPACE_MADE: w->waits = false; break;
        case SPACE_LATER: w->waits = true; return FILL_LATER;
        case SPACE_NONE: note_refusal(w); return FILL_REFUSED;
        }
        REQUIRE(at.len > 0);
        for (size_t i = 0; i < at.len && up->filled < end; i++)
            at.ptr[i] = value_byte(up->entry.seed, up->filled++);
    }
    return FILLED;
}

/* All of it. Where nothing comes between, the store does not put it off for ever. */
static bool
fill_all(struct world *w, struct upload *up)
{
    enum filled filled;
    unsigned waits = 0;

    do {
        filled = fill_some(w, up, UINT32_MAX);
        REQUIRE(++waits < WAITS_MAX);
    } while (filled == FILL_LATER);
    return filled == FILLED;
}

static void
finish_upload(struct world *w, struct upload *up)
{
    enum commit_mode mode = (enum commit_mode)pick(w, 4);
    struct entry *e = w->entries + up->key;
    uint64_t compare = 0, cas = 0, evicted;
    uint64_t new_cas = chance(w, 10) ? 1 + pick(w, UINT32_MAX) : 0;
    struct item item;
    enum commit_result result;
    bool there;

    if (chance(w, 50))
        mode = COMMIT_SET;
    there = sync_key(w, up->key, &item);
    if (there)
        compare = chance(w, 80) ? item.cas : item.cas + 1;
    evicted = store_stats(w->store)->evictions;
    result =
        store_commit(w->store, up->handle, &(struct commit_rule){mode, compare, new_cas}, &cas);
    if (result == COMMIT_OUT_OF_MEMORY)
        store_abort(w->store, up->handle);
    up->handle = NULL;
    switch (result) {
    case COMMIT_OUT_OF_MEMORY: return;
    case COMMIT_STORED:
        w->replaced += there;
        /* What was reserved before a flush has to move: for that, others may have to go. */
        w->doubtful += there && store_stats(w->store)->evictions != evicted;
        REQUIRE(mode == COMMIT_SET || there == (mode != COMMIT_ADD));
        REQUIRE(mode != COMMIT_CAS || (w->config->with_cas && compare == item.cas));
        if (w->config->with_cas && new_cas != 0)
            REQUIRE(cas == new_cas);
        *e = up->entry;
        e->cas = cas;
        e->accessed_s = w->now_s;
        return;
    case COMMIT_NOT_STORED:
        REQUIRE(there ? mode == COMMIT_ADD : mode == COMMIT_REPLACE);
        return;
    case COMMIT_EXISTS:
        REQUIRE(mode == COMMIT_CAS && there);
        REQUIRE(!w->config->with_cas || compare != item.cas);
        return;
    case COMMIT_NOT_FOUND: REQUIRE(mode == COMMIT_CAS && !there); return;
    }
}

static void
do_store(struct world *w, uint32_t key)
{
    struct upload up;

    if (!begin_upload(w, &up, key))
        return;
    if (!fill_all(w, &up)) {
        store_abort(w->store, up.handle);
        return;
    }
    if (chance(w, 3)) {
        store_abort(w->store, up.handle);
        return;
    }
    finish_upload(w, &up);
}

/* Uploads that take their time. */
static void
do_upload(struct world *w, uint32_t key)
{
    struct upload *up = w->uploads + pick(w, UPLOADS_MAX);

    if (up->handle == NULL) {
        (void)begin_upload(w, up, key);
        return;
    }
    if (chance(w, 5) || fill_some(w, up, pick(w, 20000)) == FILL_REFUSED) {
        store_abort(w->store, up->handle);
        up->handle = NULL;
        return;
    }
    if (up->filled == up->entry.value_bytes)
        finish_upload(w, up);
}

static void
do_delete(struct world *w, uint32_t key)
{
    struct item item;

    if (!sync_key(w, key, &item))
        return;
    store_delete(w->store, &item);
    w->deleted++;
    w->entries[key].present = false;
}

static void
do_touch(struct world *w, uint32_t key)
{
    uint32_t expires_s = chance(w, 40) ? STORE_NEVER : w->now_s + pick(w, 60);
    struct item item;

    if (w->config->ttl_percent == 0)
        expires_s = STORE_NEVER;
    if (!sync_key(w, key, &item))
        return;
    if (!store_touch(w->store, &item, expires_s)) {
        note_refusal(w);
        (void)sync_key(w, key, &item);
        return;
    }
    w->entries[key].expires_s = expires_s;
    if (is_live(w, w->entries + key))
        check_item(w, key, &item);
}

/* A CAS of any width, or 0 for the next one. */
static uint64_t
draw_cas(struct world *w)
{
    if (chance(w, 50))
        return 0;
    return 1 + pick(w, UINT32_MAX) * (chance(w, 30) ? UINT64_C(3000000001) : 1);
}

static void
do_change(struct world *w, uint32_t key)
{
    struct entry *e = w->entries + key;
    uint64_t new_cas = draw_cas(w);
    struct item item;
    char value[64];
    struct slice slice = {value, 0};
    uint32_t seed;

    if (!sync_key(w, key, &item))
        return;
    if (chance(w, 30)) {
        e->marks = pick(w, 8);
        store_set_marks(w->store, &item, e->marks);
        return;
    }
    if (e->value_bytes > sizeof(value) || chance(w, 50)) {
        if (!store_set_cas(w->store, &item, e->expires_s, new_cas)) {
            note_refusal(w);
            (void)sync_key(w, key, &item);
            return;
        }
    } else {
        for (size_t i = 0; i < PINS_MAX; i++)
            if (w->pins[i].handle == item.handle)
                return; /* its reader would see it */
        seed = pick(w, UINT32_MAX);
        for (slice.len = 0; slice.len < e->value_bytes; slice.len++)
            value[slice.len] = value_byte(seed, slice.len);
        if (!store_overwrite(w->store, &item, slice, e->expires_s, new_cas)) {
            note_refusal(w);
            (void)sync_key(w, key, &item);
            return;
        }
        e->seed = seed;
    }
    e->cas = item.cas;
    REQUIRE(!w->config->with_cas || new_cas == 0 || e->cas == new_cas);
    check_item(w, key, &item);
}

static void
unpin(struct world *w, struct pinned *pin)
{
    check_value(w, pin->handle, pin->seed, pin->value_bytes);
    store_unpin_item(w->store, pin->handle);
    pin->handle = NULL;
}

static void
do_pin(struct world *w, uint32_t key)
{
    struct pinned *pin = w->pins + pick(w, PINS_MAX);
    struct item item;

    if (pin->handle != NULL) {
        unpin(w, pin);
        return;
    }
    if (!sync_key(w, key, &item))
        return;
    store_pin_item(w->store, item.handle);
    *pin = (struct pinned){item.handle, key, w->entries[key].seed, item.value_bytes};
}

static void
forget_all(struct world *w)
{
    for (uint32_t i = 0; i < w->config->keys; i++)
        w->entries[i].present = false;
}

static void
do_flush(struct world *w)
{
    w->flush_at_s = chance(w, 30) ? w->now_s + 1 + pick(w, 5) : 0;
    store_flush(w->store, w->flush_at_s);
    if (w->flush_at_s == 0)
        forget_all(w);
}

static void
do_time(struct world *w)
{
    w->now_s += 1 + (chance(w, 5) ? pick(w, 60) : 0) + (chance(w, 3) ? pick(w, 200000) : 0);
    if (w->flush_at_s != 0 && w->flush_at_s <= w->now_s) {
        w->flush_at_s = 0;
        forget_all(w);
    }
    store_set_time(w->store, w->now_s);
}

static void
do_walk(struct world *w)
{
    uint64_t cursor = 0;
    uint64_t seen = 0;
    struct item item;

    for (uint32_t i = 0; i < w->config->keys; i++)
        w->entries[i].seen = false;
    for (enum walk_result at = store_next(w->store, &cursor, &item); at != WALK_END;
         at = store_next(w->store, &cursor, &item)) {
        uint32_t key;
        char digits[6] = {0};

        if (at == WALK_ON)
            continue;
        memcpy(digits, item.key.ptr + 1, 5);
        key = (uint32_t)strtoul(digits, NULL, 10);
        REQUIRE(key < w->config->keys);
        REQUIRE(!w->entries[key].seen);
        w->entries[key].seen = true;
        check_item(w, key, &item);
        seen++;
    }
    for (uint32_t i = 0; i < w->config->keys; i++)
        if (sync_key(w, i, &item))
            REQUIRE(w->entries[i].seen);
    REQUIRE(seen <= w->config->keys);
}

/* From half of the first one to twice; where nothing keeps it from that, it is kept to soon. */
static void
do_limit(struct world *w)
{
    uint64_t first = w->config->limit_bytes;

    w->limit_bytes = first / 2 + pick(w, (uint32_t)first / 2 * 3);
    REQUIRE(store_set_limit(w->store, w->limit_bytes));
    REQUIRE(store_limit_bytes(w->store) == w->limit_bytes);
    if (chance(w, 50))
        return;
    for (unsigned i = 0; store_work(w->store); i++)
        REQUIRE(i < 10000000);
}

/* --- Other processes --- */

static struct store_config
store_config_of(const struct world *w)
{
    return (struct store_config){
        .limit_bytes = w->limit_bytes,
        .limit_bytes_max = 2 * w->config->limit_bytes,
        .item_bytes_max = ITEM_BYTES_MAX,
        .evict = w->config->evict,
        .with_cas = w->config->with_cas,
        .hash_key = {1, 2},
        .file = w->config->in_file ? &w->file : NULL,
    };
}

/* What this process has counted. */
static void
keep_counts(struct world *w)
{
    const struct store_stats *s = store_stats(w->store);

    w->before.total_items += s->total_items;
    w->before.evictions += s->evictions;
    w->before.reclaimed += s->reclaimed;
    w->before.flushed += s->flushed;
    w->before.space_waits += s->space_waits;
}

/* Where FROM's HANDLE is in TO. */
static void *
found_in(const struct store *to, const struct store *from, const void *handle, uint64_t bytes,
         bool reserved)
{
    void *found = store_held_item(to, store_loc(from, handle), bytes, reserved);

    REQUIRE(found != NULL);
    return found;
}

/* In the middle of uploads, those that wait for space among them. In some cases the old one claims it first. */
static void
do_takeover(struct world *w)
{
    const struct store_config config = store_config_of(w);
    struct store *heir = store_expect(&config);
    uint64_t lease = store_lend(w->store);

    REQUIRE(heir != NULL && lease != 0);
    REQUIRE(store_adopt(heir, &config) == ATTACH_OK);
    if (chance(w, 30)) {
        REQUIRE(store_claim(w->store, lease) && !store_claim(heir, lease));
        store_destroy(heir);
        return;
    }
    REQUIRE(store_claim(heir, lease) && !store_claim(w->store, lease));
    keep_counts(w);
    for (struct pinned *p = w->pins; p < w->pins + PINS_MAX; p++)
        if (p->handle != NULL)
            p->handle = found_in(heir, w->store, p->handle, p->value_bytes, false);
    for (struct upload *u = w->uploads; u < w->uploads + UPLOADS_MAX; u++)
        if (u->handle != NULL)
            u->handle = found_in(heir, w->store, u->handle, u->entry.value_bytes, true);
    store_destroy(w->store);
    w->store = heir;
    store_keep(heir, w->limit_bytes);
    REQUIRE(store_now_s(heir) == w->now_s);
}

/* A graceful stop, and a start: what clients held is theirs no more. */
static void
do_restart(struct world *w)
{
    const struct store_config config = store_config_of(w);
    const int64_t unix_s = 1000000;

    REQUIRE(store_detach(w->store, unix_s));
    keep_counts(w);
    store_destroy(w->store);
    memset(w->pins, 0, sizeof(w->pins));
    memset(w->uploads, 0, sizeof(w->uploads));
    REQUIRE(store_attach(&config, unix_s, &w->store) == ATTACH_OK);
    REQUIRE(store_now_s(w->store) == w->now_s);
}

static void
do_another_process(struct world *w)
{
    if (chance(w, 70))
        do_takeover(w);
    else
        do_restart(w);
}

static void
check_layout(struct world *w)
{
    struct store_layout l;
    uint64_t sum;

    store_layout(w->store, &l);
    sum = l.live_bytes + l.header_bytes + l.dead_bytes + l.index_bytes + l.pinned_bytes +
          l.free_bytes;
    REQUIRE(l.limit_bytes >= w->limit_bytes);
    REQUIRE(l.limit_bytes == w->limit_bytes || w->config->limits);
    REQUIRE(store_check(w->store));
    REQUIRE(sum <= l.limit_bytes + l.limit_bytes / 50);
    REQUIRE(sum >= l.limit_bytes - l.limit_bytes / 50);
}

/*
 * Every item ever stored is there, or counted where it went. What a flush took is
 * counted when the store comes across it: until then, and only after a FLUSH, so
 * many may be counted nowhere.
 */
static void
check_ledger(struct world *w, bool flush)
{
    const struct store_stats *s = store_stats(w->store), *before = &w->before;
    uint64_t total = before->total_items + s->total_items;
    uint64_t accounted = s->curr_items + before->evictions + s->evictions + before->reclaimed +
                         s->reclaimed + before->flushed + s->flushed + w->deleted + w->replaced;

    REQUIRE(accounted <= total + w->doubtful);
    REQUIRE(flush || accounted >= total);
}

/* What seldom comes to happen between two looks of an upload for space: rather then than at another time. */
static void
do_seldom(struct world *w)
{
    w->waits = false;
    switch (pick(w, 5)) {
    case 0: do_time(w); break;
    case 1:
        if (w->config->flush)
            do_flush(w);
        break;
    case 2:
        if (w->config->limits)
            do_limit(w);
        break;
    case 3:
        if (w->config->in_file)
            do_another_process(w);
        break;
    default: (void)store_work(w->store); break;
    }
}

static void
step(struct world *w)
{
    uint32_t key = pick(w, w->config->keys);
    uint32_t dice = pick(w, 10000);

    if (w->waits && chance(w, 30))
        do_seldom(w);
    if (chance(w, 50))
        key = pick(w, 1 + key / 8); /* some are wanted more often */
    if (w->config->limits && dice >= 9990)
        do_limit(w);
    else if (w->config->in_file && dice >= 9980)
        do_another_process(w);
    else if (dice < 10)
        do_time(w);
    else if (dice < 12 && w->config->flush)
        do_flush(w);
    else if (dice < 13)
        do_walk(w);
    else if (dice < 20)
        check_layout(w);
    else if (dice < 30)
        check_ledger(w, w->config->flush);
    else if (dice < 200)
        (void)store_work(w->store);
    else if (dice < 200 + w->config->pin_percent * 100)
        do_pin(w, key);
    else if (dice < 1500)
        do_upload(w, key);
    else if (dice < 2200)
        do_touch(w, key);
    else if (dice < 3000)
        do_delete(w, key);
    else if (dice < 3500)
        do_change(w, key);
    else if (dice < 6000)
        do_store(w, key);
    else
        do_get(w, key);
}

static void
end_world(struct world *w)
{
    const struct store_stats *stats;
    struct store_layout layout;

    for (size_t i = 0; i < PINS_MAX; i++)
        if (w->pins[i].handle != NULL)
            unpin(w, w->pins + i);
    for (size_t i = 0; i < UPLOADS_MAX; i++)
        if (w->uploads[i].handle != NULL)
            store_abort(w->store, w->uploads[i].handle);
    do_walk(w);
    check_layout(w);
    stats = store_stats(w->store);
    REQUIRE(stats->segments_pinned == 0);
    REQUIRE(w->missing <= w->before.evictions + stats->evictions);
    if (w->config->ttl_percent == 0 && !w->config->flush)
        REQUIRE(w->missing == w->before.evictions + stats->evictions);
    if (w->config->evict && w->config->large_percent >= 20)
        REQUIRE(w->before.space_waits + stats->space_waits > 0);
    if (!w->config->evict)
        REQUIRE(stats->evictions == 0);
    /* Delete everything, let all be cleaned: no byte may stay behind. */
    for (uint32_t i = 0; i < w->config->keys; i++)
        do_delete(w, i);
    w->now_s += 1000;
    store_set_time(w->store, w->now_s);
    store_flush(w->store, 0);
    for (unsigned i = 0; store_work(w->store); i++)
        REQUIRE(i < 10000000);
    store_layout(w->store, &layout);
    REQUIRE(layout.limit_bytes == w->limit_bytes);
    stats = store_stats(w->store);
    REQUIRE(stats->curr_items == 0);
    REQUIRE(stats->bytes == 0);
    check_ledger(w, false);
}

static uint64_t
env_number(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);

    return value == NULL ? otherwise : strtoull(value, NULL, 10);
}

START_TEST(test_world)
{
    const struct world_config *config = configs + _i;
    uint64_t ops = env_number("LOMBARD_MODEL_OPS", 1000000) / ARRAY_LEN(configs);
    struct world *w = calloc(1, sizeof(*w));
    struct store_config store_config;

    REQUIRE(w != NULL);
    w->config = config;
    w->rng = env_number("LOMBARD_MODEL_SEED", 1) * 7919 + (uint64_t)_i + 1;
    w->now_s = 2;
    w->limit_bytes = config->limit_bytes;
    w->file.fd = memfd_create("model", MFD_CLOEXEC);
    REQUIRE(w->file.fd >= 0);
    store_config = store_config_of(w);
    w->store = store_create(&store_config);
    REQUIRE(w->store != NULL);
    store_set_time(w->store, w->now_s);
    for (uint64_t i = 0; i < ops; i++)
        step(w);
    end_world(w);
    if (getenv("LOMBARD_MODEL_VERBOSE") != NULL) {
        const struct store_stats *stats = store_stats(w->store);

        printf("%s: %" PRIu64 " missing, %" PRIu64 " refused\n", config->name, w->missing,
               w->refused);
#define STAT(name, kind, unit, help) printf("    %s %" PRIu64 "\n", #name, stats->name);
#include "lombard/store/store_stats.def"
#undef STAT
    }
    store_destroy(w->store);
    (void)close(w->file.fd);
    free(w);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("model");
    TCase *tcase = tcase_create("random");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 3600);
    tcase_add_loop_test(tcase, test_world, 0, ARRAY_LEN(configs));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
