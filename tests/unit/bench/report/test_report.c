/* What is reported of runs that went well, badly, or not at all. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "report/verdict.h"

static struct options options;
static struct bench *b;

static void
setup(void)
{
    static const struct net_addr addrs[2] = {{.len = 1, .text = "first"},
                                             {.len = 1, .text = "second"}};
    char program[] = "lombard-bench";
    char compare[] = "--compare=second";
    char *argv[] = {program, compare, NULL};

    ck_assert_int_eq(options_parse(2, argv, &options), OPTIONS_OK);
    options.connections = 1;
    b = bench_create(&options, addrs, 2);
    ck_assert_ptr_nonnull(b);
}

static void
teardown(void)
{
    bench_destroy(b);
}

/* The report as text, to be freed. */
static char *
render(void (*report)(FILE *, const struct bench *))
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);

    ck_assert_ptr_nonnull(f);
    report(f, b);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

static void
add_round(unsigned target, double per_s, bool sound)
{
    struct target *t = &b->targets[target];

    t->rounds[t->rounds_done++] = (struct round){.sound = sound,
                                                 .per_s = per_s,
                                                 .server_us = NAN,
                                                 .client_us = per_s > 0 ? 1 : NAN,
                                                 .mean_us = INFINITY,
                                                 .hit_percent = NAN};
}

/* Whatever was not measured: JSON has no word for not-a-number. */
START_TEST(json_has_no_nan)
{
    static const char *const bad[] = {"nan", "inf", "NAN", "INF"};
    char *text;

    for (int rounds = 0; rounds < 2; rounds++) {
        b->targets[0].pid = b->targets[1].pid = 1;
        text = render(report_json);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
            ck_assert_msg(strstr(text, bad[i]) == NULL, "%s in %s", bad[i], text);
        free(text);
        add_round(0, 0, false);
        add_round(1, NAN, false);
    }
    ck_assert(isnan(tally_rate(&b->targets[0].total)));
    ck_assert(isnan(tally_client_us(&b->targets[0].total)));
}
END_TEST

/* A round in which the server was away says nothing of how fast it is. */
START_TEST(dead_rounds_do_not_count)
{
    struct spread s;

    add_round(0, 100, true);
    add_round(0, 0, false);
    add_round(0, 300, true);
    add_round(0, 200, true);
    s = figure_spread(&b->targets[0], &figures[0]);
    ck_assert_double_eq(s.min, 100);
    ck_assert_double_eq(s.median, 200);
    ck_assert_double_eq(s.max, 300);
    for (int i = 0; i < 4; i++)
        add_round(1, 100, true);
    /* The first pair has a dead one. */
    s = figure_ratio(b, 1, &figures[0]);
    ck_assert_double_eq_tol(s.min, sqrt(6), 1e-9);
    ck_assert_double_eq_tol(s.max, sqrt(6), 1e-9);
    b->targets[0].rounds[2].sound = false;
    ck_assert(isnan(figure_ratio(b, 1, &figures[0]).median));
}
END_TEST

/* A machine that gets slower all the time: in AB, BA no server has the better place. */
START_TEST(drift_favours_none)
{
    double speed = 1000;
    struct spread s;

    for (int round = 0; round < 6; round++) {
        for (unsigned i = 0; i < 2; i++) {
            add_round(round % 2 == 0 ? i : 1 - i, speed, true);
            speed *= 0.9;
        }
    }
    s = figure_ratio(b, 1, &figures[0]);
    ck_assert_double_eq_tol(s.min, 1, 1e-9);
    ck_assert_double_eq_tol(s.max, 1, 1e-9);
}
END_TEST

