#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"
#include "root_priv.h"

enum {
    LIMIT = 16 * MB,
    ITEMS = 5000,
    SMALL_BYTES = 100,
    LARGE_BYTES = 300000,
    BEGIN_UNIX_S = 1000000
};

static struct store_file file = {-1};

static void
setup(void)
{
    file.fd = memfd_create("store", MFD_CLOEXEC);
    ck_assert_int_ge(file.fd, 0);
}

static void
teardown(void)
{
    (void)close(file.fd);
}

static struct rig_config
kept(void)
{
    return (struct rig_config){.file = &file, .limit_bytes = LIMIT};
}

/* The process ends, gracefully. */
static void
leave(struct rig *rig)
{
    ck_assert(store_detach(rig->store, BEGIN_UNIX_S));
    store_destroy(rig->store);
    rig->store = NULL;
}

/* The next one begins so many seconds later. */
static enum attach_result
come(struct rig *rig, struct rig_config config, int64_t after_s)
{
    struct store_config store_config = rig_store_config(config);
    enum attach_result result;

    store_config.hash_key = (struct hash_key){77, 78}; /* another: that of the file counts */
    result = store_attach(&store_config, BEGIN_UNIX_S + after_s, &rig->store);
    if (result == ATTACH_OK) {
        ck_assert(store_check(rig->store));
        rig->now_s = store_now_s(rig->store);
    }
    return result;
}

static void
fill(struct rig *rig)
{
    for (uint64_t i = 0; i < ITEMS; i++)
        ck_assert(rig_set(rig, i, SMALL_BYTES));
    ck_assert(rig_set(rig, ITEMS, LARGE_BYTES));
}

START_TEST(test_all_is_there_again)
{
    struct rig rig = rig_open(kept());
    struct store_layout before, after;
    struct item item;
    uint64_t cas;

    fill(&rig);
    for (uint64_t i = 0; i < ITEMS; i += 3)
        ck_assert(rig_delete(&rig, i));
    ck_assert(rig_get(&rig, 1, &item));
    cas = item.cas;
    store_layout(rig.store, &before);
    for (int times = 0; times < 3; times++) {
        leave(&rig);
        ck_assert_int_eq(come(&rig, kept(), 0), ATTACH_OK);
    }
    store_layout(rig.store, &after);
    ck_assert_uint_eq(after.items, before.items);
    ck_assert_uint_eq(after.live_bytes, before.live_bytes);
    ck_assert_uint_eq(after.header_bytes, before.header_bytes);
    for (uint64_t i = 0; i < ITEMS; i++)
        ck_assert_int_eq(rig_has(&rig, i, SMALL_BYTES), i % 3 != 0);
    ck_assert(rig_has(&rig, ITEMS, LARGE_BYTES));
    ck_assert(rig_get(&rig, 1, &item));
    ck_assert_uint_eq(item.cas, cas);
    ck_assert_uint_eq(item.marks & ITEM_FETCHED, ITEM_FETCHED);
    ck_assert(rig_set(&rig, 0, SMALL_BYTES)); /* CAS goes on */
    ck_assert(rig_get(&rig, 0, &item));
    ck_assert_uint_gt(item.cas, ITEMS);
    rig_close(&rig);
}
END_TEST

/* Full of what is evicted, moved, resized: whatever it was in the middle of. */
START_TEST(test_a_full_store_goes_on)
{
    struct rig rig = rig_open(kept());
    uint64_t next = 0;
    uint64_t there = 0;

    for (int times = 0; times < 5; times++) {
        for (int i = 0; i < 60000; i++, next++) {
            struct item item;

            ck_assert(rig_set(&rig, next, i % 50 == 0 ? 40000 : SMALL_BYTES));
            (void)rig_get(&rig, next - (uint64_t)(i % 1000), &item);
        }
        leave(&rig);
        ck_assert_int_eq(come(&rig, kept(), times), ATTACH_OK);
        for (uint64_t i = 0; i < 1000; i++)
            there += rig_has(&rig, next - 1 - i, (59999 - i) % 50 == 0 ? 40000 : SMALL_BYTES);
    }
    ck_assert_uint_gt(there, 4000);
    rig_settle(&rig);
    ck_assert(store_check(rig.store));
    rig_close(&rig);
}
END_TEST

