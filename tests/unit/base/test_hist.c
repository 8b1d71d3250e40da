#include <stdlib.h>

#include "lombard/base/attr.h"
#include "lombard/base/hist.h"
#include "leak.h"

/* xorshift64 (Marsaglia 2003): seeded, so that a failure comes again. */
static uint64_t
draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct hist h;
static struct hist other;

static void
setup(void)
{
    hist_reset(&h);
    hist_reset(&other);
}

START_TEST(empty)
{
    ck_assert_uint_eq(hist_quantile(&h, 0.5), 0);
    ck_assert_uint_eq(hist_quantile(&h, 1), 0);
    ck_assert_double_eq(hist_mean(&h), 0);
}
END_TEST

/* Buckets cover all values, in order, without a gap. */
START_TEST(buckets_are_contiguous)
{
    ck_assert_uint_eq(hist_bucket_low(0), 0);
    for (uint32_t i = 0; i < HIST_BUCKET_COUNT; i++) {
        uint64_t low = hist_bucket_low(i);
        uint64_t high = hist_bucket_high(i);

        ck_assert_uint_gt(high, low);
        ck_assert_uint_eq(hist_index(low), i);
        ck_assert_uint_eq(hist_index(high - 1), i);
        if (i + 1 < HIST_BUCKET_COUNT)
            ck_assert_uint_eq(hist_bucket_low(i + 1), high);
    }
    ck_assert_uint_eq(hist_bucket_high(HIST_BUCKET_COUNT - 1), HIST_VALUE_MAX + 1);
}
END_TEST

START_TEST(small_values_are_exact)
{
    for (uint64_t v = 1; v <= 100; v++)
        hist_add(&h, v);
    ck_assert_uint_eq(hist_quantile(&h, 0.5), 50);
    ck_assert_uint_eq(hist_quantile(&h, 0.99), 99);
    ck_assert_uint_eq(hist_quantile(&h, 0), 1);
    ck_assert_uint_eq(hist_quantile(&h, 1), 100);
    ck_assert_double_eq_tol(hist_mean(&h), 50.5, 1e-9);
}
END_TEST

static int
compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Against sorting, for values over many orders of magnitude. */
START_TEST(quantiles_are_within_half_a_percent)
{
    static const double qs[] = {0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999};
    enum { COUNT = 100000 };
    static uint64_t values[COUNT];
    uint64_t state;

    state = 7;
    for (int i = 0; i < COUNT; i++) {
        values[i] = draw(&state) >> (24 + draw(&state) % 38);
        hist_add(&h, values[i]);
    }
    qsort(values, COUNT, sizeof(values[0]), compare);
    for (size_t i = 0; i < ARRAY_LEN(qs); i++) {
        double truth = (double)values[(size_t)(qs[i] * COUNT) - 1];
        double got = (double)hist_quantile(&h, qs[i]);

        ck_assert_double_le(got, truth * 1.005 + 1);
        ck_assert_double_ge(got, truth * 0.995 - 1);
    }
    ck_assert_uint_eq(h.max, values[COUNT - 1]);
    ck_assert_uint_eq(h.min, values[0]);
}
END_TEST

/* Two halves merged are the same as the whole. */
START_TEST(merge)
{
    uint64_t state;
    static struct hist whole;

    hist_reset(&whole);
    state = 8;
    for (int i = 0; i < 10000; i++) {
        uint64_t v = draw(&state) % 1000000;

        hist_add(i % 3 == 0 ? &h : &other, v);
        hist_add(&whole, v);
    }
    hist_merge(&h, &other);
    ck_assert_mem_eq(&h, &whole, sizeof(h));
}
END_TEST

START_TEST(too_large_a_value_counts_in_the_last_bucket)
{
    hist_add(&h, UINT64_MAX);
    ck_assert_uint_eq(h.buckets[HIST_BUCKET_COUNT - 1], 1);
    ck_assert_uint_eq(hist_quantile(&h, 1), UINT64_MAX);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("hist");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, empty);
    tcase_add_test(tc, buckets_are_contiguous);
    tcase_add_test(tc, small_values_are_exact);
    tcase_add_test(tc, quantiles_are_within_half_a_percent);
    tcase_add_test(tc, merge);
    tcase_add_test(tc, too_large_a_value_counts_in_the_last_bucket);
    return leak_run(tc, "hist");
}
