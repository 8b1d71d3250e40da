/* Warm-up, intervals, arrivals and searches, on servers that know the truth; simulated time. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/value.h"
#include "leak.h"
#include "lombard/base/attr.h"
#include "run/bench.h"
#include "truth/sim_servers.h"

#define US 1000U
#define MS UINT64_C(1000000)

static struct rng noise;

/* 20 us on average, exponential. */
static uint64_t
varied(void *context, uint64_t nth, uint64_t now)
{
    (void)nth;
    (void)now;
    (void)context;
    return (uint64_t)(-20e3 * log(rng_unit(&noise)));
}

/* The same, but twice as slow before a moment. */
static uint64_t
warming(void *context, uint64_t nth, uint64_t now)
{
    uint64_t ns = varied(NULL, nth, now);

    return now < *(const uint64_t *)context ? 2 * ns : ns;
}

/* Slower by 40 % each second, as if the machine were getting hot. */
static uint64_t
drifting(void *context, uint64_t nth, uint64_t now)
{
    double seconds = ((double)now - 1e12) / 1e9;

    (void)context;
    return (uint64_t)((double)varied(NULL, nth, now) * (1 + 0.4 * seconds));
}

static uint64_t
fixed(void *context, uint64_t nth, uint64_t now)
{
    (void)nth;
    (void)now;
    return *(const uint64_t *)context;
}

static struct options options;
static struct bench *b;

/* Measure COUNT servers with LINE. */
static bool
measure(const struct sim_server *servers, unsigned count, const char *line)
{
    struct net_addr addrs[2] = {sim_addr(0), sim_addr(1)};
    bool done;

    sim_options(line, &options);
    sim_begin(servers, count);
    b = bench_create(&options, addrs, count);
    ck_assert_ptr_nonnull(b);
    done = bench_run(b);
    return done;
}

static void
over(void)
{
    bench_destroy(b);
    sim_end();
}

/* Two of ten seconds are slower: they are cut, and what is left is as if they had not been. */
START_TEST(warm_up_is_found)
{
    static const uint64_t ends_ms[] = {300, 1000, 2000, 4000};
    uint64_t warm = UINT64_C(1000000000000) + ends_ms[_i] * MS;
    struct sim_server server = {.service = warming, .context = &warm};
    const struct target *t;

    rng_init(&noise, 5);
    ck_assert(measure(&server, 1, "-c 4 -d 10s"));
    t = &b->targets[0];
    printf("slow for %.1f s of 10: cut %.2f s\n", (double)ends_ms[_i] / 1e3, t->certain.cut_s);
    ck_assert_double_ge(t->certain.cut_s * 1e3, (double)ends_ms[_i] - 1);
    ck_assert_double_le(t->certain.cut_s * 1e3, (double)ends_ms[_i] + 1000);
    ck_assert_double_eq_tol(tally_seconds(&t->total), 10, 0.001);
    ck_assert_double_eq_tol(tally_rate(&t->total), 50000, 500);
    ck_assert(!t->certain.steady.changed);
    over();
}
END_TEST

/* A change in the second half is no warm-up: it is told. */
START_TEST(a_late_change_is_told)
{
    uint64_t warm = UINT64_C(1000000000000) + 7000 * MS;
    struct sim_server server = {.service = warming, .context = &warm};

    rng_init(&noise, 6);
    ck_assert(measure(&server, 1, "-c 4 -d 10s"));
    ck_assert_double_eq(b->targets[0].certain.cut_s, 0);
    ck_assert(b->targets[0].certain.steady.changed);
    ck_assert_double_eq_tol(b->targets[0].certain.steady_s, 7, 0.4);
    ck_assert_double_eq_tol(b->targets[0].certain.steady.factor, 0.5, 0.05);
    over();
}
END_TEST

/* Nothing is cut where nothing changes, nor where it was not asked for. */
START_TEST(nothing_to_cut)
{
    uint64_t warm = UINT64_C(1000000000000) + 1000 * MS;
    struct sim_server server = {.service = varied};
    unsigned cut = 0;

    for (uint64_t seed = 0; seed < 10; seed++) {
        rng_init(&noise, seed);
        ck_assert(measure(&server, 1, "-c 4 -d 500ms"));
        cut += b->targets[0].certain.cut_s > 0;
        over();
    }
    ck_assert_uint_eq(cut, 0);
    server = (struct sim_server){.service = warming, .context = &warm};
    ck_assert(measure(&server, 1, "-c 4 -d 4s --warmup 0"));
    ck_assert_double_eq(b->targets[0].certain.cut_s, 0);
    over();
}
END_TEST

/* It goes on until it is precise enough, and no longer. */
START_TEST(until_it_is_precise)
{
    struct sim_server server = {.service = varied};
    const struct certain *c;

    rng_init(&noise, 9);
    ck_assert(measure(&server, 1, "-c 4 --until ci<2%"));
    c = &b->targets[0].certain;
    ck_assert(c->reached);
    ck_assert_double_le(c->reach, 0.02);
    ck_assert_double_le(tally_seconds(&b->targets[0].total), 60);
    over();
    ck_assert(measure(&server, 1, "-c 4 -d 1s --until ci<0.01%"));
    ck_assert(!b->targets[0].certain.reached);
    over();
}
END_TEST

