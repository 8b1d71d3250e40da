/* Intervals have to hold the truth: 95 times in 100, also where latencies depend on each other. */
#include "stat/interval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/rng.h"
#include "leak.h"
#include "lombard/base/attr.h"

enum { RUNS = 200, VALUES = 40000, LONG_VALUES = 20000000 };

static struct series series;
static struct hist hist;

static double
normal(struct rng *rng)
{
    return sqrt(-2 * log(rng_unit(rng))) * cos(6.283185307179586 * rng_unit(rng));
}

/* Independent. */
static double
lognormal(struct rng *rng, double *state)
{
    (void)state;
    return 100e3 * exp(0.5 * normal(rng));
}

/* Waiting in one queue with a load of 0.8: each waits for what the one before leaves. */
static double
queueing(struct rng *rng, double *state)
{
    double wait = *state;

    *state = fmax(0, wait + 20e3 + 25e3 * log(rng_unit(rng)));
    return wait + 20e3;
}

/* Most take 20 us, some 5 ms, in spells. */
static double
spells(struct rng *rng, double *state)
{
    if (rng_unit(rng) < 0.01)
        *state = rng_unit(rng) < 0.2;
    return (*state > 0 ? 5e6 : 20e3) * (1 + 0.1 * rng_unit(rng));
}

static double (*const sources[])(struct rng *, double *) = {lognormal, queueing, spells};
static const char *const source_names[] = {"independent", "queue at a load of 0.8", "spells"};
static const double qs[] = {0.5, 0.9, 0.99};

/* COUNT values, a microsecond apart. */
static void
draw(double (*source)(struct rng *, double *), uint64_t seed, uint32_t count)
{
    struct rng rng;
    double state = 0;

    rng_init(&rng, seed);
    hist_reset(&hist);
    series_begin(&series, 0, count * UINT64_C(1000));
    for (uint32_t i = 0; i < 2000; i++)
        (void)source(&rng, &state);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t v = (uint64_t)source(&rng, &state);
        struct moment *m = series_at(&series, i * UINT64_C(1000));

        hist_add(&hist, v);
        moment_add_latency(m, v);
        m->requests++;
    }
}

START_TEST(quantiles_are_held)
{
    double (*source)(struct rng *, double *) = sources[_i];
    struct moment blocks[INTERVAL_BLOCKS];
    double truth[ARRAY_LEN(qs)];
    unsigned held[ARRAY_LEN(qs)] = {0};
    double width = 0;
    unsigned unknown = 0;

    draw(source, 12345, LONG_VALUES);
    for (size_t k = 0; k < ARRAY_LEN(qs); k++)
        truth[k] = (double)hist_quantile(&hist, qs[k]);
    for (uint64_t run = 0; run < RUNS; run++) {
        uint32_t n;

        draw(source, run, VALUES);
        n = series_blocks(&series, VALUES * UINT64_C(1000), blocks, INTERVAL_BLOCKS);
        for (size_t k = 0; k < ARRAY_LEN(qs); k++) {
            struct interval i = interval_quantile(&hist, blocks, n, qs[k]);

            /* A bound that cannot be known is none. */
            held[k] += !(i.low > truth[k] * 1.002) && !(i.high < truth[k] * 0.998);
            unknown += isnan(i.high) ? 1 : 0;
            if (!isnan(i.high))
                width += (i.high - i.low) / truth[k] / RUNS / 3;
        }
    }
    printf("%-24s", source_names[_i]);
    for (size_t k = 0; k < ARRAY_LEN(qs); k++)
        printf(" p%g held in %u of %u;", 100 * qs[k], held[k], RUNS);
    printf(" mean width %.1f %%, %u bounds unknown\n", 100 * width, unknown);
    (void)fflush(stdout);
    for (size_t k = 0; k < ARRAY_LEN(qs); k++)
        ck_assert_uint_ge(held[k], RUNS * 93 / 100);
    ck_assert_double_le(width, 0.6); /* that of nothing would hold, too */
    ck_assert_uint_le(unknown, RUNS / 2);
    series_fini(&series);
}
END_TEST

/* Shares and rates: independent parts, and parts that follow the ones before. */
START_TEST(ratios_are_held)
{
    double memory = _i == 0 ? 0 : 0.5;
    unsigned held = 0;

    for (uint64_t run = 0; run < RUNS; run++) {
        struct interval_part parts[INTERVAL_BLOCKS];
        struct rng rng;
        double state = 0;
        struct interval i;

        rng_init(&rng, run + 77);
        for (unsigned k = 0; k < 8; k++)
            state = memory * state + normal(&rng);
        for (unsigned k = 0; k < INTERVAL_BLOCKS; k++) {
            state = memory * state + normal(&rng);
            parts[k] = (struct interval_part){1000 + 30 * state, 10};
        }
        i = interval_ratio(parts, INTERVAL_BLOCKS);
        held += i.low <= 100 && i.high >= 100;
    }
    printf("rates, memory %.1f: held in %u of %u\n", memory, held, RUNS);
    ck_assert_uint_ge(held, RUNS * 93 / 100);
}
END_TEST

START_TEST(means_are_held)
{
    unsigned held = 0;

    for (uint64_t run = 0; run < 1000; run++) {
        double values[6];
        struct rng rng;
        struct interval i;

        rng_init(&rng, run);
        for (unsigned k = 0; k < 6; k++)
            values[k] = 5 + normal(&rng);
        i = interval_mean(values, 6);
        held += i.low <= 5 && i.high >= 5;
    }
    ck_assert_uint_ge(held, 930);
    ck_assert_uint_le(held, 970);
    ck_assert(isnan(interval_mean(&(double){5}, 1).low));
}
END_TEST

/* What is always the same is certain; what nobody saw is not. */
START_TEST(at_the_ends)
{
    struct moment blocks[INTERVAL_BLOCKS];
    struct interval i;
    uint32_t n;

    hist_reset(&hist);
    series_begin(&series, 0, 1000000000);
    for (uint32_t k = 0; k < 1000; k++) {
        hist_add(&hist, 20000);
        moment_add_latency(series_at(&series, k * UINT64_C(1000000)), 20000);
    }
    n = series_blocks(&series, 1000000000, blocks, INTERVAL_BLOCKS);
    ck_assert_uint_eq(n, INTERVAL_BLOCKS);
    i = interval_quantile(&hist, blocks, n, 0.5);
    ck_assert_double_eq(i.low, 20000);
    ck_assert_double_eq(i.high, 20000);
    ck_assert(isnan(interval_quantile(&hist, blocks, n, 0.9999).high));
    ck_assert(isnan(interval_reach(interval_quantile(&hist, blocks, n, 0.9999), 20000)) ||
              interval_reach(interval_quantile(&hist, blocks, n, 0.9999), 20000) >= 0);
    ck_assert_double_eq_tol(interval_reach((struct interval){95, 102}, 100), 0.05, 1e-9);
    ck_assert_double_eq_tol(interval_t(1), 12.706, 0.001);
    ck_assert_double_eq_tol(interval_t(31), 2.040, 0.003);
    series_fini(&series);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("interval");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, quantiles_are_held, 0, ARRAY_LEN(sources));
    tcase_add_loop_test(tc, ratios_are_held, 0, 2);
    tcase_add_test(tc, means_are_held);
    tcase_add_test(tc, at_the_ends);
    return leak_run(tc, "interval");
}
