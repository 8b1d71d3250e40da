#include <stdio.h>
#include <string.h>

#include "rig.h"

/* The value of STAT NAME in what was heard; -1 when it is not there. */
static double
stat_of(const char *name)
{
    char want[80];
    const char *at;
    double value = -1;

    (void)snprintf(want, sizeof(want), "STAT %s ", name);
    at = strstr(out, want);
    if (at != NULL)
        ck_assert_int_eq(sscanf(at + strlen(want), "%lf", &value), 1);
    return value;
}

static void
ask_stats(int i, const char *group)
{
    char line[64];

    (void)snprintf(line, sizeof(line), "stats %s\r\n", group);
    say(i, line);
    (void)hear(i);
    ck_assert_str_eq(out + strlen(out) - 5, "END\r\n");
}

/* --- stats slow --- */

/* As if client I had waited so many milliseconds for KEY. */
static void
be_slow(int i, uint64_t ms, const char *key)
{
    const struct slow_request request = {
        .took_ns = ms * 1000000, .served_ns = 1000000, .bytes = 7, .requests = 3, .op = OP_GET};

    struct slice name = slice_make(key, strlen(key));

    if (request.took_ns > server->slow.limit_ns)
        slow_note(conn_at(i), &request, &name);
}

START_TEST(the_slowest_are_kept)
{
    char key[8];

    dial(0);
    iterate(1);
    slow_init(&server->slow, server->clock->now_ms);
    for (unsigned ms = 1; ms <= 3 * SLOW_KEPT; ms++) {
        (void)snprintf(key, sizeof(key), "k %u", ms * 1000);
        be_slow(0, UINT64_C(1000) * ms, key);
        be_slow(0, UINT64_C(1), "short");
    }
    ask_stats(0, "slow 40");
    ck_assert_ptr_nonnull(strstr(out, "STAT 1:op GET\r\nSTAT 1:key k%2096000\r\nSTAT 1:us "
                                      "96000000.0\r\nSTAT 1:served_us 1000.0\r\nSTAT 1:bytes "
                                      "7\r\nSTAT 1:requests 3\r\nSTAT 1:id 1\r\nSTAT 1:addr "
                                      "unix"));
    ck_assert_ptr_nonnull(strstr(out, "STAT 32:us 65000000.0\r\n"));
    ck_assert_ptr_null(strstr(out, "STAT 33:us"));
    ask_stats(0, "slow 1");
    ck_assert_ptr_null(strstr(out, "STAT 2:"));
    say(0, "stats reset\r\n");
    expect(0, "RESET\r\n");
    ask_stats(0, "slow");
    ck_assert_ptr_null(strstr(out, "k%20"));
}
END_TEST

/* What was slow is shown until its window and the next one are over. */
START_TEST(slow_ones_are_forgotten)
{
    struct slow *slow = &server->slow;
    uint64_t now_ms = server->clock->now_ms;

    dial(0);
    iterate(1);
    slow_init(slow, now_ms);
    be_slow(0, 90000, "old");
    slow_tick(slow, now_ms + SLOW_WINDOW_MS);
    be_slow(0, 80000, "new");
    ask_stats(0, "slow");
    ck_assert_ptr_nonnull(strstr(out, "1:key old"));
    ck_assert_ptr_nonnull(strstr(out, "2:key new"));
    slow_tick(slow, now_ms + 2 * SLOW_WINDOW_MS);
    ask_stats(0, "slow");
    ck_assert_ptr_nonnull(strstr(out, "1:key new"));
    ck_assert_ptr_null(strstr(out, "key old"));
    slow_tick(slow, now_ms + 4 * SLOW_WINDOW_MS);
    ask_stats(0, "slow");
    ck_assert_ptr_null(strstr(out, "key new"));
}
END_TEST

/* Those whose request is gone when they are answered are named as well. */
START_TEST(slow_requests_are_named)
{
    dial(0);
    iterate(1);
    slow_init(&server->slow, server->clock->now_ms);
    server->slow.limit_ns = 0;
    say(0, "get present\r\n");
    (void)hear(0);
    store_value(0, "uploaded", 100000);
    say(0, "version\r\n");
    (void)hear(0);
    ask_stats(0, "slow");
    ck_assert_ptr_nonnull(strstr(out, ":op GET\r\n"));
    ck_assert_ptr_nonnull(strstr(out, ":key present\r\n"));
    ck_assert_ptr_nonnull(strstr(out, ":op SET\r\n"));
    ck_assert_ptr_nonnull(strstr(out, ":key uploaded\r\n"));
    ck_assert_ptr_nonnull(strstr(out, ":op VERSION\r\n"));
    ck_assert_ptr_nonnull(strstr(out, ":key -\r\n"));
}
END_TEST

/* --- stats latency --- */

