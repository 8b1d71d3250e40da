/* Real loads against servers that know the truth; simulated time. */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    driver->load.rate = options_plan(&options, round).rate;
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

    begin("-k 2000 -c 4 --arrivals constant --phase 200ms:get=3,set=1 "
          "--phase 500ms:set=1,rate=1k --phase 100ms");
    ck_assert_uint_eq(options.rounds, 3);
    ck_assert_uint_eq(options.duration_ns, 800 * MS);
    fill();
    t = measure(0);
    ck_assert_double_eq_tol(tally_seconds(t), 0.2, 1e-4);
    /* One server, 20 us each: 50,000/s. */
    ck_assert_double_eq_tol((double)t->requests, 10000, 5);
    ck_assert_double_eq_tol((double)t->answered[QUERY_GET] / (double)t->requests, 0.75, 0.015);
    t = measure(1);
    ck_assert_uint_eq(t->answered[QUERY_SET], 500);
    ck_assert_uint_eq(t->requests, 500);
    ck_assert_double_eq_tol(tally_seconds(t), 0.5, 1e-6);
    ck_assert_uint_eq(t->response.max, 40 * US);
    t = measure(2); /* as without phases: ten gets to a set */
    ck_assert_double_eq_tol(tally_seconds(t), 0.1, 1e-4);
    ck_assert_double_eq_tol((double)t->answered[QUERY_GET] / (double)t->requests, 10.0 / 11,
                            0.015);
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

    begin("--preset meta-etc -k 2000 --rate 20000 -c 50 -d 1s");
    ck_assert_double_eq_tol(sizes_mean(&options.key_size), 30.7984 + 8.20449 * 0.5772 + 0.9,
                            0.5);
    ck_assert_double_eq_tol(sizes_mean(&options.value_size), 0.55780 * 344.1 + 2.75, 4);
    ck_assert_double_eq(options.weights[QUERY_GET], 30 * options.weights[QUERY_SET]);
    fill();
    t = measure(0);
    ck_assert_double_eq_tol((double)t->requests, 20000, 700);
    ck_assert(arrivals_judge(&driver->load.sent, 5e4, true, ARRIVALS_PARETO_SHAPE).good);
    over();
}
END_TEST

START_TEST(a_cluster_is_as_published)
{
    begin("--preset twitter:4 -k 2000 -c 4 -d 200ms");
    ck_assert_uint_eq(options.key_size.min, 67);
    ck_assert_uint_eq(options.value_size.max, 2439);
    ck_assert_double_eq_tol(options.dist.alpha, 1.1004, 1e-9);
    ck_assert_uint_eq(options.ttl.count, 6);
    ck_assert_uint_eq(options.ttl.max, 86400);
    fill();
    ck_assert_double_eq_tol((double)measure(0)->answered[QUERY_SET] /
                                (double)driver->load.tally.requests,
                            0.07, 0.01);
    over();
}
END_TEST

static struct replay replay;

/* What is wrong with TEXT as a trace; NULL: nothing. */
static const char *
load_trace(const char *text, enum trace_format format, double speed)
{
    char path[] = "/tmp/lombard-trace-XXXXXX";
    struct replay_config config = {
        .path = path, .format = format, .speed = speed, .ttl_max_s = OPTIONS_TTL_MAX_S};
    int fd = mkstemp(path);
    const char *why;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    why = replay_load(&replay, &config);
    (void)unlink(path);
    return why;
}

static void
begin_replay(const char *line)
{
    struct sim_server server = {.service = fixed, .context = &twenty_us, .wire_ns = 10 * US};
    struct net_addr addr;

    sim_options(line, &options);
    options.replay = true;
    options_replay(&options, &replay);
    sim_begin(&server, 1);
    addr = sim_addr(0);
    driver = calloc(1, sizeof(*driver));
    ck_assert_ptr_nonnull(driver);
    ck_assert_int_eq(driver_open(driver, &options, &addr), DRIVER_OK);
}

static const char twitter[] = "50,nz:a,20,100,7,set,60\n"
                              "50,nz:a,20,100,7,get,0\n"
                              "50,k,x,y,30,200,7,set,9999999\n" /* commas in the key */
                              "50,n,1,1,7,incr,0\n"
                              "52,nz:a,20,100,8,gets,0\n"
                              "52,nz:a,20,0,8,delete,0\n"
                              "51,nz:a,20,100,8,get,0\n";

