#include "rig.h"

static const struct {
    uint32_t expires_s;
    uint32_t now_s;
    bool want;
} expiries[] = {
    {STORE_NEVER, START_S + 1000000, true},
    {START_S + 1, START_S, true},
    {START_S + 1, START_S + 1, false},
    {START_S + 10, START_S + 9, true},
    {START_S + 10, START_S + 11, false},
    {START_S, START_S, false},
    {1, START_S, false},
};

START_TEST(test_expiry)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct item item;

    REQUIRE(rig_set_expiring(&rig, 1, 10, expiries[_i].expires_s));
    rig_set_time(&rig, expiries[_i].now_s);
    ck_assert_int_eq(rig_peek(&rig, 1, &item), expiries[_i].want);
    if (expiries[_i].want)
        ck_assert_uint_eq(item.expires_s, expiries[_i].expires_s);
    ck_assert_int_eq(rig_get(&rig, 1, &item), expiries[_i].want);
    ck_assert_uint_eq(store_stats(rig.store)->curr_items, expiries[_i].want);
    ck_assert_uint_eq(store_stats(rig.store)->reclaimed, !expiries[_i].want);
    rig_close(&rig);
}
END_TEST

START_TEST(test_touch)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    uint64_t bytes = _i == 0 ? 10 : 100000; /* the large one moves without its pieces */
    struct item item;

    REQUIRE(rig_set(&rig, 1, bytes));
    REQUIRE(rig_peek(&rig, 1, &item));
    ck_assert(store_touch(rig.store, &item, START_S + 5));
    ck_assert_uint_eq(item.expires_s, START_S + 5);
    REQUIRE(rig_has(&rig, 1, bytes));
    REQUIRE(rig_peek(&rig, 1, &item));
    ck_assert(store_touch(rig.store, &item, START_S + 7));
    rig_set_time(&rig, START_S + 6);
    REQUIRE(rig_peek(&rig, 1, &item));
    ck_assert(store_touch(rig.store, &item, STORE_NEVER));
    rig_set_time(&rig, START_S + 1000);
    REQUIRE(rig_has(&rig, 1, bytes));
    REQUIRE(rig_delete(&rig, 1));
    ck_assert_uint_eq(store_stats(rig.store)->bytes, 0);
    rig_close(&rig);
}
END_TEST

/* Memory comes back although no client asks for the items. */
START_TEST(test_reclaim_without_lookup)
{
    enum { ITEMS = 20000 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 16 * MB});
    struct store_layout layout;

    for (uint64_t i = 0; i < ITEMS; i++)
        REQUIRE(rig_set_expiring(&rig, i, 100,
                                 i % 4 == 0 ? START_S + 1000 : START_S + 5 + (uint32_t)i % 3));
    rig_settle(&rig);
    ck_assert_uint_eq(store_stats(rig.store)->curr_items, ITEMS);
    for (uint32_t s = 1; s <= 20; s++) {
        rig_set_time(&rig, START_S + s);
        rig_settle(&rig);
    }
    /* A few may wait for more to come, as long as it is less than a sixteenth. */
    ck_assert_uint_le(store_stats(rig.store)->curr_items, ITEMS / 4 + ITEMS / 16);
    ck_assert_uint_eq(store_stats(rig.store)->reclaimed,
                      ITEMS - store_stats(rig.store)->curr_items);
    rig_set_time(&rig, START_S + 1000);
    rig_settle(&rig);
    store_layout(rig.store, &layout);
    ck_assert_uint_eq(layout.items, 0);
    ck_assert_uint_ge(layout.segments_free, layout.segments - 2);
    rig_close(&rig);
}
END_TEST

/* Mixed lifetimes do not mean a scan a second. */
START_TEST(test_scans_are_rare)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    const struct store_stats *stats;

    for (uint64_t i = 0; i < 4000; i++)
        REQUIRE(rig_set_expiring(&rig, i, 100, START_S + 10 + (uint32_t)(i * 7919 % 4000)));
    for (uint32_t s = 0; s < 5000; s++) {
        rig_set_time(&rig, START_S + s);
        rig_settle(&rig);
    }
    stats = store_stats(rig.store);
    ck_assert_uint_eq(stats->curr_items, 0);
    ck_assert_uint_lt(stats->ttl_scans, 4000U * 133 / 16384 * 100);
    rig_close(&rig);
}
END_TEST

/* What has expired goes before what lives. */
START_TEST(test_expired_before_live)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    unsigned lost = 0;

    for (uint64_t i = 0; i < 10000; i++)
        REQUIRE(rig_set(&rig, i, 100));
    for (uint64_t i = 0; i < 10000; i++)
        REQUIRE(rig_set_expiring(&rig, 100000 + i, 100, START_S + 5));
    rig_set_time(&rig, START_S + 5);
    for (uint64_t i = 0; i < 12000; i++)
        REQUIRE(rig_set(&rig, 200000 + i, 100));
    for (uint64_t i = 0; i < 10000; i++)
        lost += !rig_has(&rig, i, 100);
    ck_assert_uint_lt(lost, 300);
    rig_close(&rig);
}
END_TEST

