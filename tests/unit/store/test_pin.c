#include "rig.h"

/* 4 MB: segments of 16 KiB, pieces of 495 bytes, whole segments for each 16367. */
enum { SEG_BYTES = 16 * 1024, EXTENT_BYTES = SEG_BYTES - 17 };

static struct store_trial
trial_of_item(struct rig *rig, const void *handle)
{
    store_trial_begin(rig->store);
    store_trial_unpin_item(rig->store, handle);
    return store_trial_result(rig->store);
}

static struct store_trial
trial_of_abort(struct rig *rig, const void *handle)
{
    store_trial_begin(rig->store);
    store_trial_abort(rig->store, handle);
    return store_trial_result(rig->store);
}

/* Nothing was refused, nothing is missing. */
START_TEST(test_nothing_is_missing)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});

    REQUIRE(rig_set(&rig, 1, 100));
    ck_assert_uint_eq(store_missing_bytes(rig.store), 0);
    ck_assert_uint_eq(store_excess_bytes(rig.store), 0);
    store_trial_begin(rig.store);
    ck_assert_uint_eq(store_trial_result(rig.store).held_bytes, 0);
    ck_assert_uint_eq(store_trial_result(rig.store).freed_bytes, 0);
    rig_close(&rig);
}
END_TEST

/* A segment that two hold is free only when both give it up; the trial changes nothing. */
START_TEST(test_shared_segment)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    struct item one, two;

    REQUIRE(rig_set(&rig, 1, 100));
    REQUIRE(rig_set(&rig, 2, 100));
    REQUIRE(rig_get(&rig, 1, &one));
    REQUIRE(rig_get(&rig, 2, &two));
    store_pin_item(rig.store, one.handle);
    store_pin_item(rig.store, two.handle);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(trial_of_item(&rig, one.handle).freed_bytes, 0);
        ck_assert_uint_eq(store_trial_result(rig.store).held_bytes, SEG_BYTES);
        store_trial_unpin(rig.store, two.handle);
        ck_assert_uint_eq(store_trial_result(rig.store).freed_bytes, SEG_BYTES);
        ck_assert_uint_eq(store_trial_result(rig.store).held_bytes, SEG_BYTES);
    }
    ck_assert_uint_eq(store_pin_count(rig.store), 2);
    REQUIRE(store_check(rig.store));
    store_unpin_item(rig.store, one.handle);
    ck_assert_uint_eq(trial_of_item(&rig, two.handle).freed_bytes, SEG_BYTES);
    store_unpin_item(rig.store, two.handle);
    rig_close(&rig);
}
END_TEST

/* A large item: the segment of its record, and those that it owns. */
START_TEST(test_large_item)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    struct item item;
    void *handle;

    REQUIRE(rig_set(&rig, 1, 3 * EXTENT_BYTES));
    REQUIRE(rig_get(&rig, 1, &item));
    store_pin_item(rig.store, item.handle);
    ck_assert_uint_eq(trial_of_item(&rig, item.handle).freed_bytes, 4 * SEG_BYTES);
    ck_assert_int_eq(rig_reserve(&rig, 2, 3 * EXTENT_BYTES, STORE_NEVER, &handle), RESERVE_OK);
    ck_assert_uint_eq(trial_of_abort(&rig, handle).freed_bytes, 0);
    REQUIRE(rig_fill(&rig, handle, 2, 0, EXTENT_BYTES + 1));
    ck_assert_uint_eq(trial_of_abort(&rig, handle).freed_bytes, 2 * SEG_BYTES);
    ck_assert_uint_eq(store_trial_result(rig.store).held_bytes, 3 * SEG_BYTES);
    store_trial_unpin_item(rig.store, item.handle);
    ck_assert_uint_eq(store_trial_result(rig.store).freed_bytes, 6 * SEG_BYTES);
    store_abort(rig.store, handle);
    store_unpin_item(rig.store, item.handle);
    rig_close(&rig);
}
END_TEST

/*
 * Without eviction a reader of what lives keeps nothing from others; one of what
 * was deleted, and an upload, do.
 */
START_TEST(test_no_eviction)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB, .no_evict = true});
    struct item live, gone;
    void *handle;

    REQUIRE(rig_set(&rig, 1, 2 * EXTENT_BYTES));
    REQUIRE(rig_set(&rig, 2, 2 * EXTENT_BYTES));
    REQUIRE(rig_get(&rig, 1, &live));
    REQUIRE(rig_get(&rig, 2, &gone));
    store_pin_item(rig.store, live.handle);
    store_pin_item(rig.store, gone.handle);
    ck_assert_int_eq(rig_reserve(&rig, 3, 2 * EXTENT_BYTES, STORE_NEVER, &handle), RESERVE_OK);
    REQUIRE(rig_fill(&rig, handle, 3, 0, EXTENT_BYTES));
    REQUIRE(rig_delete(&rig, 2));
    for (uint64_t i = 4; rig_set(&rig, i, 300); i++)
        continue;
    ck_assert_uint_gt(store_missing_bytes(rig.store), 300);
    ck_assert_uint_le(store_missing_bytes(rig.store), 2 * SEG_BYTES);
    ck_assert_uint_eq(trial_of_item(&rig, live.handle).freed_bytes, 0);
    ck_assert_uint_eq(trial_of_item(&rig, gone.handle).freed_bytes, 2 * SEG_BYTES);
    ck_assert_uint_eq(trial_of_abort(&rig, handle).freed_bytes, SEG_BYTES);
    ck_assert_uint_gt(store_missing_bytes(rig.store), 0);
    store_unpin_item(rig.store, gone.handle);
    REQUIRE(rig_set(&rig, 1000000, 300));
    ck_assert_uint_eq(store_missing_bytes(rig.store), 0);
    store_abort(rig.store, handle);
    store_unpin_item(rig.store, live.handle);
    rig_close(&rig);
}
END_TEST

/* A client that reads on holds nothing that could be missing: a full store says 0 then. */
START_TEST(test_full_without_pins)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 2 * MB, .no_evict = true});

    for (uint64_t i = 0; rig_set(&rig, i, 300); i++)
        continue;
    ck_assert_uint_eq(store_missing_bytes(rig.store), 0);
    rig_close(&rig);
}
END_TEST

START_TEST(test_excess)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 2 * MB});
    struct store_layout layout;
    struct item item;
    const void *handles[200];
    uint64_t count = 0;

    store_layout(rig.store, &layout);
    while (count < layout.segments / 2 + 3) {
        REQUIRE(rig_set(&rig, count, EXTENT_BYTES - 100 > 400 ? 400 : 0));
        REQUIRE(rig_set(&rig, 1000 + count, EXTENT_BYTES));
        REQUIRE(rig_get(&rig, 1000 + count, &item));
        store_pin(rig.store, item.value.ptr);
        handles[count++] = item.value.ptr;
    }
    ck_assert_uint_eq(store_excess_bytes(rig.store), 3 * SEG_BYTES);
    while (count > 0)
        store_unpin(rig.store, handles[--count]);
    ck_assert_uint_eq(store_excess_bytes(rig.store), 0);
    rig_close(&rig);
}
END_TEST

TCase *
pin_tcase(void)
{
    TCase *tcase = tcase_create("pin");

    tcase_add_test(tcase, test_nothing_is_missing);
    tcase_add_test(tcase, test_shared_segment);
    tcase_add_test(tcase, test_large_item);
    tcase_add_test(tcase, test_no_eviction);
    tcase_add_test(tcase, test_full_without_pins);
    tcase_add_test(tcase, test_excess);
    return tcase;
}
