/* Ages of the oldest items, and of those evicted: what `stats items` shows. */
#include "rig.h"

#include "store_priv.h"

static struct store_tail
tail_of(struct rig *rig)
{
    struct store_tail tail;

    store_tail(rig->store, &tail);
    return tail;
}

START_TEST(age_of_the_oldest)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 4 * MB});
    struct item item;

    ck_assert_uint_eq(tail_of(&rig).age_s, 0);
    REQUIRE(rig_set(&rig, 1, 10));
    rig_set_time(&rig, START_S + 5);
    REQUIRE(rig_set(&rig, 2, 10));
    ck_assert_uint_eq(tail_of(&rig).age_s, 5);
    REQUIRE(rig_get(&rig, 1, &item));
    rig_set_time(&rig, START_S + 7);
    ck_assert_uint_eq(tail_of(&rig).age_s, 2);
    (void)rig_delete(&rig, 1);
    (void)rig_delete(&rig, 2);
    ck_assert_uint_eq(tail_of(&rig).age_s, 0);
    REQUIRE(rig_set_expiring(&rig, 3, 10, START_S + 9));
    rig_set_time(&rig, START_S + 8);
    ck_assert_uint_eq(tail_of(&rig).age_s, 1);
    rig_set_time(&rig, START_S + 9);
    ck_assert_uint_eq(tail_of(&rig).age_s, 0);
    rig_close(&rig);
}
END_TEST

/* However many dead ones lie in front of it, it is found in the end, a bounded piece at a time. */
START_TEST(age_behind_dead_ones)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 64 * MB});
    enum { DEAD = 700 };

    for (uint64_t i = 0; i <= DEAD; i++)
        REQUIRE(rig_set(&rig, i, 10));
    for (uint64_t i = 0; i < DEAD; i++)
        (void)rig_delete(&rig, i);
    rig_set_time(&rig, START_S + 3);
    ck_assert_uint_eq(tail_of(&rig).age_s, 0);
    ck_assert_uint_eq(tail_of(&rig).age_s, 0);
    ck_assert_uint_eq(tail_of(&rig).age_s, 3);
    ck_assert_uint_eq(tail_of(&rig).age_s, 3);
    rig_close(&rig);
}
END_TEST

START_TEST(evicted_ones)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct store_tail tail;
    uint64_t evicted;

    for (uint64_t i = 0; i < 1000; i++)
        REQUIRE(rig_set_expiring(&rig, i, 300, START_S + 1000));
    ck_assert_uint_eq(tail_of(&rig).evicted_time_s, 0);
    rig_set_time(&rig, START_S + 50);
    for (uint64_t i = 1000; store_stats(rig.store)->evictions < 100; i++)
        REQUIRE(rig_set(&rig, i, 300));
    tail = tail_of(&rig);
    evicted = store_stats(rig.store)->evictions;
    ck_assert_uint_eq(tail.evicted_time_s, 50);
    ck_assert_uint_eq(tail.evicted_nonzero, evicted);
    ck_assert_uint_eq(tail.evicted_active, 0);
    ck_assert_uint_eq(tail.age_s, 50);
    store_reset_stats(rig.store);
    tail = tail_of(&rig);
    ck_assert_uint_eq(tail.evicted_time_s + tail.evicted_nonzero + tail.evicted_active, 0);
    ck_assert_uint_eq(tail.age_s, 50);
    rig_close(&rig);
}
END_TEST

TCase *
tail_tcase(void)
{
    TCase *tcase = tcase_create("tail");

    tcase_add_test(tcase, age_of_the_oldest);
    tcase_add_test(tcase, age_behind_dead_ones);
    tcase_add_test(tcase, evicted_ones);
    return tcase;
}
