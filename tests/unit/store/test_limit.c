/* The limit at run time: raised at once, lowered in bounded steps, by policy, and kept to. */
#include "rig.h"

#include "store_priv.h"

enum { HIGH = 16 * MB, LOW = 4 * MB, BYTES = 300, STEP_COST_MAX = 160 * 1024 };

static void
fill(struct rig *rig, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        REQUIRE(rig_set(rig, i, BYTES));
}

static uint64_t
count_of(struct rig *rig, uint64_t from, uint64_t to)
{
    uint64_t there = 0;
    struct item item;

    for (uint64_t i = from; i < to; i++)
        there += rig_peek(rig, i, &item);
    return there;
}

static uint64_t
resident_bytes(const struct store *store)
{
    return ((uint64_t)store->arena.seg_resident << store->arena.seg_shift) +
           index_bytes_now(&store->index);
}

static uint64_t
limit_now(const struct rig *rig)
{
    struct store_layout layout;

    store_layout(rig->store, &layout);
    ck_assert(store_check(rig->store));
    return layout.limit_bytes;
}

/* Whatever the background has to do with many small items: a call is a step, and a batch more of each kind of work. */
START_TEST(test_background_goes_in_steps)
{
    enum { FILL = 120000, STEP_MAX = STEP_NS + 3 * BATCH * (ITEM_NS + RECORD_NS) };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB, .no_evict = _i == 2});
    uint64_t most = 0;
    bool more = true;

    for (uint64_t i = 0; i < FILL; i++)
        (void)rig_set_expiring(&rig, i, 1, START_S + 10);
    switch (_i) {
    case 0: REQUIRE(store_set_limit(rig.store, MB)); break;
    case 1: store_flush(rig.store, 0); break;
    case 2:
    case 3: rig_set_time(&rig, START_S + 10); break;
    }
    while (more) {
        uint64_t before = rig.store->work_ns;

        more = store_work(rig.store);
        REQUIRE(rig.store->work_ns - before <= STEP_MAX);
        if (rig.store->work_ns - before > most)
            most = rig.store->work_ns - before;
    }
    ck_assert_uint_ge(most, STEP_NS);
    rig_close(&rig);
}
END_TEST

START_TEST(bounds)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = HIGH});
    uint64_t max = store_limit_bytes_max(rig.store), min = store_limit_bytes_min(rig.store);

    ck_assert_uint_eq(max, RIG_LIMIT_MAX);
    ck_assert_uint_ge(min, MB); /* an item of -I fits */
    ck_assert(!store_set_limit(rig.store, max + 1));
    ck_assert(!store_set_limit(rig.store, min - 1));
    ck_assert(!store_set_limit(rig.store, 0));
    ck_assert(!store_set_limit(rig.store, UINT64_MAX));
    ck_assert_uint_eq(store_limit_bytes(rig.store), HIGH);
    ck_assert(store_set_limit(rig.store, max));
    ck_assert(store_set_limit(rig.store, min));
    ck_assert_uint_eq(store_limit_bytes(rig.store), min);
    rig_close(&rig);
}
END_TEST

START_TEST(grows_at_once)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = LOW});
    uint64_t evicted;

    fill(&rig, LOW / BYTES);
    evicted = store_stats(rig.store)->evictions;
    ck_assert_uint_gt(evicted, 0);
    ck_assert(store_set_limit(rig.store, 4 * HIGH));
    ck_assert_uint_eq(limit_now(&rig), 4 * HIGH);
    fill(&rig, 4 * HIGH * UINT64_C(3) / 4 / (BYTES + 60));
    ck_assert_uint_eq(store_stats(rig.store)->evictions, evicted);
    rig_close(&rig);
}
END_TEST

