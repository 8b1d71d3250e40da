/*
 * tests/sim/store_steps.c - the longest that any one call of the store takes.
 *
 *     store_steps [ITEMS [RUNS [VALUE_BYTES [huge]]]]   10,000,000 items of 60 bytes in three runs, without
 *                         huge pages, if not said otherwise; 100,000,000 1 0 needs 6 GB and some minutes
 *
 * Every run makes the same calls on a store of as many bytes as the items take; of each call the
 * least time of all runs counts. Prints for each kind of call how many there were, the median, the
 * 999th of 1,000, and how many took more than 200 us: by the clock, by the thread's CPU time, so that
 * what the machine did meanwhile does not count, and of these without page faults: what a first touch
 * costs is the kernel's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "lombard/base/attr.h"
#include "store_priv.h"

enum { VALUE_BYTES = 60, BESIDE_BYTES = 50, LARGE_BYTES = 4 << 20, CHUNK_BYTES = 64 * 1024 };
enum { KEY_BYTES = 24, BEGIN_S = 100, EXPIRES_S = 200 };

/* A call that took long, in all runs so far. */
struct long_call {
    uint64_t number; /* of its kind */
    uint32_t ns;
    uint32_t cpu_ns; /* of the thread */
    uint32_t faults; /* page faults, in it or in a few calls before */
};

enum { LONG_NS = 50 * 1000, SLOW_NS = 200 * 1000, LOOK_EVERY = 16 };
/* Of calls that are not long: how many there were of each duration. */
enum { PART_NS = 50, PARTS = LONG_NS / PART_NS + 1 };

struct series {
    const char *name;
    uint64_t parts[PARTS];
    struct long_call *calls; /* long ones, in order */
    size_t count, capacity;
    size_t kept; /* of these, what the current run has confirmed; the rest is of runs before */
    size_t next; /* to be confirmed */
    uint64_t at; /* the call that comes next in this run */
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
    WORK, /* by task */
    SHRINK = WORK + STORE_TASKS,
    SHRINKING,
    SHRINK_WORK,
    GROW = SHRINK_WORK + STORE_TASKS,
    FULL_FILL,
    FULL_EXPIRY,
    FULL_WORK,
    KINDS = FULL_WORK + STORE_TASKS
};

static struct series all[KINDS] = {
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
    [WORK + TASK_INDEX] = {.name = "background: index"},
    [WORK + TASK_EXPIRY] = {.name = "background: expiry"},
    [WORK + TASK_SPACE] = {.name = "background: space"},
    [WORK + TASK_HUGE] = {.name = "background: huge pages"},
    [SHRINK] = {.name = "cache_memlimit: a quarter"},
    [SHRINKING] = {.name = "set, while that takes effect"},
    [SHRINK_WORK + TASK_INDEX] = {.name = "likewise, background: index"},
    [SHRINK_WORK + TASK_EXPIRY] = {.name = "likewise, background: expiry"},
    [SHRINK_WORK + TASK_SPACE] = {.name = "likewise, background: space"},
    [SHRINK_WORK + TASK_HUGE] = {.name = "likewise, background: huge pages"},
    [GROW] = {.name = "cache_memlimit: as before"},
    [FULL_FILL] = {.name = "-M: set, the store fills"},
    [FULL_EXPIRY] = {.name = "-M: set, all others expired"},
    [FULL_WORK + TASK_INDEX] = {.name = "-M: background: index"},
    [FULL_WORK + TASK_EXPIRY] = {.name = "-M: background: expiry"},
    [FULL_WORK + TASK_SPACE] = {.name = "-M: background: space"},
    [FULL_WORK + TASK_HUGE] = {.name = "-M: background: huge pages"},
};

static uint64_t begun_ns;
static uint64_t items;
static uint64_t value_bytes = VALUE_BYTES, item_bytes;
static bool first_run = true;
static bool huge_pages;

/* What the kernel says of this thread: asked now and then, and after each long call. */
static struct look {
    uint64_t cpu_ns;
    uint64_t faults;
    uint64_t known_ns; /* that calls took since then */
    unsigned calls;
} look;

static uint64_t
clock_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t
faults_now(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_THREAD, &usage);
    return (uint64_t)usage.ru_minflt;
}

static void
begin(void)
{
    if (++look.calls >= LOOK_EVERY)
        look = (struct look){clock_ns(CLOCK_THREAD_CPUTIME_ID), faults_now(), 0, 0};
    begun_ns = clock_ns(CLOCK_MONOTONIC);
}

static uint32_t
at_most(uint64_t a, uint64_t b)
{
    uint64_t least = a < b ? a : b;

    return least < UINT32_MAX ? (uint32_t)least : UINT32_MAX;
}