START_TEST(test_time_that_passed_counts)
{
    struct rig rig = rig_open(kept());
    struct item item;

    ck_assert(rig_set_expiring(&rig, 1, SMALL_BYTES, START_S + 10));
    ck_assert(rig_set_expiring(&rig, 2, SMALL_BYTES, START_S + 20));
    ck_assert(rig_set(&rig, 3, SMALL_BYTES));
    leave(&rig);
    ck_assert_int_eq(come(&rig, kept(), 10), ATTACH_OK);
    ck_assert_uint_eq(rig.now_s, START_S + 10);
    ck_assert(!rig_peek(&rig, 1, &item));
    ck_assert(rig_peek(&rig, 2, &item));
    ck_assert_uint_eq(item.expires_s - rig.now_s, 10);
    rig_settle(&rig); /* what expired is found without a lookup, too */
    ck_assert_uint_eq(store_stats(rig.store)->reclaimed, 1);
    leave(&rig);
    ck_assert_int_eq(come(&rig, kept(), -50), ATTACH_OK); /* the host's clock was set back */
    ck_assert_uint_eq(rig.now_s, START_S + 10);
    ck_assert(rig_has(&rig, 2, SMALL_BYTES));
    leave(&rig);
    ck_assert_int_eq(come(&rig, kept(), INT64_C(1) << 40), ATTACH_OK); /* or far ahead */
    ck_assert_uint_eq(rig.now_s, INT32_MAX);
    ck_assert(!rig_peek(&rig, 2, &item));
    ck_assert(rig_has(&rig, 3, SMALL_BYTES));
    rig_close(&rig);
}
END_TEST

START_TEST(test_flushed_ones_stay_gone)
{
    struct rig rig = rig_open(kept());
    struct item item;

    fill(&rig);
    store_flush(rig.store, 0);
    ck_assert(rig_set(&rig, 1, SMALL_BYTES));
    leave(&rig);
    ck_assert_int_eq(come(&rig, kept(), 0), ATTACH_OK);
    ck_assert(!rig_peek(&rig, 2, &item));
    ck_assert(rig_has(&rig, 1, SMALL_BYTES));
    rig_settle(&rig);
    ck_assert_uint_eq(store_stats(rig.store)->curr_items, 1);
    store_flush(rig.store, rig.now_s + 5); /* one that is yet to come */
    leave(&rig);
    ck_assert_int_eq(come(&rig, kept(), 5), ATTACH_OK);
    ck_assert(!rig_peek(&rig, 1, &item));
    rig_close(&rig);
}
END_TEST

