/* Whole sessions against a server that errs on purpose: everything must be noticed. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "data/value.h"
#include "leak.h"
#include "lombard/base/attr.h"
#include "selftest.h"

static struct selftest result;

static bool
notices(const struct selftest_case *c)
{
    bool noticed;

    ck_assert_msg(selftest_fault(c, &result), "could not be run");
    noticed = selftest_noticed(c, &result);
    selftest_describe(stdout, c, &result, noticed);
    (void)fflush(stdout);
    return noticed;
}

/* On real sockets, where a busy machine may have its say; truth/test_faults.c has all protocols. */
START_TEST(every_fault_is_counted)
{
    struct selftest_case c = {(enum stub_fault)(_i / 2), "text", _i % 2 == 0 ? 1 : 16};

    ck_assert(notices(&c) || notices(&c) || notices(&c));
}
END_TEST

/* The work goes on all the same: a fault costs its own request, not the run. */
START_TEST(a_fault_does_not_end_the_run)
{
    struct selftest_case c = {(enum stub_fault)_i, "text", 1};
    const struct tally *t = &result.tally;

    ck_assert(selftest_fault(&c, &result));
    ck_assert_uint_ge(t->requests + t->lost_requests + t->lost_connections * 2, 4900);
    ck_assert_uint_gt(t->hits, 2000);
    ck_assert_uint_gt(t->verified_bytes, 1000000);
}
END_TEST

struct tried {
    unsigned right_at; /* 0: never */
    unsigned count;
    pid_t busy[3]; /* others, that take a processor meanwhile */
};

static bool
check_something(void *context)
{
    struct tried *t = context;
    struct timespec pause = {.tv_nsec = 300000000};

    t->busy[t->count] = fork();
    ck_assert_int_ge(t->busy[t->count], 0);
    if (t->busy[t->count] == 0)
        for (;;)
            continue;
    (void)nanosleep(&pause, NULL);
    ck_assert_int_eq(kill(t->busy[t->count], SIGKILL), 0);
    return ++t->count == t->right_at;
}

/* What is off while others take a processor is looked at again, and at last not judged. */
START_TEST(a_busy_machine_is_no_fault)
{
    static const enum selftest_verdict want[] = {SELFTEST_BUSY, SELFTEST_RIGHT, SELFTEST_RIGHT};
    static const unsigned tries[] = {3, 1, 2};
    struct tried t = {.right_at = (unsigned)_i};

    ck_assert_int_eq(selftest_judge(check_something, &t, 3), want[_i]);
    ck_assert_uint_eq(t.count, tries[_i]);
    for (unsigned i = 0; i < t.count; i++)
        ck_assert_int_eq(waitpid(t.busy[i], NULL, 0), t.busy[i]);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("verify");

    value_init();
    tcase_add_loop_test(tc, a_busy_machine_is_no_fault, 0, 3);
    tcase_add_loop_test(tc, every_fault_is_counted, 0, 2 * STUB_PROMPT_FAULT_COUNT);
    tcase_add_loop_test(tc, a_fault_does_not_end_the_run, 0, STUB_WRONG_NUMBER);
    return leak_run(tc, "verify");
}