START_TEST(test_flush)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB, .no_cas = _i == 1});
    uint64_t cursor = 0;
    struct item item;

    for (uint64_t i = 0; i < 5000; i++)
        REQUIRE(rig_set(&rig, i, 100));
    store_flush(rig.store, 0);
    ck_assert_uint_eq(store_stats(rig.store)->curr_items, 0);
    /* A walk through all that is gone does not go on without end. */
    ck_assert_int_eq(store_next(rig.store, &cursor, &item), WALK_ON);
    ck_assert(!rig_next(&rig, &cursor, &item));
    /* The same second, before and after. */
    REQUIRE(rig_set(&rig, 4999, 7));
    for (uint64_t i = 0; i < 4999; i++)
        REQUIRE(!rig_peek(&rig, i, &item));
    REQUIRE(rig_has(&rig, 4999, 7));
    rig_settle(&rig);
    ck_assert_uint_eq(store_stats(rig.store)->curr_items, 1);
    ck_assert_uint_eq(store_stats(rig.store)->bytes, 7 + 16 + (_i == 1 ? 6 : 8));
    ck_assert_uint_eq(store_stats(rig.store)->evictions, 0);
    REQUIRE(rig_has(&rig, 4999, 7));
    rig_close(&rig);
}
END_TEST

START_TEST(test_flush_later)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct item item;

    REQUIRE(rig_set(&rig, 1, 10));
    store_flush(rig.store, START_S + 10);
    rig_set_time(&rig, START_S + 9);
    REQUIRE(rig_set(&rig, 2, 10));
    REQUIRE(rig_has(&rig, 1, 10) && rig_has(&rig, 2, 10));
    rig_set_time(&rig, START_S + 10);
    REQUIRE(rig_set(&rig, 3, 10));
    REQUIRE(!rig_peek(&rig, 1, &item) && !rig_peek(&rig, 2, &item));
    rig_set_time(&rig, START_S + 11);
    REQUIRE(rig_has(&rig, 3, 10));
    store_flush(rig.store, START_S + 20);
    store_flush(rig.store, START_S + 30);
    rig_set_time(&rig, START_S + 25);
    REQUIRE(rig_has(&rig, 3, 10));
    rig_set_time(&rig, START_S + 35);
    REQUIRE(!rig_peek(&rig, 3, &item));
    rig_close(&rig);
}
END_TEST

/* Such a commit needs memory: without any nothing has changed, and it can be done later. */
START_TEST(test_commit_without_memory)
{
    enum { MANY = 20000, BYTES = 200 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 2 * MB, .no_evict = true});
    void *handles[MANY];
    uint64_t cas, bytes;
    int count = 0, i = 0;

    REQUIRE(rig_set(&rig, MANY, 10)); /* else there is nothing to flush */
    while (count < MANY && rig_reserve(&rig, (uint64_t)count, BYTES, STORE_NEVER,
                                       &handles[count]) == RESERVE_OK) {
        REQUIRE(rig_fill(&rig, handles[count], (uint64_t)count, 0, BYTES));
        count++;
    }
    ck_assert_int_lt(count, MANY);
    store_flush(rig.store, 0);
    /* From here and there, so that no segment becomes free; a few find the last segment. */
    while (i < count &&
           store_commit(rig.store, handles[i], COMMIT_ANY, &cas) == COMMIT_STORED) {
        handles[i] = NULL;
        i += 101;
    }
    ck_assert_int_lt(i, count);
    bytes = store_stats(rig.store)->bytes;
    ck_assert_int_eq(store_commit(rig.store, handles[i], COMMIT_ANY, &cas),
                     COMMIT_OUT_OF_MEMORY);
    ck_assert_uint_eq(store_stats(rig.store)->bytes, bytes);
    REQUIRE(!rig_has(&rig, (uint64_t)i, BYTES));
    for (int k = 0; k < count; k++)
        if (k != i && handles[k] != NULL)
            store_abort(rig.store, handles[k]);
    ck_assert_int_eq(store_commit(rig.store, handles[i], COMMIT_ANY, &cas), COMMIT_STORED);
    REQUIRE(rig_has(&rig, (uint64_t)i, BYTES));
    ck_assert_uint_eq(store_pin_count(rig.store), 0);
    rig_close(&rig);
}
END_TEST

/* What is reserved before a flush and committed after it was stored after it. */
START_TEST(test_flush_during_upload)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    uint64_t bytes = _i == 0 ? 10 : 100000;
    void *handle;
    uint64_t cas;

    REQUIRE(rig_set(&rig, 2, 10));
    ck_assert_int_eq(rig_reserve(&rig, 1, bytes, STORE_NEVER, &handle), RESERVE_OK);
    REQUIRE(rig_fill(&rig, handle, 1, 0, bytes / 2));
    store_flush(rig.store, 0);
    rig_settle(&rig);
    REQUIRE(rig_fill(&rig, handle, 1, bytes / 2, bytes));
    ck_assert_int_eq(
        store_commit(rig.store, handle, &(struct commit_rule){.mode = COMMIT_ADD}, &cas),
        COMMIT_STORED);
    rig_settle(&rig);
    REQUIRE(rig_has(&rig, 1, bytes));
    ck_assert_uint_eq(store_stats(rig.store)->curr_items, 1);
    store_flush(rig.store, 0);
    REQUIRE(!rig_has(&rig, 1, bytes));
    rig_settle(&rig);
    ck_assert_uint_eq(store_stats(rig.store)->bytes, 0);
    rig_close(&rig);
}
END_TEST

TCase *
ttl_tcase(void)
{
    TCase *tcase = tcase_create("ttl");

    tcase_add_loop_test(tcase, test_expiry, 0, ARRAY_LEN(expiries));
    tcase_add_loop_test(tcase, test_touch, 0, 2);
    tcase_add_test(tcase, test_reclaim_without_lookup);
    tcase_add_test(tcase, test_scans_are_rare);
    tcase_add_test(tcase, test_expired_before_live);
    tcase_add_loop_test(tcase, test_flush, 0, 2);
    tcase_add_test(tcase, test_flush_later);
    tcase_add_loop_test(tcase, test_flush_during_upload, 0, 2);
    tcase_add_test(tcase, test_commit_without_memory);
    return tcase;
}
