/*
 * tests/sim/store_steps.c - the longest that any one call of the store takes.
 *
 *     store_steps [ITEMS [RUNS [VALUE_BYTES]]]   10,000,000 items of 60 bytes in three runs, if not said
 *                                                otherwise; 100,000,000 1 0 needs 6 GB and some minutes
 *
 * Every run makes the same calls on a store of as many bytes as the items take; of each call the
 * least time of all runs counts, and none in which the thread was interrupted, so that what the machine did
 * meanwhile does not. Prints for each kind of call how many there were, the median, the
 * 999th of 1,000, how many took more than 200, and the longest, in microseconds, with page faults in it and
 * shortly before; and the longest of those without any: what a first touch costs is the machine's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "lombard/base/attr.h"
#include "lombard/store/store.h"

enum { VALUE_BYTES = 60, BESIDE_BYTES = 50, LARGE_BYTES = 4 << 20, CHUNK_BYTES = 64 * 1024 };
enum { KEY_BYTES = 24, BEGIN_S = 100, EXPIRES_S = 200 };

struct series {
    const char *name;
    uint32_t *ns;
    uint8_t *faults; /* page faults in it, or 255 */
    size_t count, capacity;
    size_t at; /* the call that comes next in this run */
};

enum kind {
    FILL,
    EVICT,
    GET,
    TOUCH,
    REMOVE,
    RESERVE,
    SPACE,
    COMMIT,
    AFTER_LARGE,
    AFTER_EXPIRY,
    FLUSH,
    AFTER_FLUSH,
    WORK,
    SHRINK,
    SHRINKING,
    SHRINK_WORK,
    GROW,
    FULL_FILL,
    FULL_EXPIRY,
    FULL_WORK,
};

static struct series all[] = {
    [FILL] = {.name = "set, the store fills"},
    [EVICT] = {.name = "set, the store evicts"},
    [GET] = {.name = "get"},
    [TOUCH] = {.name = "touch, without an expiry before"},
    [REMOVE] = {.name = "delete"},
    [RESERVE] = {.name = "4 MB: reserve"},
    [SPACE] = {.name = "4 MB: a step for 64 KB"},
    [COMMIT] = {.name = "4 MB: commit"},
    [AFTER_LARGE] = {.name = "set, after large values"},
    [AFTER_EXPIRY] = {.name = "set, all others expired"},
    [FLUSH] = {.name = "flush_all"},
    [AFTER_FLUSH] = {.name = "set, after flush_all"},
    [WORK] = {.name = "background work"},
    [SHRINK] = {.name = "cache_memlimit: a quarter"},
    [SHRINKING] = {.name = "set, while that takes effect"},
    [SHRINK_WORK] = {.name = "background work, likewise"},
    [GROW] = {.name = "cache_memlimit: as before"},
    [FULL_FILL] = {.name = "-M: set, the store fills"},
    [FULL_EXPIRY] = {.name = "-M: set, all others expired"},
    [FULL_WORK] = {.name = "-M: background work"},
};

static uint64_t begun_ns;
static uint64_t items;
static uint64_t value_bytes = VALUE_BYTES, item_bytes;

/* What the kernel has done to this thread: looked at now and then, and after each long call. */
enum { LONG_NS = 50 * 1000, SLOW_NS = 200 * 1000, LOOK_EVERY = 4096 };
static struct rusage looked_at;
static unsigned calls_since;
static uint64_t interrupted; /* long calls that are not known to have been long by themselves */

static uint64_t
now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
begin(void)
{
    if (++calls_since >= LOOK_EVERY) {
        calls_since = 0;
        (void)getrusage(RUSAGE_THREAD, &looked_at);
    }
    begun_ns = now_ns();
}

/* Of a call that took NS: page faults, at most 255, since the last look; and NS, or 0 when it was interrupted. */
static uint64_t
judge_long(uint64_t ns, long *faults)
{
    struct rusage before = looked_at;
    bool alone;

    (void)getrusage(RUSAGE_THREAD, &looked_at);
    calls_since = 0;
    *faults = looked_at.ru_minflt - before.ru_minflt;
    alone = looked_at.ru_nivcsw == before.ru_nivcsw;
    interrupted += !alone;
    return alone ? ns : 0;
}