/* By background work alone, each piece of it bounded; what it frees the kernel has back. */
START_TEST(shrinks_while_idle)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = HIGH});
    uint64_t count = HIGH / (BYTES + 60), had = resident_bytes(rig.store), spent = 0;

    fill(&rig, count);
    had = resident_bytes(rig.store);
    ck_assert_uint_gt(had, HIGH * UINT64_C(8) / 10);
    ck_assert(store_set_limit(rig.store, LOW));
    ck_assert_uint_eq(store_limit_bytes(rig.store), LOW);
    ck_assert_uint_gt(limit_now(&rig), LOW * 3);
    for (bool busy = true; busy;) {
        uint64_t limit = limit_now(&rig);

        spent = rig.store->evictor.spent;
        busy = store_work(rig.store);
        ck_assert_uint_le(rig.store->evictor.spent - spent, STEP_COST_MAX);
        ck_assert_uint_le(limit_now(&rig), limit + 4096);
    }
    ck_assert_uint_eq(limit_now(&rig), LOW);
    ck_assert_uint_le(resident_bytes(rig.store), LOW);
    /* Not more than had to go. */
    ck_assert_uint_gt(store_stats(rig.store)->bytes, LOW * UINT64_C(3) / 4);
    ck_assert_uint_eq(count_of(&rig, 0, count) + store_stats(rig.store)->evictions, count);
    rig_close(&rig);
}
END_TEST

/* No write, of new items or only of a few again and again, waits for more than its share; all of them succeed. */
START_TEST(shrinks_under_load)
{
    enum { AGAIN = 16 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = HIGH});
    uint64_t writes = 0;

    fill(&rig, HIGH / BYTES);
    ck_assert(store_set_limit(rig.store, LOW));
    while (limit_now(&rig) > LOW) {
        uint64_t spent = rig.store->evictor.spent;

        REQUIRE(rig_set(&rig, _i == 0 ? HIGH + writes : writes % AGAIN, BYTES));
        ck_assert_uint_le(rig.store->evictor.spent - spent, STEP_COST_MAX);
        ck_assert_uint_lt(writes++, HIGH / BYTES);
    }
    ck_assert_uint_eq(store_stats(rig.store)->outofmemory, 0);
    ck_assert_uint_le(resident_bytes(rig.store), LOW);
    rig_close(&rig);
}
END_TEST

/* What is dead goes before what lives, and what is used before what is not. */
START_TEST(shrinks_by_policy)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = HIGH});
    uint64_t count = HIGH / (BYTES + 60), hot = 2000;
    struct item item;

    fill(&rig, count);
    for (uint64_t i = hot; i < count; i++)
        if (i % 3 != 0)
            (void)rig_delete(&rig, i);
    for (int round = 0; round < 3; round++)
        for (uint64_t i = 0; i < hot; i++)
            REQUIRE(rig_get(&rig, i, &item));
    ck_assert(store_set_limit(rig.store, HIGH * UINT64_C(6) / 10));
    rig_settle(&rig);
    ck_assert_uint_eq(limit_now(&rig), HIGH * UINT64_C(6) / 10);
    ck_assert_uint_eq(store_stats(rig.store)->evictions, 0);
    ck_assert(store_set_limit(rig.store, LOW));
    rig_settle(&rig);
    ck_assert_uint_eq(limit_now(&rig), LOW);
    ck_assert_uint_ge(count_of(&rig, 0, hot), hot * 95 / 100);
    rig_close(&rig);
}
END_TEST

START_TEST(without_eviction_what_lives_stays)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = HIGH, .no_evict = true});
    uint64_t count = HIGH / 2 / BYTES;
    uint64_t limit;

    fill(&rig, count);
    ck_assert(store_set_limit(rig.store, LOW));
    rig_settle(&rig);
    limit = limit_now(&rig);
    ck_assert_uint_gt(limit, LOW);
    ck_assert_uint_lt(limit, HIGH * UINT64_C(3) / 4);
    for (uint64_t i = 0; i < 1000; i++)
        (void)rig_set(&rig, count + i, BYTES);
    ck_assert(!rig_set(&rig, count, BYTES));
    ck_assert_uint_le(limit_now(&rig), limit);
    ck_assert_uint_eq(count_of(&rig, 0, count), count);
    for (uint64_t i = count / 5; i < count; i++)
        (void)rig_delete(&rig, i);
    for (uint64_t i = 0; i < 1000; i++)
        (void)rig_delete(&rig, count + i);
    rig_settle(&rig);
    ck_assert_uint_eq(limit_now(&rig), LOW);
    REQUIRE(rig_set(&rig, count, BYTES));
    rig_close(&rig);
}
END_TEST