/* Of the call that took NS. Its CPU time may have that of preparing the few before in it. */
static struct long_call
judge(const struct series *s, uint64_t ns)
{
    uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID), faults = faults_now();
    uint64_t spent = cpu_ns - look.cpu_ns;
    struct long_call call = {
        .number = s->at,
        .ns = at_most(ns, ns),
        .cpu_ns = at_most(ns, spent > look.known_ns ? spent - look.known_ns : 0),
        .faults = at_most(faults - look.faults, UINT32_MAX),
    };

    look = (struct look){cpu_ns, faults, 0, 0};
    return call;
}

/* A long call of the first run. */
static void
append(struct series *s, const struct long_call *call)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity * 2 + 1024;
        s->calls = realloc(s->calls, s->capacity * sizeof(*s->calls));
        if (s->calls == NULL)
            BUG("no memory for what was measured");
    }
    s->calls[s->count++] = *call;
}

/* Of a later one: it stays if it was long before as well, with the least times. */
static void
confirm(struct series *s, const struct long_call *call)
{
    struct long_call *old;

    while (s->next < s->count && s->calls[s->next].number < call->number)
        s->next++;
    if (s->next == s->count || s->calls[s->next].number > call->number)
        return;
    old = s->calls + s->next++;
    old->ns = at_most(old->ns, call->ns);
    if (call->cpu_ns < old->cpu_ns) {
        old->cpu_ns = call->cpu_ns;
        old->faults = call->faults;
    }
    s->calls[s->kept++] = *old;
}

static void
end(unsigned kind)
{
    struct series *s = all + kind;
    uint64_t ns = clock_ns(CLOCK_MONOTONIC) - begun_ns;

    if (ns <= LONG_NS) {
        look.known_ns += ns;
        s->parts[ns / PART_NS]++;
    } else {
        struct long_call call = judge(s, ns);

        if (first_run)
            append(s, &call);
        else
            confirm(s, &call);
    }
    s->at++;
}

static void
begin_run(bool first)
{
    first_run = first;
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        all[k].at = all[k].next = all[k].kept = 0;
}

static void
end_run(void)
{
    for (size_t k = 0; k < ARRAY_LEN(all) && !first_run; k++)
        all[k].count = all[k].kept;
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
work(struct store *store, unsigned kind)
{
    for (uint64_t i = 0; i < items; i++) {
        begin();
        if (!store_work(store))
            break;
        end(kind + (store->next_task + STORE_TASKS - 1U) % STORE_TASKS);
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
        .huge_pages = huge_pages,
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
by_time(const void *a, const void *b)
{
    const struct long_call *x = a, *y = b;

    return (y->ns > x->ns) - (y->ns < x->ns);
}

/* Microseconds that all calls of S but OVER took at most; its long ones are sorted. */
static double
quantile(const struct series *s, uint64_t over)
{
    uint64_t seen = s->count;
    size_t i = PARTS;

    if (over < s->count)
        return s->calls[over].ns / 1e3;
    while (i > 0 && seen <= over)
        seen += s->parts[--i];
    return (double)((i + 1) * PART_NS) / 1e3;
}

static void
print(struct series *s)
{
    const struct long_call none = {0};
    const struct long_call *longest = &none, *most = &none, *own = &none;
    uint64_t slow = 0, slow_cpu = 0, slow_own = 0, calls = s->count;

    if (s->count > 0)
        qsort(s->calls, s->count, sizeof(*s->calls), by_time);
    for (size_t i = 0; i < PARTS; i++)
        calls += s->parts[i];
    for (size_t i = 0; i < s->count; i++) {
        const struct long_call *call = s->calls + i;

        slow += call->ns > SLOW_NS;
        slow_cpu += call->cpu_ns > SLOW_NS;
        slow_own += call->cpu_ns > SLOW_NS && call->faults == 0;
        longest = call->ns > longest->ns ? call : longest;
        most = call->cpu_ns > most->cpu_ns ? call : most;
        if (call->faults == 0)
            own = call->cpu_ns > own->cpu_ns ? call : own;
    }
    if (calls == 0)
        return;
    printf("%-30s %10" PRIu64
           " calls, median %6.2f, p999 %6.2f, %7zu above %d us; above 200: %6" PRIu64
           ", by CPU %5" PRIu64 ", without faults %5" PRIu64
           "; longest %8.2f, by CPU %8.2f (%u faults), "
           "without %8.2f\n",
           s->name, calls, quantile(s, calls / 2), quantile(s, calls / 1000), s->count,
           LONG_NS / 1000, slow, slow_cpu, slow_own, longest->ns / 1e3, most->cpu_ns / 1e3,
           most->faults, own->cpu_ns / 1e3);
}

int
main(int argc, char **argv)
{
    unsigned long runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 3;

    if (argc > 3)
        value_bytes = strtoul(argv[3], NULL, 10) % 1024;
    huge_pages = argc > 4 && strcmp(argv[4], "huge") == 0;
    item_bytes = value_bytes + BESIDE_BYTES;
    items = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000000;
    for (unsigned long r = 0; r < runs; r++) {
        begin_run(r == 0);
        run_with_eviction();
        run_shrinking();
        run_without();
        end_run();
    }
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        print(all + k);
    return 0;
}
