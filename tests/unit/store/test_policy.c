/* The policy where sizes differ, and where much is overwritten. */
#include "rig.h"

#include "store_priv.h"

/* A working set of three quarters of the limit loses nothing, however often it is overwritten. */
START_TEST(overwrites_evict_nothing)
{
    enum { LIMIT = 8 * MB, KEYS = LIMIT / 4 * 3 / 550, VALUE_MIN = 10, VALUES = 991 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = LIMIT});
    uint64_t random = 1;

    for (unsigned i = 0; i < 60000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        REQUIRE(rig_set(&rig, (random >> 33) % KEYS, VALUE_MIN + (random >> 13) % VALUES));
    }
    ck_assert_uint_eq(store_stats(rig.store)->evictions, 0);
    rig_close(&rig);
}
END_TEST

/* Small items that are asked for now and then stay; large ones that are not do not sweep them out. */
START_TEST(large_ones_go_before_small_ones)
{
    enum { LIMIT = 16 * MB, SMALLS = 4000, SMALL = 500, LARGE = 100000 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = LIMIT});
    uint64_t there = 0;
    struct item item;

    for (uint64_t i = 0; i < SMALLS; i++)
        REQUIRE(rig_set(&rig, i, SMALL));
    for (uint64_t i = 0; i < LIMIT * 4 / LARGE; i++)
        REQUIRE(rig_set(&rig, SMALLS + i, LARGE));
    for (uint64_t i = 0; i < SMALLS; i++)
        there += rig_peek(&rig, i, &item);
    ck_assert_uint_eq(there, SMALLS);
    rig_close(&rig);
}
END_TEST

/* What is stored now is never swept out for the sake of what was, whichever is larger. */
START_TEST(no_class_keeps_what_is_past)
{
    enum { LIMIT = 16 * MB, SMALL = 100, LARGE = 10000, PHASES = 6 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = LIMIT});
    uint64_t number = 0, first[2] = {0, 0};

    for (int phase = 0; phase < PHASES; phase++) {
        uint64_t bytes = phase % 2 == 0 ? SMALL : LARGE;

        for (uint64_t i = 0; i < LIMIT * UINT64_C(5) / 2 / (bytes + 50); i++)
            REQUIRE(rig_set(&rig, number++, bytes));
        if (phase < 2)
            first[phase] = store_stats(rig.store)->curr_items;
        ck_assert_uint_ge(store_stats(rig.store)->curr_items, first[phase % 2] * 97 / 100);
        ck_assert_uint_le(store_stats(rig.store)->curr_items, first[phase % 2] * 103 / 100);
    }
    rig_close(&rig);
}
END_TEST

TCase *
policy_tcase(void)
{
    TCase *tcase = tcase_create("policy");

    tcase_add_test(tcase, overwrites_evict_nothing);
    tcase_add_test(tcase, large_ones_go_before_small_ones);
    tcase_add_test(tcase, no_class_keeps_what_is_past);
    return tcase;
}
