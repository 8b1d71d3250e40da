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
    ck_assert(!latency_is_noted(&server->latency));
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
    tcase_add_test(tc, latency_by_operation);
    tcase_add_test(tc, replies_that_are_kept_are_counted);
    tcase_add_test(tc, a_packed_time_is_near);
    tcase_add_test(tc, conns_say_what_they_do);
    tcase_add_test(tc, dispatches_are_loans);
    tcase_add_test(tc, closes_are_counted_by_reason);
    return leak_run(tc, "conn/stats");
}
