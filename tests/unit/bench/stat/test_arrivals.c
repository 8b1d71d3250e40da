/* Arrivals as they should be are called good, others are not. */
#include "stat/arrivals.h"

#include <math.h>

#include "leak.h"
#include "lombard/base/attr.h"

enum { RUNS = 300, REQUESTS = 5000 };
#define MEAN_NS 50000.0

/* The next gap of a kind of arrivals, in ns. */
typedef double (*source)(struct rng *rng, uint32_t nth, double *state);

static double
poisson(struct rng *rng, uint32_t nth, double *state)
{
    (void)nth;
    (void)state;
    return -MEAN_NS * log(rng_unit(rng));
}

static double
constant(struct rng *rng, uint32_t nth, double *state)
{
    (void)rng;
    (void)nth;
    (void)state;
    return MEAN_NS;
}

/* Two at a time, at half the rate. */
static double
pairs(struct rng *rng, uint32_t nth, double *state)
{
    return nth % 2 == 0 ? 100 : 2 * poisson(rng, nth, state);
}

/* At no more than 25,000/s, as a client that is too slow does. */
static double
slow_client(struct rng *rng, uint32_t nth, double *state)
{
    return fmax(40000, poisson(rng, nth, state));
}

/* Right gaps, in an order that is not random: short ones follow short ones. */
static double
ordered(struct rng *rng, uint32_t nth, double *state)
{
    double gap = poisson(rng, nth, state);

    if (nth % 4 == 0)
        *state = gap;
    return rng_unit(rng) < 0.6 ? *state : gap;
}

/* Too fast. */
static double
faster(struct rng *rng, uint32_t nth, double *state)
{
    return 0.7 * poisson(rng, nth, state);
}

static unsigned
good_of(source next, bool is_poisson)
{
    unsigned good = 0;

    for (uint64_t seed = 0; seed < RUNS; seed++) {
        struct arrivals_log a;
        struct arrivals_verdict v;
        struct rng rng;
        double now = 1e9;
        double state = 0;

        rng_init(&rng, seed + 1000);
        arrivals_begin(&a);
        for (uint32_t i = 0; i < REQUESTS; i++) {
            now += next(&rng, i, &state);
            arrivals_note(&a, (uint64_t)now);
        }
        v = arrivals_judge(&a, MEAN_NS, is_poisson, 0);
        ck_assert(v.known);
        good += v.good;
    }
    return good;
}

START_TEST(good_ones_pass)
{
    ck_assert_uint_ge(good_of(poisson, true), RUNS * 99 / 100);
    ck_assert_uint_eq(good_of(constant, false), RUNS);
}
END_TEST

START_TEST(others_do_not)
{
    static const source bad[] = {constant, pairs, slow_client, ordered, faster};

    ck_assert_uint_le(good_of(bad[_i], true), RUNS / 100);
}
END_TEST

START_TEST(no_constant_rate)
{
    ck_assert_uint_eq(good_of(poisson, false), 0);
    ck_assert_uint_eq(good_of(pairs, false), 0);
}
END_TEST

START_TEST(too_few_to_tell)
{
    struct arrivals_log a;

    arrivals_begin(&a);
    for (uint64_t i = 1; i < 60; i++)
        arrivals_note(&a, i);
    ck_assert(!arrivals_judge(&a, MEAN_NS, true, 0).known);
    ck_assert(arrivals_judge(&a, MEAN_NS, true, 0).good);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("arrivals");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, good_ones_pass);
    tcase_add_loop_test(tc, others_do_not, 0, 5);
    tcase_add_test(tc, no_constant_rate);
    tcase_add_test(tc, too_few_to_tell);
    return leak_run(tc, "arrivals");
}
