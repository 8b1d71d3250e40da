/* Real loads against servers that know the truth; simulated time. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/value.h"
#include "leak.h"
#include "run/driver.h"
#include "run/jobs.h"
#include "truth/sim_servers.h"

#define US 1000U
#define MS UINT64_C(1000000)

static struct options options;
static struct driver *driver;

static uint64_t
fixed(void *context, uint64_t nth, uint64_t now)
{
    (void)nth;
    (void)now;
    return *(const uint64_t *)context;
}

static uint64_t twenty_us = 20 * US;

/* A driver for what LINE asks for, connected to a server that answers in 40 us. */
static void
begin(const char *line)
{
    struct sim_server server = {.service = fixed, .context = &twenty_us, .wire_ns = 10 * US};
    struct net_addr addr;

    sim_options(line, &options);
    sim_begin(&server, 1);
    addr = sim_addr(0);
    driver = calloc(1, sizeof(*driver));
    ck_assert_ptr_nonnull(driver);
    ck_assert_int_eq(driver_open(driver, &options, &addr), DRIVER_OK);
}

static void
fill(void)
{
    ck_assert_int_eq(driver_fill(driver), DRIVER_OK);
    sim_forget();
}

static const struct tally *
measure(uint64_t round)
{
    enum driver_result result;

    driver->round = round;
    driver->load.rate = jobs_rate(&options, round, 0);
    result = driver_measure(driver);
    ck_assert_msg(result == DRIVER_OK, "%s", driver_result_name(result));
    return &driver->load.tally;
}

static void
over(void)
{
    driver_close(driver);
    free(driver);
    sim_end();
}

START_TEST(each_phase_has_its_mix_rate_and_time)
{
    const struct tally *t;

    begin("-c 4 --arrivals constant --phase 2s:get=3,set=1 --phase 1s:set=1,rate=1k --phase "
          "500ms");
    ck_assert_uint_eq(options.rounds, 3);
    ck_assert_uint_eq(options.duration_ns, 3500 * MS);
    fill();
    t = measure(0);
    ck_assert_double_eq_tol(tally_seconds(t), 2, 1e-4);
    /* One server, 20 us each: 50,000/s. */
    ck_assert_double_eq_tol((double)t->requests, 100000, 5);
    ck_assert_double_eq_tol((double)t->answered[QUERY_GET] / (double)t->requests, 0.75, 0.005);
    t = measure(1);
    ck_assert_uint_eq(t->answered[QUERY_SET], 1000);
    ck_assert_uint_eq(t->requests, 1000);
    ck_assert_double_eq_tol(tally_seconds(t), 1, 1e-6);
    ck_assert_uint_eq(t->response.max, 40 * US);
    t = measure(2); /* as without phases: ten gets to a set */
    ck_assert_double_eq_tol(tally_seconds(t), 0.5, 1e-4);
    ck_assert_double_eq_tol((double)t->answered[QUERY_GET] / (double)t->requests, 10.0 / 11,
                            0.01);
    over();
}
END_TEST

START_TEST(all_phases_together_have_the_mix_that_their_times_make)
{
    double total = 0;

    sim_options("--phase 3s:get=1 --phase 1s:get=1,delete=3", &options);
    for (int i = 0; i < QUERY_KIND_COUNT; i++)
        total += options.weights[i];
    ck_assert_double_eq_tol(options.weights[QUERY_GET] / total, 3.25 / 4, 1e-9);
    ck_assert_double_eq_tol(options.weights[QUERY_DELETE] / total, 0.75 / 4, 1e-9);
}
END_TEST

/* The model's means: keys of 35.2 bytes to 1 %; of values GP(15, 214.476, 0.348238) has 344.1, and 55.8 % are
 * of it. */
START_TEST(etc_is_as_published)
{
    const struct tally *t;

    begin("--preset meta-etc --rate 20000 -c 50 -d 5s");
    ck_assert_double_eq_tol(sizes_mean(&options.key_size), 30.7984 + 8.20449 * 0.5772 + 0.9,
                            0.5);
    ck_assert_double_eq_tol(sizes_mean(&options.value_size), 0.55780 * 344.1 + 2.75, 4);
    ck_assert_double_eq(options.weights[QUERY_GET], 30 * options.weights[QUERY_SET]);
    fill();
    t = measure(0);
    ck_assert_double_eq_tol((double)t->requests, 100000, 1500);
    ck_assert(arrivals_judge(&driver->load.sent, 5e4, true, ARRIVALS_PARETO_SHAPE).good);
    over();
}
END_TEST

START_TEST(a_cluster_is_as_published)
{
    begin("--preset twitter:4 -c 4 -d 1s");
    ck_assert_uint_eq(options.key_size.min, 67);
    ck_assert_uint_eq(options.value_size.max, 2439);
    ck_assert_double_eq_tol(options.dist.alpha, 1.1004, 1e-9);
    ck_assert_uint_eq(options.ttl.count, 6);
    ck_assert_uint_eq(options.ttl.max, 86400);
    fill();
    ck_assert_double_eq_tol((double)measure(0)->answered[QUERY_SET] /
                                (double)driver->load.tally.requests,
                            0.07, 0.005);
    over();
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("loads");

    value_init();
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, each_phase_has_its_mix_rate_and_time);
    tcase_add_test(tc, all_phases_together_have_the_mix_that_their_times_make);
    tcase_add_test(tc, etc_is_as_published);
    tcase_add_test(tc, a_cluster_is_as_published);
    return leak_run(tc, "loads");
}
