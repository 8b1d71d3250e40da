#include "lombard/base/spans.h"

#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"

enum { MS = 1000000 };

static struct spans spans;
static struct span_sum sum;

static void
empty(void)
{
    spans_reset(&spans);
}

START_TEST(buckets_follow_each_other)
{
    for (uint32_t i = 0; i < SPAN_BUCKETS; i++) {
        uint64_t low = span_bucket_low_ns(i);
        uint64_t high = span_bucket_high_ns(i);

        ck_assert_uint_eq(span_index(low), i);
        ck_assert_uint_eq(span_index(high - 1), i);
        ck_assert(high - low <= 128 || (high - low) * 8 <= low + 8 * 128);
    }
    ck_assert_uint_eq(span_bucket_low_ns(0), 0);
    ck_assert_uint_eq(span_index(UINT64_C(1) << 60), SPAN_BUCKETS - 1);
    ck_assert_uint_gt(span_bucket_low_ns(SPAN_BUCKETS - 1), UINT64_C(60) * 1000 * MS);
}
END_TEST

START_TEST(quantiles_are_near)
{
    static const double qs[] = {0.01, 0.5, 0.9, 0.99, 0.999};

    for (uint32_t i = 1; i <= 100000; i++)
        spans_add(&spans, i * 100, 1);
    spans_sum(&spans, SPAN_10S, &sum);
    ck_assert_uint_eq(sum.count, 100000);
    for (size_t i = 0; i < ARRAY_LEN(qs); i++) {
        double want = qs[i] * 100000 * 100;
        double got = (double)span_quantile_ns(&sum, qs[i]);

        ck_assert(got > want * 15 / 16 - 128 && got < want * 17 / 16 + 128);
    }
    ck_assert_uint_eq(span_quantile_ns(&sum, 1), 100000 * 100);
    ck_assert_uint_eq(spans_sum_ns(&spans), UINT64_C(100) * 100000 / 2 * 100001);
}
END_TEST

START_TEST(nothing_is_zero)
{
    spans_sum(&spans, SPAN_EVER, &sum);
    ck_assert_uint_eq(sum.count, 0);
    ck_assert_uint_eq(span_quantile_ns(&sum, 0.5), 0);
    ck_assert_uint_eq(spans_max_ns(&spans, SPAN_60S), 0);
}
END_TEST

/* After how many turns a span is in which windows. */
static const struct {
    uint32_t turns;
    uint64_t count[SPAN_WINDOWS];
} ages[] = {
    {0, {3, 3, 3}},
    {1, {3, 3, 3}},
    {SPAN_TURNS_10S, {3, 3, 3}},
    {SPAN_TURNS_10S + 1, {0, 3, 3}},
    {SPAN_TURNS_60S, {0, 3, 3}},
    {SPAN_TURNS_60S + 1, {0, 0, 3}},
    {5 * SPAN_TURNS_60S, {0, 0, 3}},
};

START_TEST(spans_leave_the_windows)
{
    struct peak peak = {0};

    spans_add(&spans, 20 * MS, 3);
    peak_add(&peak, 20 * MS);
    for (uint32_t turn = 0; turn < ages[_i].turns; turn++) {
        spans_turn(&spans);
        peak_turn(&peak);
    }
    for (int i = 0; i < SPAN_WINDOWS; i++) {
        enum span_window window = (enum span_window)i;
        uint64_t max_ns = ages[_i].count[i] == 0 ? 0 : 20 * MS;

        spans_sum(&spans, window, &sum);
        ck_assert_uint_eq(sum.count, ages[_i].count[i]);
        ck_assert_uint_eq(sum.max_ns, max_ns);
        ck_assert_uint_eq(spans_count(&spans, window), ages[_i].count[i]);
        ck_assert_uint_eq(spans_max_ns(&spans, window), max_ns);
        ck_assert_uint_eq(peak_max_ns(&peak, window), max_ns);
    }
}
END_TEST

START_TEST(cumulative_counts_are_of_ever)
{
    spans_add(&spans, 1000, 5);
    spans_turn(&spans);
    spans_add(&spans, 1 * MS, 2);
    ck_assert_uint_eq(spans_count_le(&spans, 0), 0);
    ck_assert_uint_eq(spans_count_le(&spans, 2000), 5);
    ck_assert_uint_eq(spans_count_le(&spans, 10 * MS), 7);
    ck_assert_uint_eq(spans_sum_ns(&spans), 5 * 1000 + 2 * MS);
    for (uint32_t turn = 0; turn < 2 * SPAN_TURNS_60S; turn++)
        spans_turn(&spans);
    ck_assert_uint_eq(spans_count_le(&spans, UINT64_MAX), 7);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("spans");

    tcase_add_checked_fixture(tc, empty, NULL);
    tcase_add_test(tc, buckets_follow_each_other);
    tcase_add_test(tc, quantiles_are_near);
    tcase_add_test(tc, nothing_is_zero);
    tcase_add_loop_test(tc, spans_leave_the_windows, 0, ARRAY_LEN(ages));
    tcase_add_test(tc, cumulative_counts_are_of_ever);
    return leak_run(tc, "base/spans");
}