START_TEST(a_trace_is_replayed_at_its_times)
{
    static const uint64_t due_ms[] = {0, 125, 250, 375, 1000, 1166, 1333};
    const struct tally *t;

    ck_assert_ptr_null(load_trace(twitter, TRACE_TWITTER, 2));
    ck_assert_uint_eq(replay.count, ARRAY_LEN(due_ms));
    for (size_t i = 0; i < ARRAY_LEN(due_ms); i++)
        ck_assert_uint_eq(replay.steps[i].due_ns / MS, due_ms[i]);
    ck_assert_uint_eq(replay.keys, 3);
    ck_assert_uint_eq(replay.backwards, 1);
    ck_assert_uint_eq(replay.busiest, 4);
    ck_assert_uint_eq(replay.span_ns, 1500 * MS);
    ck_assert_uint_eq(replay.key_bytes[0], 20);
    ck_assert_uint_eq(replay.key_bytes[1], 30);
    ck_assert_uint_eq(replay.key_bytes[2], REPLAY_KEY_MIN);
    ck_assert_uint_eq(replay.bytes[1], 200);
    ck_assert_uint_eq(replay.steps[2].ttl_s, OPTIONS_TTL_MAX_S);
    begin_replay("-c 2");
    t = measure(0);
    ck_assert_uint_eq(t->requests, 7);
    ck_assert_uint_eq(t->answered[QUERY_GET], 3);
    ck_assert_uint_eq(t->answered[QUERY_INCR], 1);
    ck_assert_uint_eq(t->hits, 2);
    ck_assert_uint_eq(t->misses, 1);
    ck_assert_uint_eq(t->stored_bytes, 100 + 200 + WIRE_COUNTER_BYTES);
    ck_assert_uint_eq(sim_truth(0)->counts.hits, 2);
    ck_assert_double_eq_tol(tally_seconds(t), 1.5, 1e-6);
    ck_assert_uint_eq(t->lag.max, 0);
    /* incr found no number: one follows. */
    ck_assert_uint_eq(t->follow_ups, 1);
    over();
    replay_free(&replay);
}
END_TEST

/* Twice the server's capacity, for 200 ms: what is late is charged to the server, none is left out. */
START_TEST(a_replay_does_not_wait_for_the_server)
{
    static char text[20000 * 24];
    size_t used = 0;
    const struct tally *t;

    for (int i = 0; i < 20000; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "k%d 10 0 get %.5f\n",
                                 i % 50, i / 1e5);
    ck_assert_ptr_null(load_trace(text, TRACE_TEXT, 1));
    begin_replay("-c 64 --pipeline 16");
    t = measure(0);
    ck_assert_uint_eq(t->requests, 20000);
    ck_assert_uint_eq(t->response.count, 20000);
    ck_assert_double_eq_tol((double)t->response.max, 2e8, 4e6);
    over();
    replay_free(&replay);
}
END_TEST

START_TEST(with_a_rate_only_the_order_counts)
{
    ck_assert_ptr_null(load_trace(twitter, TRACE_TWITTER, 1));
    begin_replay("-c 2 --rate 1000 --arrivals constant");
    ck_assert_uint_eq(measure(0)->requests, 7);
    ck_assert_double_eq_tol(tally_seconds(&driver->load.tally), 0.0075, 1e-5);
    over();
    replay_free(&replay);
}
END_TEST

START_TEST(metas_columns_are_found_by_name)
{
    ck_assert_ptr_null(load_trace("op_time,key,key_size,op,op_count,size,cache_hits,ttl\n"
                                  "7,aa,33,GET,2,100,1,0\n7,b,12,SET_LEASE,1,50,0,60\n"
                                  "8,aa,33,DELETE,1,0,0,\n",
                                  TRACE_META, 1));
    ck_assert_uint_eq(replay.count, 4);
    ck_assert_uint_eq(replay.kinds[QUERY_GET], 2);
    ck_assert_uint_eq(replay.steps[2].ttl_s, 60);
    ck_assert_uint_eq(replay.steps[2].due_ns, 666666666);
    ck_assert_uint_eq(replay.steps[3].due_ns, 1000 * MS);
    ck_assert_uint_eq(replay.key_bytes[0], 33);
    replay_free(&replay);
}
END_TEST

