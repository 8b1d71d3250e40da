/* The search for a rate; how fast this machine is must not matter. */
#include "run/findmax.h"

#include <stdlib.h>

#include "builtin/floor.h"
#include "data/rng.h"
#include "data/value.h"
#include "leak.h"
#include "lombard/base/attr.h"

static struct findmax found;

/* Search at the floor with LIMIT_NS. */
static void
search(uint64_t limit_ns)
{
    struct driver *s = calloc(1, sizeof(*s));
    char program[] = "lombard-bench";
    char ratio[] = "-r1:0";
    char limit[] = "--find-max=p99<1ms";
    char *argv[] = {program, ratio, limit, NULL};
    struct options o;
    struct floor f;
    struct jobs alone = {0};

    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(options_parse(3, argv, &o), OPTIONS_OK);
    floor_adapt(&o);
    o.quiet = true;
    o.connections = 4;
    o.duration_ns = 2000000;
    o.find_max_ns = limit_ns;
    ck_assert(floor_start(&f, &o, 0));
    ck_assert_int_eq(driver_open(s, &o, &f.addr), DRIVER_OK);
    ck_assert_int_eq(findmax_search(s, &alone, false, &found), DRIVER_OK);
    ck_assert(!tally_is_wrong(&s->load.tally));
    driver_close(s);
    floor_stop(&f);
    free(s);
}

/* No server answers in no time: the search goes down to its lowest rate and says that none did. */
START_TEST(a_limit_that_nobody_keeps)
{
    search(1);
    ck_assert_uint_eq(found.rate, 0);
    ck_assert_uint_gt(found.rates, 0);
}
END_TEST

START_TEST(a_limit_of_an_hour)
{
    search(UINT64_C(3600000000000));
    ck_assert_uint_le(found.latency_ns, UINT64_C(3600000000000));
    ck_assert_uint_gt(found.rates, 0);
}
END_TEST

/* A server that keeps the limit up to a rate; the machine is disturbed during some trials. */
struct simulated {
    uint64_t capacity;
    uint32_t trial;
    uint32_t bad_first, bad_count; /* these trials look too slow */
    uint32_t good_first;           /* and this one and the next, good */
    uint32_t bad_too;              /* and this one too slow again */
};

static enum driver_result
try_simulated(void *context, uint64_t rate, struct findmax_trial *out)
{
    struct simulated *s = context;
    uint32_t n = s->trial++;

    out->kept = rate <= s->capacity;
    if (n >= s->bad_first && n - s->bad_first < s->bad_count)
        out->kept = false;
    if (n == s->bad_too)
        out->kept = false;
    if (n >= s->good_first && n - s->good_first < 2)
        out->kept = true;
    out->latency_ns = rate;
    return DRIVER_OK;
}

static void
check_found(struct simulated s, uint64_t begin)
{
    struct findmax f = {.closed_rate = begin};
    double off;

    ck_assert_int_eq(findmax_bisect(try_simulated, &s, false, &f), DRIVER_OK);
    off = (double)f.rate / (double)s.capacity - 1;
    ck_assert_msg(off > -0.05 && off < 0.05,
                  "begun at %llu, bad %u from %u, good from %u: found %llu instead of %llu",
                  (unsigned long long)begin, s.bad_count, s.bad_first, s.good_first,
                  (unsigned long long)f.rate, (unsigned long long)s.capacity);
    ck_assert_uint_le(f.rates, FINDMAX_RATES_MAX);
    ck_assert_uint_eq(f.latency_ns, f.rate);
}

static const uint64_t capacities[] = {500, 24733, 83000, 2000000};

/* One disturbance, whenever it is and however long, does not change what is found. */
START_TEST(a_disturbance_is_no_bound)
{
    uint64_t capacity = capacities[_i];
    static const uint32_t never = UINT32_MAX;

    for (uint32_t percent = 20; percent <= 180; percent += 40) {
        uint64_t begin = capacity * percent / 100;

        check_found((struct simulated){capacity, 0, never, 0, never, never}, begin);
        for (uint32_t first = 0; first < 40; first++) {
            for (uint32_t count = 1; count <= 6; count++)
                check_found((struct simulated){capacity, 0, first, count, never, never}, begin);
            check_found((struct simulated){capacity, 0, never, 0, first, never}, begin);
            for (uint32_t too = first + 1; too < 40; too++)
                check_found((struct simulated){capacity, 0, first, 1, never, too}, begin);
        }
    }
}
END_TEST

/* Every eighth trial goes wrong, at random. */
static enum driver_result
try_noisy(void *context, uint64_t rate, struct findmax_trial *out)
{
    struct rng *rng = context;

    out->kept = rate <= 50000 && rng_below(rng, 8) != 0;
    out->latency_ns = rate;
    return DRIVER_OK;
}

START_TEST(much_noise_seldom_misleads)
{
    uint32_t misled = 0;

    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct findmax f = {.closed_rate = 40000};
        struct rng rng;

        rng_init(&rng, seed);
        ck_assert_int_eq(findmax_bisect(try_noisy, &rng, false, &f), DRIVER_OK);
        misled += f.rate < 47500 || f.rate > 50000;
    }
    ck_assert_uint_le(misled, 30);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("findmax");

    value_init();
    tcase_add_loop_test(tc, a_disturbance_is_no_bound, 0, (int)ARRAY_LEN(capacities));
    tcase_add_test(tc, much_noise_seldom_misleads);
    tcase_add_test(tc, a_limit_that_nobody_keeps);
    tcase_add_test(tc, a_limit_of_an_hour);
    return leak_run(tc, "findmax");
}
