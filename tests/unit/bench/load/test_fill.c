/* A fill stores every key, and knows which it could not. */
#include "load/fill.h"

#include "data/rng.h"
#include "leak.h"
#include "lombard/base/attr.h"

enum { KEYS = 5000, IN_FLIGHT = 64 };

static struct fill_plan f;
static uint32_t flight[IN_FLIGHT];
static uint32_t in_flight;
static uint8_t stored[KEYS];
static struct rng rng;

static void
setup(void)
{
    rng_init(&rng, 3);
    in_flight = 0;
    for (int i = 0; i < KEYS; i++)
        stored[i] = 0;
    fill_begin(&f, KEYS);
}

static void
teardown(void)
{
    fill_fini(&f);
}

/* Fill with a server that fails PERCENT of the stores, and always those of keys below NEVER. How
 * many stores it took. */
static uint64_t
run(uint32_t percent, uint32_t never)
{
    uint64_t sent = 0;

    while (!fill_is_over(&f)) {
        uint32_t i;
        bool good;

        while (in_flight < IN_FLIGHT && fill_next(&f, &flight[in_flight])) {
            in_flight++;
            sent++;
        }
        ck_assert_uint_gt(in_flight, 0);
        i = (uint32_t)rng_below(&rng, in_flight);
        good = flight[i] >= never && rng_below(&rng, 100) >= percent;
        stored[flight[i]] |= good;
        fill_outcome(&f, flight[i], good);
        flight[i] = flight[--in_flight];
        ck_assert_uint_lt(sent, (uint64_t)KEYS * FILL_PASSES_MAX + 1);
    }
    return sent;
}

static uint64_t
count_missing(void)
{
    uint64_t missing = 0;

    for (int i = 0; i < KEYS; i++)
        missing += stored[i] == 0;
    return missing;
}

START_TEST(each_key_once)
{
    ck_assert_uint_eq(run(0, 0), KEYS);
    ck_assert_uint_eq(count_missing(), 0);
    ck_assert_uint_eq(fill_missing(&f), 0);
    ck_assert_uint_eq(f.again, 0);
}
END_TEST

START_TEST(what_fails_is_sent_again)
{
    uint64_t sent = run(30, 0);

    ck_assert_uint_eq(count_missing(), 0);
    ck_assert_uint_eq(fill_missing(&f), 0);
    ck_assert_uint_eq(sent, KEYS + f.again);
    ck_assert_uint_gt(f.again, KEYS / 5);
}
END_TEST

/* What is refused again and again is given up, and counted. */
START_TEST(what_cannot_be_stored_is_missing)
{
    uint64_t sent = run(0, 100);

    ck_assert_uint_eq(count_missing(), 100);
    ck_assert_uint_eq(fill_missing(&f), 100);
    ck_assert_uint_eq(sent, KEYS + 100);
    fill_begin(&f, KEYS);
    ck_assert_uint_eq(run(100, 0), KEYS);
    ck_assert_uint_eq(fill_missing(&f), KEYS);
}
END_TEST

/* Given up in the middle: what was not begun is missing, too. */
START_TEST(what_was_not_begun_is_missing)
{
    uint32_t key;

    for (int i = 0; i < 10; i++)
        ck_assert(fill_next(&f, &key));
    fill_outcome(&f, 0, true);
    fill_outcome(&f, 1, false);
    ck_assert_uint_eq(fill_missing(&f), KEYS - 1);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("fill");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, each_key_once);
    tcase_add_test(tc, what_fails_is_sent_again);
    tcase_add_test(tc, what_cannot_be_stored_is_missing);
    tcase_add_test(tc, what_was_not_begun_is_missing);
    return leak_run(tc, "fill");
}
