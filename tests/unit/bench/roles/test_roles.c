/* Background clients connect, and leave when they are told to. */
#include "roles/roles.h"

#include <signal.h>
#include <string.h>

#include "builtin/stub.h"
#include "data/value.h"
#include "leak.h"
#include "lombard/base/attr.h"

static struct stub stubs[2];
static struct roles roles[2];
static struct options options;

static void
setup(void)
{
    struct stub_config config = {.fault = STUB_RIGHT};

    memset(&options, 0, sizeof(options));
    for (int i = 0; i < 2; i++)
        ck_assert(stub_start(&stubs[i], &config));
}

static void
teardown(void)
{
    for (int i = 0; i < 2; i++)
        stub_stop(&stubs[i]);
}

static void
check(const struct roles *r, enum role_kind kind, uint64_t count, uint64_t answers)
{
    ck_assert_uint_eq(r->opened[kind].opened, count);
    ck_assert_uint_eq(r->final[kind].answered, answers);
    ck_assert_uint_eq(r->final[kind].failed, 0);
    ck_assert_uint_eq(r->final[kind].lost, 0);
    ck_assert_uint_eq(r->final[kind].mismatches, 0);
}

/* Those of one server must not keep the others from seeing that it is time to go. */
START_TEST(two_servers_side_by_side)
{
    options.idle = 30;
    options.half_commands = 20;
    for (int i = 0; i < 2; i++)
        ck_assert(roles_start(&roles[i], &options, &stubs[i].addr));
    for (int i = 0; i < 2; i++) {
        roles_stop(&roles[i]);
        check(&roles[i], ROLE_IDLE, 30, 90);
        check(&roles[i], ROLE_HALF_COMMAND, 20, 20);
    }
}
END_TEST

START_TEST(churning_ends)
{
    options.churn = 3;
    ck_assert(roles_start(&roles[0], &options, &stubs[0].addr));
    roles_stop(&roles[0]);
    ck_assert_uint_ge(roles[0].final[ROLE_CHURN].opened, 3);
    ck_assert_uint_eq(roles[0].final[ROLE_CHURN].answered,
                      2 * roles[0].final[ROLE_CHURN].opened);
}
END_TEST

/* A server that ends closes its idle connections; that is counted, and does not hang. */
START_TEST(the_server_goes_first)
{
    options.idle = 5;
    ck_assert(roles_start(&roles[0], &options, &stubs[0].addr));
    stub_stop(&stubs[0]);
    roles_stop(&roles[0]);
    ck_assert_uint_eq(roles[0].final[ROLE_IDLE].lost, 5);
}
END_TEST

static const uint64_t rates[] = {0, 1, 5, 9, 10, 11, 640000, 640001, 5000000, UINT32_MAX};

/* Rates far below a byte a tick, and far above a buffer. */
START_TEST(slow_readers_keep_their_rate)
{
    uint64_t tick_ns = 100000000;
    uint64_t sum = 0;
    double part = 0;

    for (int i = 0; i < 1000; i++)
        sum += role_credit(&part, tick_ns, rates[_i]);
    ck_assert_uint_ge(sum + 1, rates[_i] * 100);
    ck_assert_uint_le(sum, rates[_i] * 100);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("roles");

    value_init();
    (void)signal(SIGPIPE, SIG_IGN);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, two_servers_side_by_side);
    tcase_add_test(tc, churning_ends);
    tcase_add_test(tc, the_server_goes_first);
    tcase_add_loop_test(tc, slow_readers_keep_their_rate, 0, (int)ARRAY_LEN(rates));
    return leak_run(tc, "roles");
}
