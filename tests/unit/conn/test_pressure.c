#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "rig.h"

/*
 * One policy for each limit: those who make progress are served, and the
 * longest-stalled gives way.
 */

enum {
    BUFFERS = SERVER_BUFFER_BYTES_MIN / BUF_TOTAL_BYTES,
    STALLERS = BUFFERS * 3 / 4,
};

/* As if everything that stalls or sleeps had done so for MS more. */
static void
age_all(uint32_t ms)
{
    uint64_t cursor = 0;
    struct conn *c;

    while ((c = table_next(&server->table, &cursor)) != NULL) {
        c->stalled_ms -= ms;
        c->active_s -= ms / 1000;
        c->accepted_s -= ms / 1000;
    }
}

/* As if everything had stalled just now, in the same order, however slow this machine is. */
static void
renew_all(void)
{
    uint64_t cursor = 0;
    struct conn *c;

    while ((c = table_next(&server->table, &cursor)) != NULL)
        c->stalled_ms = server_now_ms(server);
}

static uint64_t
waiters(void)
{
    struct pool_ledger ledger;

    pool_ledger(server->pool, &ledger);
    return ledger.waiters;
}

/* Send what the server takes of it, as long as the connection lives. */
static void
push(int i, const char *bytes, size_t len)
{
    for (int quiet = 0; len > 0 && quiet < 5;) {
        ssize_t n = send(clients[i], bytes, len, MSG_NOSIGNAL);

        iterate(1);
        quiet = n > 0 ? 0 : quiet + 1;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
        if (n < 0 && errno != EAGAIN)
            return;
    }
}

/* --- Buffers --- */

/* Stalled readers hold all buffers that input may get, but COUNT. */
static void
stall_all_but(int count)
{
    dial(0);
    store_value(0, "v", 300000);
    for (int i = 1; i <= STALLERS - count; i++) {
        dial(i);
        stall_on(i, "v");
    }
    ck_assert_uint_eq(lent(), (uint64_t)(STALLERS - count));
    ck_assert_uint_eq(waiters(), 0);
    iterate(1);
    renew_all();
}

/* One buffer is left: enough for one after the other, each with its output from the reserve. */
START_TEST(the_last_buffer_serves_everybody)
{
    stall_all_but(1);
    for (int i = 1; i <= 3; i++) {
        dial(STALLERS + i);
        whisper(STALLERS + i, "version\r\n");
    }
    whisper(0, "version\r\n");
    iterate(10);
    for (int i = 0; i <= STALLERS + 3; i += i == 0 ? STALLERS + 1 : 1) {
        (void)hear(i);
        ck_assert_int_eq(strncmp(out, "VERSION ", 8), 0);
    }
    ck_assert_uint_eq(lent(), STALLERS - 1);
    ck_assert_uint_eq(waiters(), 0);
    ck_assert(list_is_empty(&server->ready));
}
END_TEST

START_TEST(the_longest_stalled_gives_its_buffer)
{
    stall_all_but(0);
    whisper(0, "version\r\n");
    iterate(1);
    ck_assert_uint_eq(waiters(), 1);
    iterate_until_closed(CLOSE_SHED_BUFFERS, 1);
    /* The tick has granted a buffer: it is used now, not when the next event comes. */
    ck_assert_uint_eq(waiters(), 0);
    ck_assert_int_eq(loop_wait_ms(server->loop), 0);
    (void)hear(0);
    ck_assert_int_eq(strncmp(out, "VERSION ", 8), 0);
    ck_assert_uint_eq(waiters(), 0);
    (void)hear(1);
    ck_assert(is_closed(1)); /* it stalled first */
    ck_assert_uint_eq(server->table.conns, STALLERS);
}
END_TEST

/* Whatever memory of the store it keeps besides. */
START_TEST(the_longest_stalled_gives_its_buffer_whatever_it_holds)
{
    dial(0);
    store_value(0, "v", 300000);
    store_value(0, "w", 100000);
    for (int i = 1; i <= STALLERS; i++) {
        dial(i);
        stall_on(i, i == 1 ? "w" : "v");
    }
    renew_all();
    conn_at(1)->stalled_ms -= 5000;
    whisper(0, "version\r\n");
    iterate_until_closed(CLOSE_SHED_BUFFERS, 1);
    (void)hear(1);
    ck_assert(is_closed(1));
}
END_TEST

