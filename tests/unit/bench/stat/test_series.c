/* A run in moments: nothing is lost when they are merged, and blocks are of equal time. */
#include "stat/series.h"

#include <math.h>

#include "leak.h"

static struct series s;

static uint64_t
sum(void)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < s.count; i++)
        n += s.list[i].requests;
    return n;
}

/* Of unknown length: from a minute to hours. */
START_TEST(any_length)
{
    uint64_t n = 0;

    series_begin(&s, 500, 0);
    for (uint64_t ms = 0; ms < 20000000; ms += 1000 + ms / 100) {
        struct moment *m = series_at(&s, 500 + ms * 1000000);

        ck_assert_ptr_nonnull(m);
        m->requests++;
        n++;
        ck_assert_uint_le(s.count, SERIES_MAX);
    }
    ck_assert_uint_eq(sum(), n);
    ck_assert_uint_gt(s.count, SERIES_MAX / 4);
    series_fini(&s);
}
END_TEST

START_TEST(blocks_of_equal_time)
{
    static struct moment blocks[10];

    series_begin(&s, 0, UINT64_C(10000000000));
    ck_assert_uint_ge(UINT64_C(10000000000) / s.width_ns, 512);
    for (uint64_t us = 0; us < 12000000; us += 100) {
        struct moment *m = series_at(&s, us * 1000);

        m->requests++;
        moment_add_latency(m, us);
    }
    ck_assert_uint_eq(series_blocks(&s, UINT64_C(10000000000), blocks, 10), 10);
    for (int i = 0; i < 10; i++) {
        ck_assert_uint_ge(blocks[i].requests, 9900);
        ck_assert_uint_le(blocks[i].requests, 10100);
    }
    /* Latencies grow with time: the middle of the last block is at 9.5 s. */
    ck_assert_double_eq_tol((double)moment_quantile(&blocks[9], 0.5), 9.5e6, 0.3e6);
    ck_assert_double_eq_tol(exp(moment_mean_log(&blocks[9])), 9.5e6, 0.5e6);
    series_fini(&s);
}
END_TEST

START_TEST(a_pause)
{
    series_begin(&s, 0, 1000);
    series_pause(&s);
    ck_assert_ptr_null(series_at(&s, 10));
    ck_assert_uint_eq(sum(), 0);
    for (uint64_t i = 0; i < 3 * SERIES_MAX; i++)
        series_note_look(&s, &(struct series_look){.at_ns = i});
    ck_assert_uint_le(s.look_count, SERIES_MAX);
    ck_assert_uint_eq(s.looks[0].at_ns, 0);
    series_fini(&s);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("series");

    tcase_add_test(tc, any_length);
    tcase_add_test(tc, blocks_of_equal_time);
    tcase_add_test(tc, a_pause);
    return leak_run(tc, "series");
}