static const struct {
    enum trace_format format;
    const char *text, *want;
} bad_traces[] = {
    {TRACE_TWITTER, "1,a,b,c,5,get,0\n", "line 1, column key size: it is no number below 2^32"},
    {TRACE_TWITTER, "1,a,1,2,5,get,0\n1,a,1,-2,5,get,0\n", "line 2, column value size: "},
    {TRACE_TWITTER, "1,a,1,2,5,fetch,0\n", "line 1, column operation: it is none of get, gets"},
    {TRACE_TWITTER, "1,a,1,2,5,get,x\n", "line 1, column TTL: "},
    {TRACE_TWITTER, "now,a,1,2,5,get,0\n", "line 1, column timestamp: "},
    {TRACE_TWITTER, "1,,1,2,5,get,0\n", "line 1, column key: it is empty"},
    {TRACE_TWITTER, "1,a,get\n", "line 1: it has not the 7 columns"},
    {TRACE_META, "key,op,size,op_count\nk,GET,5,0\n", "line 2, column op_count: it is 0"},
    {TRACE_META, "key,op,size\nk,LOOK,5\n", "line 2, column op: it is none of GET"},
    {TRACE_META, "op_time,key,op,size\n?,k,GET,5\n", "line 2, column op_time: "},
    {TRACE_META, "key,op\nk,GET\n", "line 2: it has not the columns key, op and size"},
    {TRACE_META, "k,GET,5,1,9\n", "no times: give a --rate"},
    {TRACE_TEXT, "a\nb\n", "no times: give a --rate"},
    {TRACE_TEXT, "a 1 0 get soon\n", "line 1: its time is no number of seconds"},
    {TRACE_TEXT, "", "it is empty"},
};

START_TEST(bad_traces_name_line_and_column)
{
    const char *why = load_trace(bad_traces[_i].text, bad_traces[_i].format, 1);

    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(why, bad_traces[_i].want) != NULL, "said: %s", why);
}
END_TEST

/* All ask at the same time for a key that is not there: each asks the database. */
START_TEST(a_herd_is_counted)
{
    const struct aside *a;

    begin("-k 1 -c 50 --mix get=1 --database 20ms -d 100ms");
    a = &measure(0)->aside;
    ck_assert_uint_eq(a->loads, 50);
    ck_assert_uint_eq(a->duplicates, 49);
    ck_assert_uint_eq(a->herds, 1);
    ck_assert_uint_eq(a->herd_max, 50);
    /* The first one's get and store take 40 us each, its wait for the others' gets included. */
    ck_assert_double_eq_tol((double)a->fill.max, 20e6 + 40e3, 2e3);
    ck_assert_uint_eq(a->database.max, 20 * MS);
    ck_assert_uint_eq(a->value.count, driver->load.tally.hits + driver->load.tally.misses);
    ck_assert_uint_eq(driver->load.tally.stored[QUERY_SET], 50);
    ck_assert_double_eq_tol((double)a->busy_ns, 50 * 20e6, 1);
    over();
}
END_TEST

/* Five at a time: the last of 50 waits for 9 others. */
START_TEST(a_database_has_a_capacity)
{
    const struct aside *a;

    begin("-k 1 -c 50 --mix get=1 --database 10ms --database-slots 5 -d 200ms");
    a = &measure(0)->aside;
    ck_assert_uint_eq(a->loads, 50);
    ck_assert_double_eq_tol((double)a->database.max, 100e6, 1e6);
    ck_assert_double_eq_tol((double)hist_quantile(&a->database, 0.5), 50e6, 1e6);
    over();
}
END_TEST

START_TEST(in_an_open_loop_a_value_counts_from_when_it_was_due)
{
    const struct aside *a;

    begin("-k 1000 -c 50 --mix get=1 --database 5ms --rate 1000 --arrivals constant -n 1000 "
          "--distribution sequential");
    a = &measure(0)->aside;
    ck_assert_uint_eq(a->loads, 1000);
    ck_assert_uint_eq(a->duplicates, 0);
    ck_assert_double_eq_tol((double)a->value.max, 5e6 + 40e3, 50e3);
    over();
}
END_TEST

START_TEST(clients_think)
{
    begin("-k 10 -c 10 --think 1ms --mix get=1 -d 500ms");
    fill();
    /* Ten that wait for 1 ms, and for 40 us or somewhat more. */
    ck_assert_double_eq_tol((double)measure(0)->requests, 10 * 0.5 / 1.04e-3, 400);
    over();
}
END_TEST