/* One that reads a little counts as newly stalled, and keeps its buffer. */
START_TEST(progress_saves_a_stalled_one)
{
    stall_all_but(0);
    age_all(50);
    (void)recv(clients[1], out, 250000, 0);
    iterate(3);
    whisper(0, "version\r\n");
    iterate(1);
    iterate_until_closed(CLOSE_SHED_BUFFERS, 1);
    (void)hear(2);
    ck_assert(is_closed(2));
    ck_assert_uint_gt(hear(1), 0);
    ck_assert(!is_closed(1));
}
END_TEST

/* It wants a buffer for the input that it had to leave, and what it holds is the last. */
START_TEST(a_stalled_one_that_reads_on_gets_all)
{
    const size_t want = (size_t)30 * (18 + 300000 + 7);
    size_t got = 0;

    stall_all_but(0);
    for (int quiet = 0; got < want && quiet < 100;) {
        ssize_t n = recv(clients[1], out, sizeof(out), 0);

        renew_all();
        iterate(1);
        quiet = n > 0 ? 0 : quiet + 1;
        got += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_eq(got, want);
    ck_assert_uint_eq(server->closes[CLOSE_SHED_BUFFERS], 0);
}
END_TEST

/* With those that stalled long ago, no tick has to be waited for. */
START_TEST(a_long_stalled_one_gives_at_once)
{
    stall_all_but(0);
    timer_cancel(&server->tick);
    age_all(SHED_AFTER_MS);
    whisper(0, "version\r\n");
    iterate(1);
    ck_assert_uint_eq(waiters(), 0);
    ck_assert_uint_eq(server->closes[CLOSE_SHED_BUFFERS], 1);
    ck_assert_int_eq(loop_wait_ms(server->loop), 0);
    (void)hear(0);
    ck_assert_int_eq(strncmp(out, "VERSION ", 8), 0);
    ck_assert_uint_eq(server->closes[CLOSE_SHED_BUFFERS], 1); /* and no other */
}
END_TEST

/* Those that stalled just now do not: who waits is thought of again soon, without an event. */
START_TEST(who_waits_is_thought_of_again)
{
    stall_all_but(0);
    timer_cancel(&server->tick);
    whisper(0, "version\r\n");
    iterate(1);
    ck_assert_uint_eq(waiters(), 1);
    ck_assert_int_ge(loop_wait_ms(server->loop), 0);
    ck_assert_int_le(loop_wait_ms(server->loop), RELIEF_MS);
    iterate_until_closed(CLOSE_SHED_BUFFERS, 1);
}
END_TEST

START_TEST(who_hangs_up_gives_to_who_waits)
{
    stall_all_but(0);
    whisper(0, "version\r\n");
    iterate(1);
    ck_assert_uint_eq(waiters(), 1);
    hang_up(STALLERS);
    iterate(3);
    ck_assert_uint_eq(waiters(), 0);
    (void)hear(0);
    ck_assert_int_eq(strncmp(out, "VERSION ", 8), 0);
    ck_assert_uint_eq(server->closes[CLOSE_SHED_BUFFERS], 0);
}
END_TEST

START_TEST(who_waits_may_go_away)
{
    stall_all_but(0);
    whisper(0, "version\r\n");
    iterate(1);
    ck_assert_uint_eq(waiters(), 1);
    rig_kill();
}
END_TEST

/* --- Pinned memory --- */

static void
start_small(void)
{
    rig_options.limit_bytes = 8U << 20;
    rig_start();
}

START_TEST(slow_readers_do_not_hinder_storing)
{
    char key[16];

    dial(0);
    for (int i = 1; i <= 20; i++) {
        (void)snprintf(key, sizeof(key), "pin%d", i);
        dial(i);
        store_value(0, key, 400000);
        stall_on(i, key);
    }
    age_all(SHED_AFTER_MS);
    for (int i = 0; i < 60; i++) {
        (void)snprintf(key, sizeof(key), "key%d", i);
        store_value(0, key, 300000);
    }
    ck_assert_uint_gt(server->closes[CLOSE_SHED_PINS], 0);
}
END_TEST

START_TEST(slow_writers_do_not_hinder_storing)
{
    static char value[1 << 20];
    char line[64];

    fill(value, sizeof(value), 1);
    dial(0);
    for (int i = 1; i <= 20; i++) {
        dial(i);
        (void)snprintf(line, sizeof(line), "set up%d 0 0 %zu\r\n", i, sizeof(value));
        push(i, line, strlen(line));
        push(i, value, 900000);
        age_all(SHED_AFTER_MS);
    }
    age_all(SHED_AFTER_MS);
    for (int i = 0; i < 60; i++) {
        (void)snprintf(line, sizeof(line), "key%d", i);
        store_value(0, line, i % 2 == 0 ? 300000 : 1000);
    }
    ck_assert_uint_gt(server->closes[CLOSE_SHED_PINS], 0);
}
END_TEST

/* Those that pin more than half of it give way even if nobody stores. */
START_TEST(pins_have_a_limit)
{
    char key[16];

    dial(0);
    for (int i = 1; i <= 14; i++) {
        (void)snprintf(key, sizeof(key), "pin%d", i);
        dial(i);
        store_value(0, key, 400000);
        stall_on(i, key);
    }
    ck_assert_uint_gt(lent(), 0);
    for (int waited = 0; waited < 30; waited++) /* some of them may be too young at first */
        ck_assert(loop_iterate(server_loop(server), 10));
    ck_assert_uint_eq(cmd_excess_bytes(server->cmd), 0);
    ck_assert_uint_gt(server->closes[CLOSE_SHED_PINS], 0);
}
END_TEST

static void
start_small_without_eviction(void)
{
    rig_options.refuse_when_full = true;
    start_small();
}

/* --- Who is closed, and who is not --- */

static void
send_set(int i, const char *key, size_t bytes)
{
    static char value[1 << 20];
    char head[64];

    fill(value, bytes, (unsigned)i);
    (void)snprintf(head, sizeof(head), "set %s 0 0 %zu\r\n", key, bytes);
    say(i, head);
    say_bytes(i, value, bytes);
    say(i, "\r\n");
    (void)hear(i);
}

static void
fill_up(void)
{
    char key[16];
    int refused = 0;

    for (int i = 0; refused < 3; i++) {
        ck_assert_int_lt(i, 50000);
        (void)snprintf(key, sizeof(key), "f%d", i);
        send_set(0, key, i % 2 == 0 ? 3000 : 100);
        refused += out[0] == 'S' && out[1] == 'E';
    }
}

/* The set is refused: closing them would not help it. */
START_TEST(a_refusal_closes_nobody_without_need)
{
    char head[64];

    dial(0);
    store_value(0, "big", 200000);
    for (int i = 1; i <= 20; i++) {
        dial(i);
        (void)snprintf(head, sizeof(head), "set u%d 0 0 20000\r\nhalf", i);
        say(i, head);
    }
    for (int i = 21; i <= 24; i++) {
        dial(i);
        stall_on(i, "big");
    }
    age_all(SHED_AFTER_MS);
    fill_up();
    age_all(10 * SHED_AFTER_MS);
    send_set(0, "more", 200000);
    ck_assert_str_eq(out, "SERVER_ERROR out of memory storing object\r\n");
    iterate(3);
    ck_assert_uint_eq(server->closes[CLOSE_SHED_PINS], 0);
    ck_assert_uint_eq(server->table.conns, 25);
}
END_TEST

/* One keeps dead bytes that the set needs: it is closed, once it has stalled for long enough. */
START_TEST(only_the_one_that_keeps_what_is_missing)
{
    dial(0);
    store_value(0, "big", 400000);
    store_value(0, "live", 200000);
    for (int i = 1; i <= 3; i++) {
        dial(i);
        stall_on(i, i == 2 ? "big" : "live");
    }
    fill_up();
    say(0, "delete big\r\n");
    expect(0, "DELETED\r\n");
    if (_i == 1)
        age_all(SHED_AFTER_MS);
    else
        for (int i = 0; i < 3; i++)
            conn_at(i + 1)->stalled_ms = server_now_ms(server);
    send_set(0, "more", 100000);
    if (_i == 0 && server_now_ms(server) - conn_at(1)->stalled_ms < SHED_AFTER_MS)
        ck_assert_uint_eq(server->closes[CLOSE_SHED_PINS], 0);
    if (_i == 1) {
        ck_assert_str_eq(out, "STORED\r\n");
        ck_assert_uint_eq(server->closes[CLOSE_SHED_PINS], 1);
        (void)hear(2);
        ck_assert(is_closed(2));
    }
}
END_TEST

/* It keeps what is missing, but it has stalled only just now: the set is refused. */
START_TEST(a_just_stalled_one_is_not_closed)
{
    static char set[16400];
    int head = snprintf(set, sizeof(set), "set more 0 0 16000\r\n");

    memset(set + head, 'x', 16000);
    memcpy(set + head + 16000, "\r\n", sizeof("\r\n"));
    dial(0);
    store_value(0, "big", 400000);
    dial(1);
    stall_on(1, "big");
    fill_up();
    say(0, "delete big\r\n");
    expect(0, "DELETED\r\n");
    whisper(0, set);
    for (int i = 0; i < 10; i++) {
        uint64_t before = server->attended_ms;

        renew_all();
        conn_at(1)->stalled_ms -= 1; /* more than nothing */
        iterate(1);
        if (server->attended_ms - before >= SHED_AFTER_MS / 2)
            return; /* so slow a machine proves nothing */
    }
    expect(0, "SERVER_ERROR out of memory storing object\r\n");
    ck_assert_uint_eq(server->closes[CLOSE_SHED_PINS], 0);
}
END_TEST

/* Who holds more for longer, but nothing that is missing, is looked at first and stays. */
START_TEST(only_as_many_as_are_needed)
{
    dial(0);
    store_value(0, "live", 900000);
    store_value(0, "big", 400000);
    dial(1);
    dial(2);
    stall_on(1, "live");
    stall_on(2, "big");
    fill_up();
    say(0, "delete big\r\n");
    expect(0, "DELETED\r\n");
    renew_all();
    conn_at(1)->stalled_ms -= 50000;
    conn_at(2)->stalled_ms -= 5000;
    send_set(0, "more", 100000);
    ck_assert_str_eq(out, "STORED\r\n");
    ck_assert_uint_eq(server->closes[CLOSE_SHED_PINS], 1);
    (void)hear(2);
    ck_assert(is_closed(2));
}
END_TEST

/* Either would do: half the time with three times as much is the heavier one. */
START_TEST(what_is_held_counts_as_time_does)
{
    dial(0);
    store_value(0, "a", 600000);
    store_value(0, "b", 600000);
    store_value(0, "c", 400000);
    dial(1);
    dial(2);
    stall_on(1, "a b");
    stall_on(2, "c");
    fill_up();
    say(0, "delete a\r\ndelete b\r\ndelete c\r\n");
    expect(0, "DELETED\r\nDELETED\r\nDELETED\r\n");
    renew_all();
    conn_at(1)->stalled_ms -= 20000;
    conn_at(2)->stalled_ms -= 40000;
    send_set(0, "more", 100000);
    ck_assert_str_eq(out, "STORED\r\n");
    ck_assert_uint_eq(server->closes[CLOSE_SHED_PINS], 1);
    (void)hear(1);
    ck_assert(is_closed(1));
}
END_TEST

/* Those that hold the same memory are closed together, or not at all. */
START_TEST(two_that_hold_the_same)
{
    dial(0);
    store_value(0, "big", 400000);
    dial(1);
    dial(2);
    stall_on(1, "big");
    stall_on(2, "big");
    fill_up();
    say(0, "delete big\r\n");
    expect(0, "DELETED\r\n");
    age_all(SHED_AFTER_MS);
    send_set(0, "more", 100000);
    ck_assert_str_eq(out, "STORED\r\n");
    ck_assert_uint_eq(server->closes[CLOSE_SHED_PINS], 2);
}
END_TEST

/* Many small readers that stalled first stay; the one that pins most goes. */
START_TEST(who_holds_most_for_longest_is_closed_first)
{
    char key[16];

    dial(0);
    store_value(0, "small", 20000);
    for (int i = 1; i <= 5; i++) {
        dial(i);
        stall_on(i, "small");
    }
    age_all(20);
    dial(6);
    store_value(0, "huge", 1000000);
    stall_on(6, "huge");
    age_all(SHED_AFTER_MS);
    for (int i = 7; i <= 13; i++) {
        (void)snprintf(key, sizeof(key), "g%d", i);
        dial(i);
        store_value(0, key, 700000);
        stall_on(i, key);
    }
    age_all(SHED_AFTER_MS);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        store_value(0, key, 200000);
    }
    /* For a tick; an iteration takes no time where there is background work. */
    for (int waited = 0; waited < 100000 && server->closes[CLOSE_SHED_PINS] == 0; waited++)
        ck_assert(loop_iterate(server_loop(server), 10));
    ck_assert_uint_gt(server->closes[CLOSE_SHED_PINS], 0);
    for (int i = 1; i <= 5; i++) {
        (void)hear(i);
        ck_assert(!is_closed(i));
    }
}
END_TEST

