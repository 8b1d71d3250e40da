/* What is known of counters, and when a number is called wrong. */
#include "load/numbers.h"

#include <check.h>

#include "leak.h"

static struct numbers n;

static void
begin_all(void)
{
    ck_assert(numbers_init(&n, 4));
}

/* One request alone, for key 1. */
static bool
alone(enum number_outcome outcome, uint64_t value, uint64_t delta, uint64_t *want)
{
    numbers_begin(&n, 1);
    return numbers_end(&n, 1, outcome, value, delta, want);
}

START_TEST(one_after_the_other)
{
    uint64_t want;

    begin_all();
    ck_assert(alone(NUMBER_TOLD, 7, 1, &want)); /* nothing was known before */
    ck_assert(alone(NUMBER_TOLD, 8, 1, &want));
    ck_assert(alone(NUMBER_TOLD, 7, UINT64_MAX, &want));
    ck_assert(!alone(NUMBER_TOLD, 9, 1, &want));
    ck_assert_uint_eq(want, 8);
    ck_assert(alone(NUMBER_TOLD, 10, 1, &want)); /* from what was told */
    ck_assert(alone(NUMBER_SET, 100, 1, &want));
    ck_assert(!alone(NUMBER_TOLD, 100, 1, &want));
    ck_assert(alone(NUMBER_UNKNOWN, 0, 1, &want));
    ck_assert(alone(NUMBER_TOLD, 5, 1, &want));
    ck_assert_uint_eq(n.checked, 5);
    ck_assert(alone(NUMBER_ADDED, 0, 3, &want)); /* 8, and nothing said so */
    ck_assert(alone(NUMBER_ADDED, 0, 2, &want));
    ck_assert(!alone(NUMBER_TOLD, 9, 0, &want));
    ck_assert_uint_eq(want, 10);
    ck_assert(alone(NUMBER_UNKNOWN, 0, 1, &want));
    ck_assert(alone(NUMBER_ADDED, 0, 2, &want)); /* to what, is not known */
    ck_assert(alone(NUMBER_TOLD, 9, 0, &want));
    numbers_fini(&n);
}
END_TEST

/* Of requests that overlap the order is not known, nor what the next one finds. */
START_TEST(at_the_same_time)
{
    uint64_t want;

    begin_all();
    ck_assert(alone(NUMBER_TOLD, 7, 1, &want));
    numbers_begin(&n, 1);
    numbers_begin(&n, 1);
    numbers_begin(&n, 2);
    ck_assert(numbers_end(&n, 1, NUMBER_TOLD, 9, 1, &want));
    ck_assert(numbers_end(&n, 1, NUMBER_TOLD, 8, 1, &want));
    ck_assert(numbers_end(&n, 2, NUMBER_TOLD, 8, 1, &want));
    ck_assert(alone(NUMBER_TOLD, 20, 1, &want));
    ck_assert(!alone(NUMBER_TOLD, 22, 1, &want));
    ck_assert_uint_eq(n.checked, 1);
    numbers_fini(&n);
}
END_TEST

/* What was lost may still be carried out at any time. */
START_TEST(after_a_loss)
{
    uint64_t want;

    begin_all();
    ck_assert(alone(NUMBER_LOST, 0, 1, &want));
    ck_assert(alone(NUMBER_TOLD, 5, 1, &want));
    ck_assert(alone(NUMBER_TOLD, 7, 1, &want));
    ck_assert_uint_eq(n.checked, 0);
    numbers_fini(&n);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("numbers");

    tcase_add_test(tc, one_after_the_other);
    tcase_add_test(tc, at_the_same_time);
    tcase_add_test(tc, after_a_loss);
    return leak_run(tc, "numbers");
}
