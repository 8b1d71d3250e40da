/* Whole sessions against a server that errs on purpose: everything must be noticed. */
#include "leak.h"
#include "lombard/base/attr.h"
#include "selftest.h"
#include "value.h"

static struct tally tally;

START_TEST(every_fault_is_noticed)
{
    enum stub_fault fault = (enum stub_fault)_i;

    ck_assert_msg(selftest_fault(fault, &tally), "could not be run");
    ck_assert_msg(selftest_noticed(fault, &tally), "%s: missed", stub_fault_name(fault));
}
END_TEST

/* The work goes on all the same: a fault costs its own request, not the run. */
START_TEST(a_fault_does_not_end_the_run)
{
    ck_assert(selftest_fault((enum stub_fault)_i, &tally));
    ck_assert_uint_ge(tally.requests + tally.lost_requests + tally.lost_connections * 2, 4900);
    ck_assert_uint_gt(tally.hits, 2500);
    ck_assert_uint_gt(tally.verified_bytes, 1000000);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("verify");

    value_init();
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, every_fault_is_noticed, 0, STUB_FAULT_COUNT);
    tcase_add_loop_test(tc, a_fault_does_not_end_the_run, 0, STUB_FAULT_COUNT);
    return leak_run(tc, "verify");
}
