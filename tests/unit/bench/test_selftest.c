/* Whole sessions against a server that errs on purpose: everything must be noticed. */
#include "data/value.h"
#include "leak.h"
#include "lombard/base/attr.h"
#include "selftest.h"

static struct selftest result;

static const uint64_t pipelines[] = {1, 16};

START_TEST(every_fault_is_counted)
{
    enum stub_fault fault = (enum stub_fault)(_i / 2);
    uint64_t pipeline = pipelines[_i % 2];

    ck_assert_msg(selftest_fault(fault, pipeline, &result), "could not be run");
    ck_assert_msg(
        selftest_noticed(fault, pipeline, &result),
        "%s, pipeline %llu: %llu times; %llu mismatches, %llu unreadable, %llu errors, "
        "%llu timed out, %llu lost",
        stub_fault_name(fault), (unsigned long long)pipeline,
        (unsigned long long)(fault == STUB_STALE ? result.truth.stale : result.truth.wrong),
        (unsigned long long)result.tally.mismatches, (unsigned long long)result.tally.garbled,
        (unsigned long long)result.tally.errors, (unsigned long long)result.tally.timed_out,
        (unsigned long long)result.tally.lost_connections);
}
END_TEST

/* The work goes on all the same: a fault costs its own request, not the run. */
START_TEST(a_fault_does_not_end_the_run)
{
    const struct tally *t = &result.tally;

    ck_assert(selftest_fault((enum stub_fault)_i, 1, &result));
    ck_assert_uint_ge(t->requests + t->lost_requests + t->lost_connections * 2, 4900);
    ck_assert_uint_gt(t->hits, 2500);
    ck_assert_uint_gt(t->verified_bytes, 1000000);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("verify");

    value_init();
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_fault_is_counted, 0, 2 * STUB_FAULT_COUNT);
    tcase_add_loop_test(tc, a_fault_does_not_end_the_run, 0, STUB_FAULT_COUNT);
    return leak_run(tc, "verify");
}