static const char out_of_memory[] = "SERVER_ERROR out of memory storing object\r\n";

/* Full with -M: a store is refused, in step, and nobody is closed for it. */
START_TEST(full_is_no_reason_to_close)
{
    static char value[1 << 20];
    char line[64];
    int i;

    fill(value, sizeof(value), 1);
    dial(0);
    for (i = 0; i < 200; i++) {
        (void)snprintf(line, sizeof(line), "set key%d 0 0 100000\r\n", i);
        say(0, line);
        say_bytes(0, value, 100000);
        say(0, "\r\n");
        (void)hear(0);
        if (strcmp(out, out_of_memory) == 0)
            break;
        ck_assert_str_eq(out, "STORED\r\n");
    }
    ck_assert_int_lt(i, 200);
    say(0, "set more 0 0 1000000\r\n");
    say_bytes(0, value, 1000000);
    say(0, "\r\nget more\r\n");
    (void)hear(0);
    ck_assert_int_eq(strncmp(out, out_of_memory, sizeof(out_of_memory) - 1), 0);
    ck_assert_str_eq(out + sizeof(out_of_memory) - 1, "END\r\n");
    for (i = 0; i < 5000 && strcmp(out, out_of_memory) != 0; i++) {
        (void)snprintf(line, sizeof(line), "set small%d 0 0 1500\r\n", i);
        whisper(0, line);
        say_bytes(0, value, 1500);
        say(0, "\r\n");
        (void)hear(0);
    }
    ck_assert_str_eq(out, out_of_memory);
    ck_assert_uint_eq(server->table.conns, 1);
}
END_TEST

