#include <signal.h>

#include "leak.h"
#include "lombard/base/invariant.h"
#include "lombard/base/stats.h"

static int
refuses(int value)
{
    if (BROKEN(value < 0))
        return -1;
    return value;
}

START_TEST(what_holds_costs_nothing)
{
    ck_assert_int_eq(refuses(1), 1);
    ck_assert_uint_eq(invariants()->broken, 0);
    ck_assert_ptr_null(invariants()->what);
}
END_TEST

START_TEST(a_survivor_counts_and_remembers)
{
    invariants_survive(true);
    ck_assert_int_eq(refuses(-7), -1);
    ck_assert_int_eq(refuses(-8), -1);
    ck_assert_uint_eq(invariants()->broken, 2);
    ck_assert_str_eq(invariants()->what, "value < 0");
    ck_assert_str_eq(invariants()->file, __FILE__);
    ck_assert_int_gt(invariants()->line, 0);
}
END_TEST

START_TEST(those_of_another_process_are_not_ours)
{
    struct stat_registry registry = {.count = 0};

    invariants_survive(true);
    invariants_add_stats(&registry);
    ck_assert_int_eq(refuses(-7), -1);
    stats_read_written(&registry, slice_make(NULL, 0));
    ck_assert_uint_eq(invariants()->broken, 1);
}
END_TEST

START_TEST(a_test_build_aborts)
{
    invariants_survive(false);
    ck_assert_int_eq(refuses(-1), -1);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("invariant");

    tcase_add_test(tc, what_holds_costs_nothing);
    tcase_add_test(tc, a_survivor_counts_and_remembers);
    tcase_add_test(tc, those_of_another_process_are_not_ours);
    tcase_add_test_raise_signal(tc, a_test_build_aborts, SIGABRT);
    return leak_run(tc, "base/invariant");
}