START_TEST(quantiles_need_values)
{
    struct hist h;

    hist_reset(&h);
    for (unsigned i = 0; i < report_quantile_count; i++)
        ck_assert(isnan(report_quantile_us(&h, i)));
    for (int i = 0; i < 9999; i++)
        hist_add(&h, 1000);
    ck_assert_double_eq_tol(report_quantile_us(&h, 3), 1, 0.01); /* p99.9 */
    ck_assert(isnan(report_quantile_us(&h, 5)));                 /* p99.999 */
    for (int i = 0; i < 90001; i++)
        hist_add(&h, 1000);
    ck_assert_double_eq_tol(report_quantile_us(&h, 5), 1, 0.01);
}
END_TEST

/* What may have happened to the first server, and the status. */
static void
good(struct target *t)
{
    (void)t;
}

static void
wrong_values(struct target *t)
{
    t->total.mismatches = 1;
    t->total.lost_connections = 1;
}

static void
wrong_before(struct target *t)
{
    t->wrong = true;
}

static void
few_errors(struct target *t)
{
    t->total.errors = t->total.refused[QUERY_GET] = 10;
}

static void
many_errors(struct target *t)
{
    t->total.errors = t->total.refused[QUERY_GET] = 11;
}

static void
strict_errors(struct target *t)
{
    few_errors(t);
    t->options.strict = true;
}

static void
no_set_at_all(struct target *t)
{
    t->total.answered[QUERY_SET] = t->total.refused[QUERY_SET] = t->total.errors = 1;
}

static void
one_lost(struct target *t)
{
    t->total.lost_connections = 1;
}

static void
one_unanswered(struct target *t)
{
    t->total.lost_requests = 1;
}

static void
one_unsent(struct target *t)
{
    t->total.unsent = 1;
}

static void
nothing_answered(struct target *t)
{
    tally_reset(&t->total);
}

static void
gone(struct target *t)
{
    t->result = DRIVER_SERVER_GONE;
}

static void
stalled(struct target *t)
{
    t->result = DRIVER_STALLED;
}

static void
never_there(struct target *t)
{
    t->result = DRIVER_CANNOT_CONNECT;
    t->rounds_done = 0;
    tally_reset(&t->total);
}

static void
missing_keys(struct target *t)
{
    t->fill_missing = 1;
}

static void
losses_while_filling(struct target *t)
{
    t->fill.lost_connections = 1;
}

static void
strict_fill(struct target *t)
{
    losses_while_filling(t);
    t->options.strict = true;
}

static const struct {
    void (*happen)(struct target *t);
    int status;
    const char *reason; /* part of the first one; NULL: none */
} happenings[] = {
    {good, STATUS_VALID, NULL},
    {wrong_values, STATUS_WRONG, "1 wrong values"},
    {wrong_before, STATUS_WRONG, "before the measurement or in the background"},
    {few_errors, STATUS_VALID, NULL},
    {many_errors, STATUS_NOT_VALID, "11 of 1000 answers were errors"},
    {strict_errors, STATUS_NOT_VALID, "--strict"},
    {no_set_at_all, STATUS_NOT_VALID, "every set was answered with an error"},
    {one_lost, STATUS_NOT_VALID, "1 connections were lost"},
    {one_unanswered, STATUS_NOT_VALID, "1 requests were never answered"},
    {one_unsent, STATUS_NOT_VALID, "1 requests found no connection"},
    {nothing_answered, STATUS_NOT_VALID, "no request was answered"},
    {gone, STATUS_NOT_VALID, "the server is gone"},
    {stalled, STATUS_NOT_VALID, "stopped answering"},
    {never_there, STATUS_NOT_RUN, "cannot connect"},
    {missing_keys, STATUS_NOT_VALID, "1 keys could not be stored"},
    {losses_while_filling, STATUS_VALID, NULL},
    {strict_fill, STATUS_NOT_VALID, "while filling"},
};