START_TEST(sessions_end_and_begin)
{
    const struct tally *t;

    begin("-k 10 -c 4 --session-requests 10 --session-gap 5ms --mix get=1 -n 1000");
    fill();
    t = measure(0);
    ck_assert_uint_eq(t->requests, 1000);
    ck_assert_uint_ge(t->aside.sessions, 96);
    ck_assert_uint_le(t->aside.sessions, 100);
    ck_assert_uint_eq(t->lost_connections, 0);
    ck_assert_uint_eq(t->conn_down_ns, 0);
    ck_assert_uint_ge(sim_truth(0)->connections, t->aside.connect.count + 4);
    over();
}
END_TEST

/* With no others between its ten requests; the gap of 5 ms is none of it. */
START_TEST(a_session_lasts_as_long_as_its_requests)
{
    const struct aside *a;

    begin("-k 10 -c 1 --session-requests 10 --session-gap 5ms --mix get=1 -n 100");
    fill();
    a = &measure(0)->aside;
    ck_assert_uint_ge(a->sessions, 9);
    ck_assert_uint_eq(a->session.min, 10 * 40 * US);
    ck_assert_uint_eq(a->session.max, 10 * 40 * US);
    over();
}
END_TEST

static const struct {
    const char *name;
    int error;
    uint64_t ends_after;
} rings[] = {
    {"works", 0, 0},
    {"is not there", ENOSYS, 0},
    {"fails at the second call", 0, 1},
    {"fails at the third call", 0, 2},
    {"fails later", 0, 100},
    {"fails in the next one", 0, 101},
};

/* Many sends and receives in one call: with and without, all is sent once, and timed from when it was. */
START_TEST(a_ring_changes_no_figure)
{
    struct sim_server server = {.wire_ns = 10 * US,
                                .send_ns = 1 * US,
                                .ring_error = rings[_i].error,
                                .ring_ends_after = rings[_i].ends_after};
    struct net_addr addr;
    const struct tally *t;

    sim_options("-c 40 --pipeline 4 -n 20000 -r 1:1 --value-size 10-8000", &options);
    sim_begin(&server, 1);
    addr = sim_addr(0);
    driver = calloc(1, sizeof(*driver));
    ck_assert_ptr_nonnull(driver);
    ck_assert_int_eq(driver_open(driver, &options, &addr), DRIVER_OK);
    fill();
    t = measure(0);
    ck_assert_uint_eq(t->requests, 20000);
    ck_assert_uint_eq(t->hits, t->answered[QUERY_GET]);
    ck_assert_uint_eq(t->mismatches + t->garbled + t->lost_connections, 0);
    ck_assert_uint_eq(t->bytes_sent, sim_truth(0)->sent);
    ck_assert_uint_eq(t->bytes_received, sim_truth(0)->received);
    /* No answer comes before all of its batch is sent. */
    ck_assert_uint_ge(t->service[QUERY_GET].min, 20 * US);
    ck_assert_uint_le(t->service[QUERY_GET].max, 20 * US + 40 * 1 * US);
    ck_assert_msg(driver->exchange.on == (_i == 0), "the ring %s", rings[_i].name);
    over();
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("loads");

    value_init();
    tcase_add_test(tc, each_phase_has_its_mix_rate_and_time);
    tcase_add_test(tc, all_phases_together_have_the_mix_that_their_times_make);
    tcase_add_test(tc, etc_is_as_published);
    tcase_add_test(tc, a_cluster_is_as_published);
    tcase_add_test(tc, a_trace_is_replayed_at_its_times);
    tcase_add_test(tc, a_replay_does_not_wait_for_the_server);
    tcase_add_test(tc, with_a_rate_only_the_order_counts);
    tcase_add_test(tc, metas_columns_are_found_by_name);
    tcase_add_loop_test(tc, bad_traces_name_line_and_column, 0, (int)ARRAY_LEN(bad_traces));
    tcase_add_test(tc, a_herd_is_counted);
    tcase_add_test(tc, a_database_has_a_capacity);
    tcase_add_test(tc, in_an_open_loop_a_value_counts_from_when_it_was_due);
    tcase_add_test(tc, clients_think);
    tcase_add_test(tc, sessions_end_and_begin);
    tcase_add_test(tc, a_session_lasts_as_long_as_its_requests);
    tcase_add_loop_test(tc, a_ring_changes_no_figure, 0, (int)ARRAY_LEN(rings));
    return leak_run(tc, "loads");
}
