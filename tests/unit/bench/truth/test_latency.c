/* Reported latencies, rates and counts against servers that know the true ones; simulated time. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/value.h"
#include "leak.h"
#include "lombard/base/attr.h"
#include "run/driver.h"
#include "truth/sim_servers.h"

#define US 1000U
#define MS UINT64_C(1000000)

static const char *const protocols[] = {"text", "meta", "binary"};
static struct driver *driver;

/* Fill, then run what LINE asks for; the tally stays in `driver`. */
static void
run(const struct sim_server *server, const char *protocol, const char *line)
{
    static struct options o;
    struct net_addr addr;
    char words[512];

    (void)snprintf(words, sizeof(words), "--protocol %s %s", protocol, line);
    sim_options(words, &o);
    sim_begin(server, 1);
    addr = sim_addr(0);
    driver = calloc(1, sizeof(*driver));
    ck_assert_ptr_nonnull(driver);
    ck_assert_int_eq(driver_open(driver, &o, &addr), DRIVER_OK);
    ck_assert_int_eq(driver_fill(driver), DRIVER_OK);
    sim_forget();
}

static struct tally *
measured(void)
{
    const struct options *o = driver->options;
    enum driver_result result = driver_run(driver, o->duration_ns, o->requests);

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

static uint64_t
fixed(void *context, uint64_t nth, uint64_t now)
{
    (void)nth;
    (void)now;
    return *(const uint64_t *)context;
}

/* Nine of ten take 20 us, the tenth 5 ms. */
static uint64_t
bimodal(void *context, uint64_t nth, uint64_t now)
{
    (void)context;
    (void)now;
    return nth % 10 == 9 ? 5 * MS : 20 * US;
}

static uint64_t two_us = 2 * US;
static uint64_t twenty_us = 20 * US;

struct known {
    const char *what;
    struct sim_server server;
    const char *line;
};

/* In all of them the reported service time has to be the true one. */
static const struct known knowns[] = {
    {"fixed, one connection",
     {.service = fixed, .context = &twenty_us, .wire_ns = 10 * US},
     "-c 1 -n 20000"},
    {"fixed, 50 connections",
     {.service = fixed, .context = &twenty_us, .wire_ns = 10 * US},
     "-c 50 -n 20000"},
    {"fixed, pipeline 16",
     {.service = fixed, .context = &twenty_us, .wire_ns = 10 * US},
     "-c 4 --pipeline 16 -n 20000"},
    {"bimodal", {.service = bimodal, .wire_ns = 10 * US}, "-c 8 -n 20000"},
    {"bimodal, open loop",
     {.service = bimodal, .wire_ns = 10 * US},
     "-c 64 --rate 1000 -n 20000"},
    {"stalls of 100 ms each second",
     {.service = fixed,
      .context = &twenty_us,
      .stall_every_ns = 1000 * MS,
      .stall_ns = 100 * MS},
     "-c 8 -d 4s"},
    {"capacity of 50,000/s, asked for less",
     {.service = fixed, .context = &twenty_us},
     "-c 64 --pipeline 64 --rate 30000 -n 30000"},
};

static const double quantiles[] = {0.5, 0.9, 0.99, 0.999};

static void
check_quantile(const struct known *k, const char *protocol, const char *what, double q,
               double got, double want)
{
    double off = fabs(got - want);

    printf("%-38s %-7s %-9s p%-5g %12.1f %12.1f us %7.2f %%\n", k->what, protocol, what,
           100 * q, want / 1e3, got / 1e3, want > 0 ? 100 * (got / want - 1) : 0);
    ck_assert_msg(off <= 0.005 * want || off <= 1000, "%s, %s: %s p%g is %.1f us, true %.1f us",
                  k->what, protocol, what, 100 * q, got / 1e3, want / 1e3);
}

START_TEST(service_times_are_true)
{
    const struct known *k = &knowns[_i / 3];
    const char *protocol = protocols[_i % 3];
    const struct tally *t;
    const struct sim_truth *truth;
    struct hist all;

    run(&k->server, protocol, k->line);
    t = measured();
    truth = sim_truth(0);
    tally_service(t, &all);
    ck_assert_uint_eq(t->requests, truth->counts.requests);
    ck_assert_uint_eq(t->hits, truth->counts.hits);
    ck_assert_uint_eq(t->hits + t->misses, truth->counts.gets);
    ck_assert_uint_eq(t->bytes_sent, truth->sent);
    ck_assert_uint_eq(t->bytes_received, truth->received);
    ck_assert_uint_eq(all.count, truth->service.count);
    for (size_t i = 0; i < ARRAY_LEN(quantiles); i++)
        check_quantile(k, protocol, "service", quantiles[i],
                       (double)hist_quantile(&all, quantiles[i]),
                       (double)hist_quantile(&truth->service, quantiles[i]));
    ck_assert(!tally_is_wrong(t));
    over();
}
END_TEST

/*
 * Requests that come evenly meet a server that stands still for S in every P. One that is due
 * while it does is answered when it goes on:
 *
 *     P(response > x) = S/P * (1 - x/S)          quantile q: S * (1 - (1 - q) * P/S)
 */
START_TEST(a_stall_is_seen_by_those_that_were_due)
{
    struct known k = {"stall of 300 ms each second, due evenly",
                      {.stall_every_ns = 1000 * MS, .stall_ns = 300 * MS},
                      "-c 16 --pipeline 4096 --rate 5000 --arrivals constant -d 5s"};
    static const double qs[] = {0.75, 0.9, 0.95, 0.99, 0.999};
    const struct tally *t;

    run(&k.server, protocols[_i], k.line);
    t = measured();
    for (size_t i = 0; i < ARRAY_LEN(qs); i++)
        check_quantile(&k, protocols[_i], "response", qs[i],
                       (double)hist_quantile(&t->response, qs[i]),
                       300e6 * (1 - (1 - qs[i]) / 0.3));
    ck_assert_uint_eq(t->requests, 25000);
    over();
}
END_TEST

/* A server with one queue and random arrivals of load r waits, on average, S * r / (2 (1 - r)) in
 * its queue (M/D/1), and answers after S more. */
START_TEST(random_arrivals_wait_as_theory_says)
{
    struct sim_server server = {.service = fixed, .context = &twenty_us};
    char line[128];
    uint64_t rate = _i == 0 ? 25000 : 40000;
    double r = (double)rate * 20e-6;
    double want = 20 * (1 + r / (2 * (1 - r)));
    const struct tally *t;
    double got;

    (void)snprintf(line, sizeof(line), "-c 64 --pipeline 64 --rate %llu -n 400000 --seed 3",
                   (unsigned long long)rate);
    run(&server, "text", line);
    t = measured();
    got = hist_mean(&t->response) / 1e3;
    printf("M/D/1 at a load of %.2f: mean response %.2f us, theory %.2f us\n", r, got, want);
    ck_assert_msg(fabs(got / want - 1) < 0.01,
                  "load %.2f: mean response %.2f us instead of %.2f", r, got, want);
    over();
}
END_TEST

/* A client that is kept from running for 5 ms each 100 ms: that is its lag, and no service time. */
START_TEST(lateness_is_the_clients_own)
{
    struct sim_server server = {.service = fixed,
                                .context = &twenty_us,
                                .pause_every_ns = 100 * MS,
                                .pause_ns = 5 * MS};
    const struct tally *t;

    run(&server, protocols[_i], "-c 64 --pipeline 64 --rate 2000 --arrivals constant -d 4s");
    t = measured();
    /* One of 20 requests is due during a pause; the first of them waits for all of it. */
    ck_assert_uint_le(hist_quantile(&t->lag, 0.94), 1000);
    ck_assert_uint_ge(hist_quantile(&t->lag, 0.96), 500 * US);
    ck_assert_uint_ge(t->lag.max, 4400 * US);
    ck_assert_uint_le(t->lag.max, 5000 * US);
    over();
}
END_TEST

/* More than the server can do: the rest is named, and the responses grow as they must. */
START_TEST(an_overloaded_server)
{
    struct sim_server server = {.service = fixed, .context = &twenty_us};
    const struct tally *t;

    run(&server, protocols[_i], "-c 8 --pipeline 4 --rate 100000 --arrivals constant -d 2s");
    t = measured();
    /* Half of 200,000 are served in time, 50,000 in the second of grace behind it. */
    ck_assert_uint_eq(t->requests + t->unbegun, 200000);
    ck_assert_uint_ge(t->requests, 149900);
    ck_assert_uint_le(t->requests, 150100);
    ck_assert_uint_eq(t->response.count, 200000);
    /* Request i is answered at 20 i us and was due at 10 i; the last ones are given up after 1 s. */
    ck_assert_uint_ge(hist_quantile(&t->response, 0.5), 990 * MS);
    ck_assert_uint_le(hist_quantile(&t->response, 0.5), 1010 * MS);
    over();
}
END_TEST

/* A server that answers nothing after a second of two: what is in flight counts with its age. */
START_TEST(a_frozen_server)
{
    struct sim_server server = {
        .service = fixed, .context = &twenty_us, .freezes_at_ns = 3000 * MS};
    const struct tally *t;

    run(&server, protocols[_i], "-c 4 -d 10s --timeout 1s");
    ck_assert_int_eq(driver_run(driver, driver->options->duration_ns, 0), DRIVER_SERVER_GONE);
    t = &driver->load.tally;
    ck_assert_uint_ge(t->timed_out, 4);
    ck_assert_uint_eq(t->timed_out, t->lost_requests);
    ck_assert_uint_ge(t->response.max, 1000 * MS);
    ck_assert_uint_le(t->response.max, 1200 * MS);
    ck_assert_double_ge(tally_seconds(t), 4);
    over();
}
END_TEST

/* Connections that are closed: each is counted, and the requests of the others are no slower. */
START_TEST(drops_are_counted)
{
    struct sim_server server = {.service = fixed, .context = &twenty_us};
    const struct tally *t;
    struct hist all;

    server.drop_every = 0;
    run(&server, protocols[_i], "-c 4 -n 20000");
    over();
    server.drop_every = 2000;
    run(&server, protocols[_i], "-c 4 -n 20000");
    t = measured();
    tally_service(t, &all);
    ck_assert_uint_eq(t->lost_requests, t->lost_connections);
    ck_assert_uint_eq(t->requests + t->lost_requests, 20000);
    ck_assert_uint_eq(t->lost_connections, 10);
    ck_assert_uint_le(hist_quantile(&all, 0.999), 80 * US);
    over();
}
END_TEST

/* A server that stands still for 20 ms, while 400 requests come due for 50 connections: they leave as planned, unless
 * it was said that each connection may have one. */
START_TEST(an_open_loop_waits_for_no_connection)
{
    struct sim_server server = {
        .service = fixed, .context = &two_us, .stall_every_ns = 100 * MS, .stall_ns = 20 * MS};
    struct arrivals_verdict arrivals;
    const struct tally *t;

    run(&server, "text",
        _i == 0 ? "-c 50 --rate 20000 -d 2s" : "-c 50 --pipeline 1 --rate 20000 -d 2s");
    t = measured();
    arrivals = arrivals_judge(&driver->load.sent, driver->load.gap_ns, true, 0);
    ck_assert(arrivals.known);
    if (_i == 0) {
        ck_assert_uint_eq(t->crowded, 0);
        ck_assert_msg(arrivals.good, "Anderson-Darling %.1f", arrivals.anderson);
    } else {
        ck_assert_uint_gt(t->crowded, 1000);
        ck_assert(!arrivals.good);
    }
    ck_assert_uint_ge(t->response.max, 18 * MS);
    over();
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("latency");

    value_init();
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, service_times_are_true, 0, 3 * (int)ARRAY_LEN(knowns));
    tcase_add_loop_test(tc, a_stall_is_seen_by_those_that_were_due, 0, 3);
    tcase_add_loop_test(tc, random_arrivals_wait_as_theory_says, 0, 2);
    tcase_add_loop_test(tc, lateness_is_the_clients_own, 0, 3);
    tcase_add_loop_test(tc, an_overloaded_server, 0, 3);
    tcase_add_loop_test(tc, an_open_loop_waits_for_no_connection, 0, 2);
    tcase_add_loop_test(tc, a_frozen_server, 0, 3);
    tcase_add_loop_test(tc, drops_are_counted, 0, 3);
    return leak_run(tc, "latency");
}