START_TEST(verdicts)
{
    struct verdict v;

    for (unsigned i = 0; i < 2; i++) {
        struct target *t = &b->targets[i];

        add_round(i, 100, true);
        t->total.requests = 1000;
        t->total.answered[QUERY_GET] = 1000;
    }
    happenings[_i].happen(&b->targets[0]);
    verdict_reach(b, &v);
    ck_assert_int_eq(v.status, happenings[_i].status);
    if (happenings[_i].reason == NULL) {
        ck_assert_uint_eq(v.count, 0);
    } else {
        ck_assert_uint_gt(v.count, 0);
        ck_assert_msg(strstr(v.reasons[0], happenings[_i].reason) != NULL, "%s", v.reasons[0]);
        ck_assert_msg(strncmp(v.reasons[0], "first: ", 7) == 0, "%s", v.reasons[0]);
    }
}
END_TEST

/* A server that wants a login, and is told none, or a wrong one. */
START_TEST(login_is_hinted_at)
{
    struct target *t = &b->targets[0];
    struct verdict v;

    add_round(0, 100, true);
    t->total.requests = 1000;
    t->total.answered[QUERY_GET] = 1000;
    tally_note_error(&t->total, "SERVER_ERROR out of memory", 26);
    verdict_reach(b, &v);
    ck_assert_uint_eq(v.warning_count, 0);
    tally_note_error(&t->total, "CLIENT_ERROR unauthenticated", 28);
    verdict_reach(b, &v);
    ck_assert_uint_eq(v.warning_count, 1);
    ck_assert_msg(strstr(v.warnings[0], "unauthenticated") != NULL, "%s", v.warnings[0]);
    ck_assert_msg(strstr(v.warnings[0], "--auth") != NULL, "%s", v.warnings[0]);
    t->options.login.bytes = 1;
    verdict_reach(b, &v);
    ck_assert_uint_eq(v.warning_count, 0);
}
END_TEST

static const struct {
    uint64_t hits, misses;
    bool fill;
    bool deletes;
    uint32_t ttl_s;
    uint64_t fill_missing;
    bool warned;
} reads[] = {
    {0, 1000, true, false, 0, 0, true},  {980, 20, true, false, 0, 0, true},
    {990, 10, true, false, 0, 0, false}, {0, 1000, false, false, 0, 0, false},
    {0, 1000, true, true, 0, 0, false},  {0, 1000, true, false, 10, 0, false},
    {0, 1000, true, false, 0, 1, false}, {0, 0, true, false, 0, 0, false},
};

/* Keys that were stored by --fill and are missing all the same are told of; the run is valid. */
START_TEST(misses_after_a_fill)
{
    struct target *t = &b->targets[0];
    struct verdict v;
    char *text;

    add_round(0, 100, true);
    add_round(1, 100, true);
    t->total.requests = b->targets[1].total.requests = 1000;
    t->total.hits = reads[_i].hits;
    t->total.misses = reads[_i].misses;
    t->options.fill = reads[_i].fill;
    t->options.weights[QUERY_DELETE] = reads[_i].deletes ? 1 : 0;
    t->options.ttl.max = reads[_i].ttl_s;
    t->fill_missing = reads[_i].fill_missing;
    verdict_reach(b, &v);
    ck_assert_int_eq(v.status, reads[_i].fill_missing > 0 ? STATUS_NOT_VALID : STATUS_VALID);
    ck_assert_uint_eq(v.warning_count, reads[_i].warned);
    text = render(report_json);
    ck_assert_msg((strstr(text, "\"warnings\": [\"first: ") != NULL) == reads[_i].warned, "%s",
                  text);
    free(text);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("report");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, json_has_no_nan);
    tcase_add_test(tc, dead_rounds_do_not_count);
    tcase_add_test(tc, drift_favours_none);
    tcase_add_test(tc, quantiles_need_values);
    tcase_add_loop_test(tc, verdicts, 0, (int)ARRAY_LEN(happenings));
    tcase_add_test(tc, login_is_hinted_at);
    tcase_add_loop_test(tc, misses_after_a_fill, 0, (int)ARRAY_LEN(reads));
    return leak_run(tc, "report");
}