/* Clients that are in the middle of a value, or read one, when the process ends. */
START_TEST(test_nothing_is_held_any_more)
{
    struct rig rig = rig_open(kept());
    void *small, *large;
    struct item item;

    fill(&rig);
    ck_assert(rig_get(&rig, ITEMS, &item));
    store_pin_item(rig.store, item.handle);
    ck_assert(rig_get(&rig, 7, &item));
    store_pin_item(rig.store, item.handle);
    store_delete(rig.store, &item);
    ck_assert_int_eq(rig_reserve(&rig, 1, SMALL_BYTES, STORE_NEVER, &small), RESERVE_OK);
    ck_assert_int_eq(rig_reserve(&rig, 2, LARGE_BYTES, STORE_NEVER, &large), RESERVE_OK);
    ck_assert(rig_fill(&rig, large, 2, 0, LARGE_BYTES / 2));
    ck_assert_uint_gt(store_pin_count(rig.store), 5);
    leave(&rig);
    ck_assert_int_eq(come(&rig, kept(), 0), ATTACH_OK);
    ck_assert_uint_eq(store_pin_count(rig.store), 0);
    ck_assert_uint_eq(store_stats(rig.store)->curr_items, ITEMS);
    ck_assert(rig_has(&rig, 1, SMALL_BYTES)); /* what was there before */
    ck_assert(rig_has(&rig, ITEMS, LARGE_BYTES));
    for (uint64_t i = 0; i <= ITEMS; i++)
        (void)rig_delete(&rig, i);
    ck_assert_uint_eq(rig.store->content_bytes + rig.store->header_bytes, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(test_another_limit)
{
    static const size_t limits[] = {LIMIT, 2 * LIMIT, LIMIT / 2, 16 * LIMIT, LIMIT / 4};
    struct rig rig = rig_open(kept());

    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct rig_config config = kept();
        struct store_layout l;

        fill(&rig);
        leave(&rig);
        config.limit_bytes = limits[i];
        ck_assert_int_eq(come(&rig, config, 0), ATTACH_OK);
        rig_settle(&rig);
        store_layout(rig.store, &l);
        ck_assert_uint_eq(l.limit_bytes, limits[i]);
        ck_assert(rig_has(&rig, ITEMS - 1, SMALL_BYTES));
    }
    rig_close(&rig);
}
END_TEST

/* --- From one process to another while it is in use --- */

/* The store of RIG is lent and adopted; the one that had it gives it up. */
static void
pass_on(struct rig *rig)
{
    struct store_config config = rig_store_config(kept());
    uint64_t lease = store_lend(rig->store);
    struct store *heir = store_expect(&config);

    ck_assert_ptr_nonnull(heir);
    ck_assert_int_eq(store_adopt(heir, &config), ATTACH_OK);
    ck_assert(store_check(heir));
    ck_assert(store_claim(heir, lease));
    ck_assert(!store_claim(rig->store, lease));
    store_destroy(rig->store);
    rig->store = heir;
    store_keep(rig->store, LIMIT);
}

static bool
has_victim(const struct rig *rig)
{
    return rig->store->evictor.victim != SEG_NONE;
}

/* A segment that is being emptied is one like the others to the next process: none is lost to it. */
START_TEST(test_a_victim_goes_over)
{
    struct rig rig = rig_open(kept());
    uint64_t next = 0;

    for (int times = 0; times < 20; times++) {
        do
            ck_assert(rig_set(&rig, next++, SMALL_BYTES));
        while (!has_victim(&rig));
        pass_on(&rig);
        ck_assert(!has_victim(&rig));
    }
    rig_settle(&rig);
    ck_assert(store_check(rig.store));
    rig_close(&rig);
}
END_TEST

/* Whoever claims it first has it; one that comes late has nothing, not even when it is lent again. */
/* What a process had ahead for the index is the next one's to use, or to give back. */
START_TEST(test_memory_had_ahead_is_known)
{
    struct rig rig = rig_open(kept());
    struct huge *huge = &rig.store->huge;
    char *touched = (char *)rig.store->index.buckets + 3 * MB;

    fill(&rig);
    huge->index_waits = true;
    huge->index_begin = 2 * MB;
    huge->index_done = huge->index_end = 4 * MB;
    huge->nodes_done = 4 * MB;
    *touched = 'x';
    leave(&rig);
    ck_assert_int_eq(come(&rig, kept(), 1), ATTACH_OK);
    huge = &rig.store->huge;
    ck_assert_uint_eq(huge->nodes_done, 4 * MB);
    while (store_work(rig.store))
        continue;
    ck_assert(!huge->index_waits);
    ck_assert_uint_le(huge->nodes_done, 2 * MB);
    touched = (char *)rig.store->index.buckets + 3 * MB;
    ck_assert_int_eq(*touched, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(test_a_lease_is_claimed_once)
{
    struct rig rig = rig_open(kept());
    struct store_config config = rig_store_config(kept());
    struct store *late = store_expect(&config), *heir = store_expect(&config);
    uint64_t first, second;

    ck_assert_ptr_nonnull(late);
    ck_assert_ptr_nonnull(heir);
    ck_assert(rig_set(&rig, 1, SMALL_BYTES));
    ck_assert_int_eq(store_adopt(heir, &config), ATTACH_UNCLEAN); /* it is not lent */
    ck_assert(!store_claim(rig.store, 0));
    first = store_lend(rig.store);
    ck_assert_int_eq(store_adopt(late, &config), ATTACH_OK);
    ck_assert(store_claim(rig.store, first));
    ck_assert(!store_claim(rig.store, first));
    ck_assert(!store_claim(late, first));
    second = store_lend(rig.store);
    ck_assert_uint_ne(first, second);
    ck_assert(!store_claim(late, first));
    ck_assert_int_eq(store_adopt(heir, &config), ATTACH_OK);
    ck_assert(store_claim(heir, second));
    ck_assert(!store_claim(rig.store, second));
    store_destroy(late);
    store_destroy(rig.store);
    rig.store = heir;
    store_keep(heir, LIMIT);
    ck_assert(!store_claim(heir, second));
    ck_assert_uint_gt(store_lend(heir), second); /* its number is unlike all before */
    ck_assert(rig_has(&rig, 1, SMALL_BYTES));
    rig_close(&rig);
}
END_TEST

/* What is said before it is lent, or only then. */
static void
does_not_fit(struct rig *rig, struct rig_config config, enum attach_result before,
             enum attach_result then)
{
    struct store_config heirs = rig_store_config(config);
    struct store *heir = store_expect(&heirs);
    uint64_t lease;

    ck_assert_ptr_nonnull(heir);
    ck_assert_int_eq(store_fits(heir, &heirs), before);
    if (before == ATTACH_LIMIT) {
        ck_assert_uint_eq(store_limit_bytes_min(heir), store_limit_bytes_min(rig->store));
        ck_assert_uint_eq(store_limit_bytes_max(heir), store_limit_bytes_max(rig->store));
    }
    lease = store_lend(rig->store);
    ck_assert_int_eq(store_adopt(heir, &heirs), then);
    ck_assert(store_claim(rig->store, lease));
    store_destroy(heir);
}

START_TEST(test_what_does_not_fit_is_known_before)
{
    const struct {
        size_t limit_bytes;
        bool no_cas;
        enum attach_result want;
    } cases[] = {
        {LIMIT, false, ATTACH_OK},
        {RIG_LIMIT_MAX, false, ATTACH_OK},
        {RIG_LIMIT_MAX + MB, false, ATTACH_LIMIT},
        {MB, false, ATTACH_OK},
        {MB - 1, false, ATTACH_LIMIT},
        {LIMIT, true, ATTACH_CAS},
    };
    const uint64_t unsaid = 0;
    struct rig rig = rig_open(kept());

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig_config config = kept();

        config.limit_bytes = cases[i].limit_bytes;
        config.no_cas = cases[i].no_cas;
        does_not_fit(&rig, config, cases[i].want, cases[i].want);
        /* As in a version that says its limit only when it lends. */
        ck_assert_int_eq(pwrite(file.fd, &unsaid, sizeof(unsaid),
                                offsetof(struct store_root, limit_bytes_max)),
                         sizeof(unsaid));
        does_not_fit(&rig, config, cases[i].no_cas ? ATTACH_CAS : ATTACH_OK, cases[i].want);
    }
    rig_close(&rig);
}
END_TEST

/* --- What cannot go on --- */

static void
refused(struct rig_config config, enum attach_result want)
{
    struct rig rig = {NULL, 0};

    ck_assert_int_eq(come(&rig, config, 0), want);
    ck_assert_ptr_null(rig.store);
    rig = rig_open(config); /* but a new one can begin */
    ck_assert(!rig_has(&rig, 1, SMALL_BYTES));
    fill(&rig);
    leave(&rig);
    ck_assert_int_eq(come(&rig, config, 0), ATTACH_OK);
    ck_assert(rig_has(&rig, 1, SMALL_BYTES));
    rig_close(&rig);
}

START_TEST(test_an_empty_file)
{
    refused(kept(), ATTACH_EMPTY);
}
END_TEST

START_TEST(test_a_crash)
{
    struct rig rig = rig_open(kept());

    fill(&rig);
    store_destroy(rig.store);
    refused(kept(), ATTACH_UNCLEAN);
    rig = rig_open(kept());
    leave(&rig);
    ck_assert_int_eq(come(&rig, kept(), 0), ATTACH_OK); /* from here on it is in use */
    store_destroy(rig.store);
    refused(kept(), ATTACH_UNCLEAN);
}
END_TEST

START_TEST(test_other_options)
{
    struct rig_config config = kept();
    struct rig rig = rig_open(config);

    fill(&rig);
    leave(&rig);
    config.no_evict = true;
    ck_assert_int_eq(come(&rig, config, 0), ATTACH_OK);
    ck_assert(rig_has(&rig, 1, SMALL_BYTES));
    leave(&rig);
    config.no_cas = true;
    refused(config, ATTACH_CAS);
    refused(kept(), ATTACH_UNCLEAN);
    rig = rig_open(kept());
    leave(&rig);
    config = kept();
    config.limit_bytes = RIG_LIMIT_MAX + MB;
    refused(config, ATTACH_LIMIT);
    rig = rig_open(kept());
    leave(&rig);
    config.limit_bytes = MB / 2;
    ck_assert_int_eq(come(&rig, config, 0), ATTACH_LIMIT);
}
END_TEST

static void
put(uint64_t off, const void *src, size_t bytes)
{
    ck_assert_int_eq(pwrite(file.fd, src, bytes, (off_t)off), (ssize_t)bytes);
}

START_TEST(test_what_is_not_ours)
{
    struct rig rig = {NULL, 0};

    put(0, "root:x:0:0:", 11);
    ck_assert_int_eq(come(&rig, kept(), 0), ATTACH_FOREIGN);
    put(5000, "x", 1);
    ck_assert_int_eq(come(&rig, kept(), 0), ATTACH_FOREIGN);
    put(0, "\0\0\0\0\0\0\0\0", 8);
    ck_assert_int_eq(come(&rig, kept(), 0), ATTACH_TORN);
}
END_TEST

START_TEST(test_another_version)
{
    static const size_t fields[] = {offsetof(struct store_root, version),
                                    offsetof(struct store_root, root_bytes),
                                    offsetof(struct store_root, index_struct_bytes),
                                    offsetof(struct store_root, arena_struct_bytes),
                                    offsetof(struct store_root, seg_struct_bytes)};
    struct rig rig = {NULL, 0};
    uint32_t value;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        rig = rig_open(kept());
        leave(&rig);
        ck_assert_int_eq(pread(file.fd, &value, sizeof(value), (off_t)fields[i]),
                         sizeof(value));
        value++;
        put(fields[i], &value, sizeof(value));
        ck_assert_int_eq(come(&rig, kept(), 0), ATTACH_VERSION);
    }
}
END_TEST

/* Every byte of the root, and samples of the rest: none may differ unnoticed. */
START_TEST(test_a_torn_file)
{
    struct rig rig = rig_open(kept());
    uint64_t table = MEMORY_AREA_BYTES;
    uint64_t base, buckets;
    struct stat st;
    char byte;

    fill(&rig);
    base = table + (rig.store->arena.segs_bytes / MEMORY_AREA_BYTES + 1) * MEMORY_AREA_BYTES;
    buckets = base + ((uint64_t)rig.store->arena.seg_max << rig.store->arena.seg_shift);
    leave(&rig);
    ck_assert_int_eq(fstat(file.fd, &st), 0);
    for (size_t i = 0; i < sizeof(struct store_root) + 300; i++) {
        uint64_t off = i < sizeof(struct store_root)         ? i
                       : i < sizeof(struct store_root) + 100 ? table + i % 100 * 3
                       : i < sizeof(struct store_root) + 200 ? buckets + i * 64
                                                             : base + (i % 4) * LIMIT / 1024;

        ck_assert_int_eq(pread(file.fd, &byte, 1, (off_t)off), 1);
        byte ^= 0x10;
        put(off, &byte, 1);
        if (come(&rig, kept(), 0) == ATTACH_OK)
            ck_abort_msg("a changed byte at %" PRIu64 " was not noticed", off);
        byte ^= 0x10;
        put(off, &byte, 1);
    }
    ck_assert_int_eq(ftruncate(file.fd, st.st_size - 4096), 0);
    ck_assert_int_eq(come(&rig, kept(), 0), ATTACH_TORN);
    ck_assert_int_eq(ftruncate(file.fd, st.st_size + 4096), 0);
    ck_assert_int_eq(come(&rig, kept(), 0), ATTACH_TORN);
    ck_assert_int_eq(ftruncate(file.fd, 100), 0);
    ck_assert_int_eq(come(&rig, kept(), 0), ATTACH_TORN);
    ck_assert_int_eq(ftruncate(file.fd, st.st_size), 0);
    refused(kept(), ATTACH_UNCLEAN);
}
END_TEST

TCase *
root_tcase(void)
{
    TCase *tc = tcase_create("root");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_all_is_there_again);
    tcase_add_test(tc, test_a_full_store_goes_on);
    tcase_add_test(tc, test_time_that_passed_counts);
    tcase_add_test(tc, test_flushed_ones_stay_gone);
    tcase_add_test(tc, test_nothing_is_held_any_more);
    tcase_add_test(tc, test_another_limit);
    tcase_add_test(tc, test_a_victim_goes_over);
    tcase_add_test(tc, test_memory_had_ahead_is_known);
    tcase_add_test(tc, test_a_lease_is_claimed_once);
    tcase_add_test(tc, test_what_does_not_fit_is_known_before);
    tcase_add_test(tc, test_an_empty_file);
    tcase_add_test(tc, test_a_crash);
    tcase_add_test(tc, test_other_options);
    tcase_add_test(tc, test_what_is_not_ours);
    tcase_add_test(tc, test_another_version);
    tcase_add_test(tc, test_a_torn_file);
    return tc;
}
