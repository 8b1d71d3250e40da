/* Tallies: merged, and what is derived from them. */
#include "host/counters.h"
#include "leak.h"
#include "load/tally.h"
#include "lombard/base/attr.h"
#include "run/own_cpu.h"

#include <stdio.h>
#include <string.h>

static struct tally a;
static struct tally b;

static void
setup(void)
{
    tally_reset(&a);
    tally_reset(&b);
}

START_TEST(errors_are_counted_by_their_words)
{
    for (int i = 0; i < 3; i++)
        tally_note_error(&a, "ERROR", 5);
    tally_note_error(&a, "SERVER_ERROR busy", 17);
    ck_assert_uint_eq(a.errors, 4);
    ck_assert_str_eq(a.error_kinds[0].text, "ERROR");
    ck_assert_uint_eq(a.error_kinds[0].count, 3);
    ck_assert_str_eq(a.error_kinds[1].text, "SERVER_ERROR busy");
    ck_assert_uint_eq(a.error_kinds[1].count, 1);
}
END_TEST

/* More kinds than there is room for: none is lost from the sum. */
START_TEST(too_many_kinds_of_errors)
{
    uint64_t sum = 0;
    char text[200];

    for (int i = 0; i < 100; i++) {
        int n = snprintf(text, sizeof(text), "ERROR %d %0150d", i, i);

        tally_note_error(&a, text, (size_t)n);
    }
    for (int i = 0; i < TALLY_ERROR_KINDS; i++)
        sum += a.error_kinds[i].count;
    ck_assert_uint_eq(sum, 100);
    ck_assert_str_eq(a.error_kinds[TALLY_ERROR_KINDS - 1].text, "(others)");
}
END_TEST

START_TEST(merging_adds_everything)
{
    struct hist all;

    a.start_ns = 5;
    a.end_ns = 1000000005;
    a.requests = 10;
    hist_add(&a.service[QUERY_GET], 100);
    tally_note_error(&a, "ERROR", 5);
    b.start_ns = 7;
    b.end_ns = 2000000007;
    b.requests = 20;
    b.hits = 3;
    b.misses = 1;
    hist_add(&b.service[QUERY_SET], 300);
    tally_note_error(&b, "ERROR", 5);
    tally_merge(&a, &b);
    ck_assert_uint_eq(a.requests, 30);
    ck_assert_double_eq_tol(tally_seconds(&a), 3, 1e-9);
    ck_assert_double_eq_tol(tally_hit_percent(&a), 75, 1e-9);
    ck_assert_uint_eq(a.error_kinds[0].count, 2);
    ck_assert_uint_eq(a.errors, 2);
    tally_service(&a, &all);
    ck_assert_uint_eq(all.count, 2);
    ck_assert_uint_eq(all.max, 300);
}
END_TEST

START_TEST(what_is_wrong)
{
    ck_assert(!tally_is_wrong(&a));
    a.errors = 1;
    a.lost_connections = 1;
    ck_assert(!tally_is_wrong(&a));
    a.mismatches = 1;
    ck_assert(tally_is_wrong(&a));
    b.garbled = 1;
    ck_assert(tally_is_wrong(&b));
}
END_TEST

START_TEST(who_was_the_bottleneck)
{
    a.seconds_before = 10;
    a.cpu_ns = UINT64_C(4000000000);
    a.wait_ns = UINT64_C(5000000000);
    ck_assert_double_eq_tol(tally_busy_share(&a), 0.4, 1e-9);
    ck_assert_double_eq_tol(tally_wait_share(&a), 0.5, 1e-9);
    ck_assert(!tally_was_bottleneck(&a));
    a.wait_ns = UINT64_C(5900000000);
    ck_assert(tally_was_bottleneck(&a));
    ck_assert(!tally_was_bottleneck(&b)); /* no time has passed there */
}
END_TEST

START_TEST(own_cpu_is_a_difference)
{
    volatile uint64_t sink = 0;

    own_cpu_count(&a, false);
    for (uint64_t i = 0; i < 1000000; i++)
        sink += i;
    ck_assert_uint_gt(sink, 0);
    own_cpu_count(&a, true);
    ck_assert_uint_ge(a.cpu_ns, a.user_ns);
    ck_assert_uint_lt(a.cpu_ns, UINT64_C(3600000000000)); /* not since the process began */
    ck_assert_uint_lt(a.wait_ns, UINT64_C(3600000000000));
}
END_TEST

START_TEST(only_whole_numbers_are_counters)
{
    struct counters c;

    counters_parse("STAT pid 12\r\nSTAT version 1.6.18\r\nSTAT rusage_user 0.5\r\n"
                   "STAT cmd_get 18\r\nSTAT odd -3\r\nSTAT accepting_conns yes\r\nEND\r\n",
                   &c);
    ck_assert_uint_eq(c.count, 3);
    ck_assert_str_eq(c.list[1].name, "cmd_get");
    ck_assert_int_eq(c.list[1].value, 18);
    ck_assert_int_eq(c.list[2].value, -3);
    counters_parse("END\r\n", &c);
    ck_assert_uint_eq(c.count, 0);
    counters_parse("", &c);
    ck_assert_uint_eq(c.count, 0);
}
END_TEST

START_TEST(differences)
{
    struct counters before;
    struct counters after;

    counters_parse("STAT a 1\r\nSTAT b 5\r\nSTAT c 9\r\n", &before);
    counters_parse("STAT a 1\r\nSTAT b 7\r\nSTAT c 4\r\nSTAT d 1\r\n", &after);
    counters_subtract(&after, &before);
    ck_assert_uint_eq(after.count, 2);
    ck_assert_str_eq(after.list[0].name, "b");
    ck_assert_int_eq(after.list[0].value, 2);
    ck_assert_str_eq(after.list[1].name, "c");
    ck_assert_int_eq(after.list[1].value, -5);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("tally");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, errors_are_counted_by_their_words);
    tcase_add_test(tc, too_many_kinds_of_errors);
    tcase_add_test(tc, merging_adds_everything);
    tcase_add_test(tc, what_is_wrong);
    tcase_add_test(tc, who_was_the_bottleneck);
    tcase_add_test(tc, own_cpu_is_a_difference);
    tcase_add_test(tc, only_whole_numbers_are_counters);
    tcase_add_test(tc, differences);
    return leak_run(tc, "tally");
}
