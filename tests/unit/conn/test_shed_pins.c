/*
 * When memory of the store runs out that stalled connections keep: the ones that hold most for
 * longest are closed, if that helps; else the request is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "rig.h"

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

/* Connections that pin more than half of it are closed even if no client stores. */
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

/* --- Which connection is closed, and which is not --- */

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
        send_set(0, key, i % 2 == 0 ? 14000 : 400);
        refused += out[0] == 'S' && out[1] == 'E';
    }
}

/* The set is refused: closing them would not help it. */
START_TEST(a_refusal_closes_no_connection_without_need)
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

/* What holds more for longer, but nothing that is missing, is looked at first and stays. */
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

/* Connections that hold the same memory are closed together, or not at all. */
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
START_TEST(what_holds_most_for_longest_is_closed_first)
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

/* Full with -M: a store is refused, in step, and no connection is closed for it. */
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

static void
start_smallest(void)
{
    rig_options.limit_bytes = 2U << 20;
    rig_start();
}

/* A store full of the smallest items: a value of many segments waits until they are empty; others do not. */
START_TEST(an_upload_waits_until_there_is_space)
{
    enum { ITEMS = 100000, A_LOT = 1000, BYTES = 400000 };
    static char text[A_LOT * 40];
    size_t len = 0;

    dial(0);
    dial(1);
    for (int i = 1; i <= ITEMS; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "set %d 0 0 1 noreply\r\n1\r\n",
                                i);
        if (i % A_LOT == 0) {
            say_bytes(0, text, len);
            len = 0;
        }
    }
    store_value(0, "large", BYTES);
    say(1, "stats\r\n");
    (void)hear(1);
    ck_assert_ptr_nonnull(strstr(out, "STAT space_waits "));
    ck_assert_ptr_null(strstr(out, "STAT space_waits 0\r\n"));
    say(1, "get large\r\n");
    ck_assert_uint_eq(hear(1), sizeof("VALUE large 0 400000\r\n\r\nEND\r\n") - 1 + BYTES);
}
END_TEST

int
main(void)
{
    TCase *small = leak_tcase("small");
    TCase *smallest = leak_tcase("smallest");
    TCase *full = leak_tcase("full");
    Suite *suite = suite_create("conn/shed_pins");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(small, start_small, rig_stop);
    tcase_add_test(small, slow_readers_do_not_hinder_storing);
    tcase_add_test(small, slow_writers_do_not_hinder_storing);
    tcase_add_test(small, pins_have_a_limit);
    tcase_add_test(small, what_holds_most_for_longest_is_closed_first);
    tcase_add_checked_fixture(smallest, start_smallest, rig_stop);
    tcase_add_test(smallest, an_upload_waits_until_there_is_space);
    tcase_add_checked_fixture(full, start_small_without_eviction, rig_stop);
    tcase_add_test(full, full_is_no_reason_to_close);
    tcase_add_test(full, a_refusal_closes_no_connection_without_need);
    tcase_add_loop_test(full, only_the_one_that_keeps_what_is_missing, 0, 2);
    tcase_add_test(full, a_just_stalled_one_is_not_closed);
    tcase_add_test(full, only_as_many_as_are_needed);
    tcase_add_test(full, what_is_held_counts_as_time_does);
    tcase_add_test(full, two_that_hold_the_same);
    suite_add_tcase(suite, small);
    suite_add_tcase(suite, smallest);
    suite_add_tcase(suite, full);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