/* A server and itself: the ratio is 1 within its interval, also while both get slower. */
START_TEST(nothing_is_faster_than_itself)
{
    enum { RUNS = 100 };
    struct sim_server servers[2] = {{.service = _i == 0 ? varied : drifting},
                                    {.service = _i == 0 ? varied : drifting}};
    unsigned held[2] = {0};
    double width = 0;

    for (uint64_t run = 0; run < RUNS; run++) {
        rng_init(&noise, run);
        ck_assert(measure(servers, 2, "-c 4 -n 300 --rounds 12 --compare x"));
        for (int k = 0; k < 2; k++) {
            struct spread s = figure_ratio(b, 1, &figures[k == 0 ? 0 : 4]);

            held[k] += s.low <= 1 && s.high >= 1;
            width += (s.high - s.low) / 2 / RUNS;
        }
        over();
    }
    printf("%s: rate 1.00 in %u, p50 in %u of %d; mean width %.1f %%\n",
           _i == 0 ? "steady" : "40 % slower each second", held[0], held[1], RUNS, 100 * width);
    ck_assert_uint_ge(held[0], 93);
    ck_assert_uint_ge(held[1], 93);
}
END_TEST

START_TEST(arrivals_are_judged)
{
    static const struct {
        const char *line;
        uint64_t pause_ns, send_ns;
        bool good;
    } cases[] = {
        {"-c 64 --rate 10000 -d 2s", 0, 0, true},
        {"-c 64 --rate 10000 -d 2s --arrivals constant", 0, 0, true},
        {"-c 64 --rate 10000 -d 2s", 0, 2 * US, true},
        {"-c 64 --rate 10000 -d 2s", 3 * MS, 0, false},
        {"-c 64 --rate 10000 -d 2s --arrivals constant", 3 * MS, 0, false},
        {"-c 64 --rate 10000 -d 2s", 0, 90 * US, false},
    };
    uint64_t ten_us = 10 * US;
    struct sim_server server = {.service = fixed,
                                .context = &ten_us,
                                .pause_every_ns = cases[_i].pause_ns > 0 ? 10 * MS : 0,
                                .pause_ns = cases[_i].pause_ns,
                                .send_ns = cases[_i].send_ns};

    ck_assert(measure(&server, 1, cases[_i].line));
    ck_assert(b->targets[0].certain.arrivals.known);
    ck_assert_msg(b->targets[0].certain.arrivals.good == cases[_i].good, "case %d: %.1f", _i,
                  b->targets[0].certain.arrivals.anderson);
    over();
}
END_TEST

/* The capacity is known: what keeps the limit is found within 5 %, three times of three. */
START_TEST(find_max_finds_the_capacity)
{
    static uint64_t services_us[] = {50, 200};
    uint64_t service = services_us[_i % 2] * US;
    struct sim_server server = {.service = fixed, .context = &service};
    double capacity = 1e9 / (double)service;
    char line[128];

    (void)snprintf(line, sizeof(line),
                   "-c 64 --pipeline 64 -d 1s --find-max p99<10ms --seed %d", _i + 1);
    ck_assert(measure(&server, 1, line));
    printf("find-max: capacity %.0f/s, found %llu/s\n", capacity,
           (unsigned long long)b->targets[0].findmax.rate);
    ck_assert_double_eq_tol((double)b->targets[0].findmax.rate / capacity, 1, 0.05);
    over();
}
END_TEST

/* Of eight rates the highest below the capacity is kept, and no other. */
START_TEST(a_sweep_shows_the_knee)
{
    uint64_t service = 20 * US;
    struct sim_server server = {.service = fixed, .context = &service};
    const struct target *t;

    ck_assert(measure(&server, 1, "-c 64 --pipeline 64 -d 1s --sweep rates=1k:128k:8"));
    t = &b->targets[0];
    ck_assert_uint_eq(t->rounds_done, 8);
    for (unsigned i = 0; i < 8; i++) {
        const struct round *r = &t->rounds[i];
        double load = (double)r->rate * 20e-6;
        double mean = 20 * (1 + load / (2 * (1 - load))); /* M/D/1 */

        ck_assert_uint_eq(r->rate, 1000U << i);
        ck_assert(r->rate < 50000 ? fabs(r->per_s / (double)r->rate - 1) < 0.1
                                  : fabs(r->per_s / 50000 - 1) < 0.35);
        if (r->rate <= 32000) {
            ck_assert_double_eq_tol(r->mean_us / mean, 1, 0.05);
            ck_assert(!(r->p99_low_us > r->p99_us) && !(r->p99_high_us < r->p99_us));
        } else {
            ck_assert_double_ge(r->p99_us, 100000);
        }
    }
    over();
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("statistics");

    value_init();
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, warm_up_is_found, 0, 4);
    tcase_add_test(tc, a_late_change_is_told);
    tcase_add_test(tc, nothing_to_cut);
    tcase_add_test(tc, until_it_is_precise);
    tcase_add_loop_test(tc, nothing_is_faster_than_itself, 0, 2);
    tcase_add_loop_test(tc, arrivals_are_judged, 0, 6);
    tcase_add_loop_test(tc, find_max_finds_the_capacity, 0, 6);
    tcase_add_test(tc, a_sweep_shows_the_knee);
    return leak_run(tc, "statistics");
}