static void
end(enum kind kind)
{
    struct series *s = all + kind;
    uint64_t ns = now_ns() - begun_ns;
    long faults = 0;

    if (ns > LONG_NS)
        ns = judge_long(ns, &faults);
    if (ns > UINT32_MAX)
        ns = UINT32_MAX;
    if (faults > UINT8_MAX)
        faults = UINT8_MAX;
    if (s->at == s->capacity) {
        s->capacity = s->capacity * 2 + 1024;
        s->ns = realloc(s->ns, s->capacity * sizeof(*s->ns));
        s->faults = realloc(s->faults, s->capacity * sizeof(*s->faults));
        if (s->ns == NULL || s->faults == NULL)
            BUG("no memory for what was measured");
    }
    if (s->at == s->count) {
        s->ns[s->count] = (uint32_t)ns;
        s->faults[s->count++] = (uint8_t)faults;
    } else if (ns < s->ns[s->at]) {
        s->ns[s->at] = (uint32_t)ns;
        s->faults[s->at] = (uint8_t)faults;
    }
    s->at++;
}

/* --- Calls --- */

static struct slice
key_of(uint64_t number, char *buf)
{
    return slice_make(buf, (size_t)snprintf(buf, KEY_BYTES, "key:%016" PRIx64, number));
}

static void
set(struct store *store, uint64_t number, uint32_t expires_s, enum kind kind)
{
    static const char value[1024];
    char buf[KEY_BYTES];
    struct item_spec spec = {.key = key_of(number, buf), .value_bytes = value_bytes};
    uint64_t cas;
    void *handle;

    spec.expires_s = expires_s;
    spec.hash = store_hash(store, spec.key);
    begin();
    if (store_reserve(store, &spec, &handle) == RESERVE_OK) {
        struct span at = store_reserved_at(store, handle, 0);

        memcpy(at.ptr, value, at.len);
        if (store_commit(store, handle, COMMIT_ANY, &cas) == COMMIT_OUT_OF_MEMORY)
            store_abort(store, handle);
    }
    end(kind);
}

static void
set_large(struct store *store, uint64_t number)
{
    char buf[KEY_BYTES];
    struct item_spec spec = {.key = key_of(number, buf), .value_bytes = LARGE_BYTES};
    enum space_result result = SPACE_THERE;
    enum reserve_result reserved;
    uint64_t cas;
    void *handle;

    spec.hash = store_hash(store, spec.key);
    begin();
    reserved = store_reserve(store, &spec, &handle);
    end(RESERVE);
    if (reserved != RESERVE_OK)
        return;
    for (uint64_t off = 0; off < LARGE_BYTES && result != SPACE_NONE;) {
        struct span at;

        begin();
        result = store_space_at(store, handle, off, &at);
        end(SPACE);
        if (result == SPACE_THERE || result == SPACE_MADE)
            off += at.len < CHUNK_BYTES ? at.len : CHUNK_BYTES;
    }
    begin();
    if (store_commit(store, handle, COMMIT_ANY, &cas) == COMMIT_OUT_OF_MEMORY)
        store_abort(store, handle);
    end(COMMIT);
}

static void
change(struct store *store, uint64_t number, enum kind kind)
{
    char buf[KEY_BYTES];
    struct slice key = key_of(number, buf);
    uint64_t hash = store_hash(store, key);
    struct item item;

    begin();
    if (store_get(store, key, hash, true, &item)) {
        if (kind == REMOVE)
            store_delete(store, &item);
        else if (kind == TOUCH)
            (void)!store_touch(store, &item, EXPIRES_S);
    }
    end(kind);
}

static void
work(struct store *store, enum kind kind)
{
    bool busy = true;

    for (uint64_t i = 0; busy && i < items; i++) {
        begin();
        busy = store_work(store);
        end(kind);
    }
}

/* --- Runs --- */

static struct store *
open_store(bool evict)
{
    struct store_config config = {
        .limit_bytes = items * item_bytes,
        .item_bytes_max = 2 * (size_t)LARGE_BYTES,
        .evict = evict,
        .with_cas = true,
        .hash_key = {1, 2},
    };
    struct store *store;

    if (config.limit_bytes < 8 * (size_t)LARGE_BYTES)
        config.limit_bytes = 8 * (size_t)LARGE_BYTES;
    store = store_create(&config);
    if (store == NULL)
        BUG("no store");
    store_set_time(store, BEGIN_S);
    return store;
}

