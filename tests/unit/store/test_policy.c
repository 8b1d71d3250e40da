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

/* Small ones that nobody asks for lose their privilege, and not much more: the last of both stay. */
START_TEST(no_class_is_worse_than_its_age)
{
    enum { LIMIT = 16 * MB, SMALLS = 25, SMALL = 100, LARGE = 10000, ROUNDS = 6000 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = LIMIT});
    uint64_t small = 0, large = 0, number = 0;
    struct item item;

    for (int round = 0; round < ROUNDS; round++) {
        REQUIRE(rig_set(&rig, number++, LARGE));
        for (int i = 0; i < SMALLS; i++)
            REQUIRE(rig_set(&rig, number++, SMALL));
    }
    for (uint64_t i = 0; i < number; i++) {
        if (i % (SMALLS + 1) == 0)
            large += rig_peek(&rig, i, &item);
        else
            small += rig_peek(&rig, i, &item);
    }
    ck_assert_uint_gt(large, 100);
    ck_assert_uint_ge(small, large * SMALLS / 2);
    rig_close(&rig);
}
END_TEST

/* Random gets of more small and large ones than fit: how many of the large ones hit. */
static uint64_t
hits_of_large(enum store_favor favor)
{
    enum { LIMIT = 16 * MB, LARGES = 120, LARGE = 100000, SMALLS = 30000, SMALL = 500 };
    struct rig rig = rig_open((struct rig_config){.limit_bytes = LIMIT, .favor = favor});
    uint64_t hits = 0, random = 1;
    struct item item;

    for (int i = 0; i < 200000; i++) {
        bool large = i % 200 == 0;
        uint64_t number;

        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        number = large ? (random >> 33) % LARGES : LARGES + (random >> 33) % SMALLS;
        if (rig_get(&rig, number, &item))
            hits += large;
        else
            REQUIRE(rig_set(&rig, number, large ? LARGE : SMALL));
    }
    rig_close(&rig);
    return hits;
}

START_TEST(what_is_favored)
{
    uint64_t objects = hits_of_large(STORE_FAVOR_OBJECTS);
    uint64_t balanced = hits_of_large(STORE_FAVOR_BALANCED);
    uint64_t bytes = hits_of_large(STORE_FAVOR_BYTES);

    ck_assert_uint_ge(balanced, objects);
    ck_assert_uint_gt(bytes, balanced);
}
END_TEST

TCase *
policy_tcase(void)
{
    TCase *tcase = tcase_create("policy");

    tcase_add_test(tcase, overwrites_evict_nothing);
    tcase_add_test(tcase, large_ones_go_before_small_ones);
    tcase_add_test(tcase, no_class_keeps_what_is_past);
    tcase_add_test(tcase, no_class_is_worse_than_its_age);
    tcase_add_test(tcase, what_is_favored);
    return tcase;
}