/* --- Time --- */

START_TEST(who_does_not_read_is_closed)
{
    server->config.send_timeout_s = 10;
    dial(0);
    dial(1);
    dial(2);
    store_value(0, "v", 300000);
    stall_on(1, "v");
    say(2, "set u 0 0 100000\r\nabc"); /* stalled, but not for sending */
    age_all(9000);
    for (int waited = 0; waited < 15; waited++)
        ck_assert(loop_iterate(server_loop(server), 10));
    age_all(2000);
    iterate_until_closed(CLOSE_STALLED, 1);
    ck_assert_uint_eq(server->table.conns, 2);
    say(0, "get a\r\n");
    expect(0, "END\r\n");
}
END_TEST

START_TEST(who_says_nothing_is_closed)
{
    server->config.idle_timeout_s = 10;
    for (int i = 0; i < CLIENTS; i++)
        dial(i);
    iterate(20); /* some are accepted in each */
    ck_assert_uint_eq(server->table.conns, CLIENTS);
    age_all(5000);
    for (int waited = 0; waited < 30; waited++)
        ck_assert(loop_iterate(server_loop(server), 10));
    ck_assert_uint_eq(server->closes[CLOSE_IDLE], 0);
    say(7, "get a\r\n");
    expect(7, "END\r\n");
    age_all(6000);
    iterate_until_closed(CLOSE_IDLE, CLIENTS - 1);
    ck_assert(!is_closed(7));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("pressure");
    TCase *small = leak_tcase("small");
    TCase *full = leak_tcase("full");
    Suite *suite = suite_create("conn/pressure");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_set_timeout(small, 60);
    tcase_set_timeout(full, 60);
    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_test(tc, the_last_buffer_serves_everybody);
    tcase_add_test(tc, the_longest_stalled_gives_its_buffer);
    tcase_add_test(tc, the_longest_stalled_gives_its_buffer_whatever_it_holds);
    tcase_add_test(tc, progress_saves_a_stalled_one);
    tcase_add_test(tc, a_stalled_one_that_reads_on_gets_all);
    tcase_add_test(tc, a_long_stalled_one_gives_at_once);
    tcase_add_test(tc, who_waits_is_thought_of_again);
    tcase_add_test(tc, who_hangs_up_gives_to_who_waits);
    tcase_add_test(tc, who_waits_may_go_away);
    tcase_add_test(tc, who_does_not_read_is_closed);
    tcase_add_test(tc, who_says_nothing_is_closed);
    tcase_add_checked_fixture(small, start_small, rig_stop);
    tcase_add_test(small, slow_readers_do_not_hinder_storing);
    tcase_add_test(small, slow_writers_do_not_hinder_storing);
    tcase_add_test(small, pins_have_a_limit);
    tcase_add_test(small, who_holds_most_for_longest_is_closed_first);
    tcase_add_checked_fixture(full, start_small_without_eviction, rig_stop);
    tcase_add_test(full, full_is_no_reason_to_close);
    tcase_add_test(full, a_refusal_closes_nobody_without_need);
    tcase_add_loop_test(full, only_the_one_that_keeps_what_is_missing, 0, 2);
    tcase_add_test(full, a_just_stalled_one_is_not_closed);
    tcase_add_test(full, only_as_many_as_are_needed);
    tcase_add_test(full, what_is_held_counts_as_time_does);
    tcase_add_test(full, two_that_hold_the_same);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, small);
    suite_add_tcase(suite, full);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