/* Pins of records and of large values, and uploads, hold the limit up only while they last. */
START_TEST(pinned_stays)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = HIGH});
    enum { LARGE = 900 * 1024, LARGES = 5 };
    const void *pins[LARGES];
    struct item item;
    void *upload;

    fill(&rig, HIGH / BYTES);
    for (uint64_t i = 0; i < LARGES; i++) {
        REQUIRE(rig_set(&rig, HIGH + i, LARGE));
        REQUIRE(rig_get(&rig, HIGH + i, &item));
        pins[i] = item.handle;
        store_pin_item(rig.store, pins[i]);
    }
    ck_assert_int_eq(rig_reserve(&rig, 1, LARGE, STORE_NEVER, &upload), RESERVE_OK);
    ck_assert(rig_fill(&rig, upload, 1, 0, LARGE / 2));
    ck_assert(store_set_limit(rig.store, LOW));
    rig_settle(&rig);
    ck_assert_uint_gt(limit_now(&rig), LARGES * LARGE);
    for (uint64_t i = 0; i < LARGES; i++)
        rig_check_value(&rig, pins[i], HIGH + i, LARGE);
    for (uint64_t i = 0; i < LARGES; i++)
        store_unpin_item(rig.store, pins[i]);
    rig_settle(&rig);
    ck_assert_uint_eq(limit_now(&rig), LOW);
    ck_assert(rig_fill(&rig, upload, 1, LARGE / 2, LARGE));
    rig_check_value(&rig, upload, 1, LARGE);
    store_abort(rig.store, upload);
    rig_settle(&rig);
    ck_assert_uint_eq(limit_now(&rig), LOW);
    ck_assert_uint_le(resident_bytes(rig.store), LOW);
    rig_close(&rig);
}
END_TEST

/* Buckets and nodes of an index that was large are given back, too. */
START_TEST(the_index_shrinks)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = HIGH});
    uint64_t small = 20, count = HIGH / 64, index;

    for (uint64_t i = 0; i < count; i++)
        REQUIRE(rig_set(&rig, i, small));
    index = index_bytes_now(&rig.store->index);
    ck_assert_uint_gt(rig.store->index.nodes_resident, 10000);
    ck_assert(store_set_limit(rig.store, 2 * MB));
    for (uint64_t i = 0; i < 1000; i++) /* stored even while it is far too large */
        REQUIRE(rig_set(&rig, count + i, small));
    rig_settle(&rig);
    ck_assert_uint_eq(limit_now(&rig), 2 * MB);
    ck_assert_uint_lt(index_bytes_now(&rig.store->index), index / 4);
    ck_assert_uint_eq(count_of(&rig, 0, count + 1000), store_stats(rig.store)->curr_items);
    ck_assert_uint_gt(store_stats(rig.store)->bytes, MB);
    rig_close(&rig);
}
END_TEST

TCase *
limit_tcase(void)
{
    TCase *tcase = tcase_create("limit");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_background_goes_in_steps, 0, 4);
    tcase_add_test(tcase, bounds);
    tcase_add_test(tcase, grows_at_once);
    tcase_add_test(tcase, shrinks_while_idle);
    tcase_add_loop_test(tcase, shrinks_under_load, 0, 2);
    tcase_add_test(tcase, shrinks_by_policy);
    tcase_add_test(tcase, without_eviction_what_lives_stays);
    tcase_add_test(tcase, pinned_stays);
    tcase_add_test(tcase, the_index_shrinks);
    return tcase;
}
