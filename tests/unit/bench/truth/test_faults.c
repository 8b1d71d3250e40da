/* Every fault of a server, in every protocol: noticed as often as it was made. Simulated time. */
#include <stdlib.h>

#include "data/value.h"
#include "leak.h"
#include "run/driver.h"
#include "selftest.h"
#include "truth/sim_servers.h"

static struct selftest result;

static void
run(const struct selftest_case *c)
{
    struct sim_server server = {.fault = c->fault, .wire_ns = 10000};
    struct driver *d = calloc(1, sizeof(*d));
    struct net_addr addr;
    struct options o;

    ck_assert_ptr_nonnull(d);
    ck_assert(selftest_load(c, &o, &server.every));
    o.silent = getenv("LOUD") == NULL;
    sim_begin(&server, 1);
    addr = sim_addr(0);
    ck_assert_int_eq(driver_open(d, &o, &addr), DRIVER_OK);
    ck_assert_int_eq(driver_fill(d), DRIVER_OK);
    sim_forget();
    ck_assert_int_eq(driver_run(d, 0, o.requests), DRIVER_OK);
    result.tally = d->load.tally;
    result.truth = sim_truth(0)->counts;
    driver_close(d);
    free(d);
    sim_end();
}

START_TEST(every_fault_is_counted)
{
    struct selftest_case c = {(enum stub_fault)(_i / 2 / SELFTEST_PROTOCOLS),
                              selftest_protocols[_i / 2 % SELFTEST_PROTOCOLS],
                              _i % 2 == 0 ? 1 : 16};

    run(&c);
    selftest_describe(stdout, &c, &result, selftest_noticed(&c, &result));
    (void)fflush(stdout);
    ck_assert_msg(selftest_noticed(&c, &result), "%s, %s, pipeline %llu",
                  stub_fault_name(c.fault), c.protocol, (unsigned long long)c.pipeline);
    /* How many a real server's can be noticed, is a matter of its pace. */
    if (c.fault == STUB_STALE)
        ck_assert_uint_gt(2 * result.tally.mismatches, result.truth.stale);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("faults");

    value_init();
    tcase_add_loop_test(tc, every_fault_is_counted, 0,
                        2 * SELFTEST_PROTOCOLS * STUB_FAULT_COUNT);
    return leak_run(tc, "faults");
}