START_TEST(latency_by_operation)
{
    dial(0);
    say(0, "set a 0 0 1\r\nx\r\nget a\r\nget a b\r\ndelete a\r\nappend a 0 0 1\r\nx\r\ncas a 0 "
           "0 1 1\r\nx\r\nset q 0 0 1 noreply\r\nx\r\n");
    (void)hear(0);
    store_value(0, "large", 100000);
    ask_stats(0, "latency");
    ck_assert_int_eq((int)stat_of("get:10s:count"), 3);
    ck_assert_int_eq((int)stat_of("set:60s:count"), 3);
    ck_assert_int_eq((int)stat_of("append:ever:count"), 1);
    ck_assert_int_eq((int)stat_of("cas:ever:count"), 1);
    ck_assert_int_eq((int)stat_of("touch:ever:count"), -1);
    ck_assert(stat_of("get:10s:max_us") >= stat_of("get:10s:p50_us"));
    ck_assert(stat_of("get:10s:p50_us") > 0);
    ck_assert(stat_of("iteration:10s:max_us") >= stat_of("set:10s:max_us"));
    say(0, "stats reset\r\n");
    expect(0, "RESET\r\n");
    ask_stats(0, "latency");
    ck_assert_int_eq((int)stat_of("get:ever:count"), -1);
    ck_assert_uint_eq(latency_noted(&server->latency), 0);
}
END_TEST

/* Replies that were left in the buffer when a slice ended are counted, each once. */
START_TEST(replies_that_are_kept_are_counted)
{
    static char many[FIRST_REQUESTS * 3 * sizeof("get absent\r\n")];

    dial(0);
    iterate(1);
    many[0] = '\0';
    for (int i = 0; i < FIRST_REQUESTS * 3; i++)
        memcpy(many + (size_t)i * 12, "get absent\r\n", 13);
    say(0, many);
    for (int i = 0; i < 20; i++)
        iterate(1);
    (void)hear(0);
    ask_stats(0, "latency");
    ck_assert_int_eq((int)stat_of("get:ever:count"), FIRST_REQUESTS * 3);
}
END_TEST

START_TEST(a_packed_time_is_near)
{
    static const uint64_t ages_ns[] = {0, 1, 1023, 1024, 5000000, UINT64_C(3600) * 1000000000};
    const uint64_t now_ns = UINT64_C(0xfffffffff0);

    for (size_t i = 0; i < ARRAY_LEN(ages_ns); i++) {
        uint64_t then_ns = now_ns - ages_ns[i] % now_ns;
        uint64_t got_ns = latency_unpack(latency_pack(then_ns), now_ns);

        ck_assert(got_ns <= then_ns + 1024 && then_ns <= got_ns + 1024);
    }
}
END_TEST

/* --- stats conns --- */

START_TEST(conns_say_what_they_do)
{
    dial(0);
    dial(1);
    dial(2);
    iterate(2);
    store_value(0, "v", 100000);
    stall_on(1, "v");
    say(2, "set u 0 0 100000\r\nabc");
    ask_stats(0, "conns");
    ck_assert_ptr_nonnull(strstr(out, ":state running\r\n"));
    ck_assert_ptr_nonnull(strstr(out, ":state blocked_sending\r\n"));
    ck_assert_ptr_nonnull(strstr(out, ":state receiving_value\r\n"));
    ck_assert_ptr_nonnull(strstr(out, ":buffers_held 1\r\n"));
    say(2, "x");
    hang_up(2);
}
END_TEST

/* --- The counters add up --- */

START_TEST(dispatches_are_loans)
{
    dial(0);
    for (int i = 0; i < 10; i++) {
        say(0, "get a\r\n");
        expect(0, "END\r\n");
    }
    ask_stats(0, "");
    ck_assert_int_eq((int)(stat_of("wbufs_existing") + stat_of("wbufs_loaned") +
                           stat_of("wbufs_allocated") + stat_of("wbufs_waiting") +
                           stat_of("wbufs_failed")),
                     (int)stat_of("conn_dispatches"));
    ck_assert_int_eq((int)(stat_of("rbufs_existing") + stat_of("rbufs_loaned") +
                           stat_of("rbufs_allocated") + stat_of("rbufs_waiting") +
                           stat_of("rbufs_failed")),
                     (int)stat_of("conn_dispatches"));
    ask_stats(0, "buffers");
    ck_assert_int_eq((int)stat_of("buffers_made"),
                     (int)(stat_of("buffers_free") + stat_of("buffers_lent")));
    ck_assert_int_eq((int)stat_of("buffers_lent"),
                     (int)(stat_of("buffers_lent_input") + stat_of("buffers_lent_output")));
}
END_TEST

START_TEST(closes_are_counted_by_reason)
{
    for (int i = 0; i < 2; i++) {
        dial(i);
        say(i, "quit\r\n");
    }
    dial(2);
    iterate_until_closed(CLOSE_QUIT, 2);
    ask_stats(2, "");
    ck_assert_int_eq((int)stat_of("conn_closed_quit"), 2);
    ck_assert_int_eq((int)stat_of("conn_closed_eof"), 0);
    ck_assert_int_eq((int)stat_of("conn_closed_internal"), 0);
    say(2, "stats reset\r\n");
    expect(2, "RESET\r\n");
    ask_stats(2, "");
    ck_assert_int_eq((int)stat_of("conn_closed_quit"), 0);
    ck_assert_int_eq((int)stat_of("curr_connections"), 1);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("stats");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_test(tc, the_slowest_are_kept);
    tcase_add_test(tc, slow_ones_are_forgotten);
    tcase_add_test(tc, slow_requests_are_named);
    tcase_add_test(tc, latency_by_operation);
    tcase_add_test(tc, replies_that_are_kept_are_counted);
    tcase_add_test(tc, a_packed_time_is_near);
    tcase_add_test(tc, conns_say_what_they_do);
    tcase_add_test(tc, dispatches_are_loans);
    tcase_add_test(tc, closes_are_counted_by_reason);
    return leak_run(tc, "conn/stats");
}
