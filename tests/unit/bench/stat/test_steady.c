/* Changes are found where they are, and none where there is only noise. */
#include "stat/steady.h"

#include <math.h>

#include "data/rng.h"
#include "leak.h"

enum { BLOCKS = 32 };

static double
normal(struct rng *rng)
{
    return sqrt(-2 * log(rng_unit(rng))) * cos(6.283185307179586 * rng_unit(rng));
}

START_TEST(noise_is_no_change)
{
    unsigned alarms = 0;

    for (uint64_t seed = 0; seed < 1000; seed++) {
        double y[BLOCKS];
        double state = 0;
        struct rng rng;

        rng_init(&rng, seed);
        for (unsigned i = 0; i < BLOCKS; i++) {
            state = 0.3 * state + 0.05 * normal(&rng);
            y[i] = 10 + state;
        }
        alarms += steady_look_at(y, BLOCKS).changed;
    }
    ck_assert_uint_le(alarms, 5);
}
END_TEST

START_TEST(a_step_is_found)
{
    unsigned found = 0;
    unsigned where = 0;

    for (uint64_t seed = 0; seed < 200; seed++) {
        uint32_t at = 3 + (uint32_t)(seed % 26);
        double y[BLOCKS];
        struct steady s;
        struct rng rng;

        rng_init(&rng, seed);
        for (uint32_t i = 0; i < BLOCKS; i++)
            y[i] = (i < at ? log(1.3) : 0) + 0.03 * normal(&rng);
        s = steady_look_at(y, BLOCKS);
        found += s.changed;
        where += s.at == at && fabs(s.factor * 1.3 - 1) < 0.05;
    }
    ck_assert_uint_ge(found, 200);
    ck_assert_uint_ge(where, 195);
}
END_TEST

/* One block in which the server stood still; and too little to tell. */
START_TEST(what_is_none)
{
    double y[BLOCKS];

    for (unsigned i = 0; i < BLOCKS; i++)
        y[i] = 10 + 0.01 * (i % 3) + (i == 7 ? 2 : 0);
    ck_assert(!steady_look_at(y, BLOCKS).changed);
    ck_assert(!steady_look_at(y, 4).known);
    for (unsigned i = 0; i < BLOCKS; i++)
        y[i] = 10 + (i < 16 ? 0.02 : 0); /* 2 %: certain, and of no interest */
    ck_assert(!steady_look_at(y, BLOCKS).changed);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("steady");

    tcase_add_test(tc, noise_is_no_change);
    tcase_add_test(tc, a_step_is_found);
    tcase_add_test(tc, what_is_none);
    return leak_run(tc, "steady");
}