static void
run_with_eviction(void)
{
    struct store *store = open_store(true);
    uint64_t n = 0, part = items / 10 + 1;

    while (n < items)
        set(store, n++, STORE_NEVER, FILL);
    for (uint64_t i = 0; i < 5 * part; i++)
        set(store, n++, STORE_NEVER, EVICT);
    work(store, WORK);
    for (uint64_t i = 0; i < part; i++) {
        change(store, n - 1 - i * 7919 % items, GET);
        change(store, n - 1 - i * 104729 % items, TOUCH);
        change(store, n - 1 - i * 1299709 % items, REMOVE);
    }
    for (uint64_t i = 0; i < items * item_bytes / LARGE_BYTES / 2; i++)
        set_large(store, n++);
    for (uint64_t i = 0; i < part; i++)
        set(store, n++, EXPIRES_S, AFTER_LARGE);
    store_set_time(store, EXPIRES_S);
    for (uint64_t i = 0; i < part; i++)
        set(store, n++, STORE_NEVER, AFTER_EXPIRY);
    work(store, WORK);
    begin();
    store_flush(store, 0);
    end(FLUSH);
    for (uint64_t i = 0; i < part; i++)
        set(store, n++, STORE_NEVER, AFTER_FLUSH);
    work(store, WORK);
    store_destroy(store);
}

static void
set_limit(struct store *store, uint64_t bytes, enum kind kind)
{
    bool done;

    begin();
    done = store_set_limit(store, bytes);
    end(kind);
    if (!done)
        BUG("the limit cannot be set");
}

/* A full store that has to do with a quarter, and grows again. */
static void
run_shrinking(void)
{
    struct store *store = open_store(true);
    uint64_t n = 0, limit = store_limit_bytes(store);

    while (n < items)
        set(store, n++, STORE_NEVER, FILL);
    set_limit(store, limit / 4, SHRINK);
    for (uint64_t i = 0; i < items / 20 + 1; i++)
        set(store, n++, STORE_NEVER, SHRINKING);
    work(store, SHRINK_WORK);
    set_limit(store, limit, GROW);
    for (uint64_t i = 0; i < items / 10; i++)
        set(store, n++, STORE_NEVER, FILL);
    store_destroy(store);
}

static void
run_without(void)
{
    struct store *store = open_store(false);
    uint64_t n = 0, part = items / 10 + 1;

    for (uint64_t i = 0; i < items; i++)
        set(store, n++, EXPIRES_S + (uint32_t)(i % 4), FULL_FILL);
    for (uint32_t s = 0; s < 5; s++) {
        store_set_time(store, EXPIRES_S + s);
        for (uint64_t i = 0; i < part; i++)
            set(store, n++, EXPIRES_S + 1000, FULL_EXPIRY);
    }
    work(store, FULL_WORK);
    store_destroy(store);
}

static int
by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void
print(const struct series *s)
{
    uint32_t longest = 0, longest_without = 0;
    unsigned faults = 0;
    size_t slow = 0;

    if (s->count == 0)
        return;
    for (size_t i = 0; i < s->count; i++) {
        slow += s->ns[i] > SLOW_NS;
        if (s->faults[i] == 0 && s->ns[i] > longest_without)
            longest_without = s->ns[i];
        if (s->ns[i] >= longest) {
            longest = s->ns[i];
            faults = s->faults[i];
        }
    }
    qsort(s->ns, s->count, sizeof(*s->ns), by_size);
    printf("%-32s %10zu calls  median %7.2f  p999 %7.2f us  %6zu above 200  longest %8.2f us "
           "(%u page faults), of those without any %8.2f us\n",
           s->name, s->count, s->ns[s->count / 2] / 1e3,
           s->ns[s->count - 1 - s->count / 1000] / 1e3, slow, longest / 1e3, faults,
           longest_without / 1e3);
}

int
main(int argc, char **argv)
{
    unsigned long runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 3;

    if (argc > 3)
        value_bytes = strtoul(argv[3], NULL, 10) % 1024;
    item_bytes = value_bytes + BESIDE_BYTES;
    items = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000000;
    for (unsigned long r = 0; r < runs; r++) {
        for (size_t k = 0; k < ARRAY_LEN(all); k++)
            all[k].at = 0;
        run_with_eviction();
        run_shrinking();
        run_without();
    }
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        print(all + k);
    printf("%" PRIu64 " long calls were interrupted, and are left out\n", interrupted);
    return 0;
}
