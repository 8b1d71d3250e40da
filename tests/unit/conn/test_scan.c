/* kill, and stats conns with arguments: which connections, in whatever state they are. */
#include "scan.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lombard/base/eventlog.h"
#include "rig.h"
#include "stash.h"
#include "task.h"

/* The connection that client I has, by the order in which it was accepted. */
static uint32_t
id_of(int i)
{
    return conn_at(i)->id;
}

static void
kill_id(int killer, uint32_t id, const char *want)
{
    char line[64];

    (void)snprintf(line, sizeof(line), "kill id %u\r\n", id);
    say(killer, line);
    expect(killer, want);
}

static struct stat_registry events;

static const char *
last_event(void)
{
    static struct stat_line line;
    struct stat_cursor cursor;

    ck_assert(stats_begin_with(&events, SLICE("events"), SLICE("1"), &cursor));
    ck_assert_int_eq(stats_next(&events, &cursor, &line), STAT_FOUND);
    return line.value.text;
}

/* --- kill, by the state of the one that is killed --- */

static void
be_idle(int i)
{
    say(i, "get a\r\n");
    expect(i, "END\r\n");
    ck_assert_int_eq(conn_at(i)->state, CONN_IDLE);
}

static void
be_partial(int i)
{
    say(i, "set a 0 0 ");
    iterate(2);
    ck_assert_uint_gt(conn_stash_bytes(conn_at(i)), 0);
}

static void
be_uploading(int i)
{
    static char some[100000];

    memset(some, 'x', sizeof(some));
    say(i, "set a 0 0 500000\r\n");
    say_bytes(i, some, sizeof(some));
    iterate(2);
    ck_assert_int_eq((int)conn_at(i)->task->kind, TASK_UPLOAD);
}

static void
be_blocked(int i)
{
    store_value(i, "large", 400000);
    stall_on(i, "large");
    ck_assert(conn_at(i)->blocked);
    ck_assert_int_eq(conn_at(i)->state, CONN_STALLED);
}

static void
be_streaming(int i)
{
    static char lines[60 * 1000];
    size_t used = 0;

    while (used + 20 < sizeof(lines))
        used += (size_t)snprintf(lines + used, sizeof(lines) - used, "stats settings\r\n");
    for (int k = 0; k < 20 && !conn_at(i)->blocked; k++) {
        (void)!send(clients[i], lines, used, MSG_NOSIGNAL | MSG_DONTWAIT);
        iterate(20);
    }
    ck_assert(conn_at(i)->blocked);
}

static void
be_refused(int i)
{
    say(i, "set a 0 0 5000000\r\nxxxx");
    iterate(2);
    ck_assert_int_eq((int)conn_at(i)->task->kind, TASK_REFUSAL);
}

static void
be_named(int i)
{
    say(i, "client_name it\r\n");
    expect(i, "OK\r\n");
    ck_assert_uint_eq(server->names.count, 1);
}

static void (*const states[])(int) = {be_idle,      be_partial, be_uploading, be_blocked,
                                      be_streaming, be_refused, be_named};

/* What it held is there for others right away, not only when it has been closed. */
START_TEST(kill_in_each_state)
{
    dial(0);
    dial(1);
    iterate(1);
    states[_i](0);
    kill_id(1, id_of(0), "KILLED 1\r\n");
    ck_assert_uint_eq(server->closes[CLOSE_KILLED], 1);
    ck_assert_uint_eq(server->table.conns, 1);
    ck_assert_uint_eq(lent(), 0);
    ck_assert_uint_eq(cmd_pin_count(server->cmd), 0);
    ck_assert_uint_eq(server->stats.stash_bytes, 0);
    ck_assert_uint_eq(server->stats.task_bytes, 0);
    ck_assert_uint_eq(server->names.count, 0);
    say(1, "mn\r\n");
    expect(1, "MN\r\n");
}
END_TEST

/* Those that came in the same iteration are being served when the first of them kills. */
START_TEST(kill_within_a_group)
{
    for (int i = 0; i < 5; i++)
        dial(i);
    iterate(2);
    whisper(0, "kill addr unix\r\n");
    for (int i = 1; i < 5; i++)
        whisper(i, "set a 0 0 1\r\nx\r\nget a\r\n");
    iterate(1);
    expect(0, "KILLED 4\r\n");
    ck_assert_uint_eq(server->closes[CLOSE_KILLED], 4);
    for (int i = 1; i < 5; i++)
        ck_assert(is_closed(i));
    say(0, "mn\r\n");
    expect(0, "MN\r\n");
}
END_TEST

START_TEST(kill_the_stalled)
{
    dial(0);
    dial(1);
    dial(2);
    iterate(1);
    be_blocked(0);
    be_uploading(1);
    renew_all();
    say(2, "kill stalled 100\r\n");
    expect(2, "KILLED 0\r\n");
    conn_at(0)->stalled_ms -= 100 * 1000;
    say(2, "kill stalled 100\r\n");
    expect(2, "KILLED 1\r\n");
    say(2, "kill stalled 0\r\n");
    expect(2, "KILLED 1\r\n");
    ck_assert_uint_eq(server->table.conns, 1);
}
END_TEST

/* Whoever came through a unix socket is known to the kernel, and named. */
START_TEST(a_kill_says_who_did_it)
{
    char want[64];

    dial(0);
    dial(1);
    iterate(1);
    event_add_stats(&events);
    kill_id(0, id_of(1), "KILLED 1\r\n");
    (void)snprintf(want, sizeof(want), "which=id_2 killed=1 uid=%u pid=%d", getuid(), getpid());
    ck_assert_ptr_nonnull(strstr(last_event(), want));
}
END_TEST

START_TEST(no_connection_kills_itself)
{
    dial(0);
    iterate(1);
    kill_id(0, id_of(0), "KILLED 0\r\n");
    kill_id(0, 4711, "KILLED 0\r\n");
    ck_assert_uint_eq(server->closes[CLOSE_KILLED], 0);
}
END_TEST

/* Without a listener for them, operators are on this host; a proxy there is none. */
START_TEST(only_operators_kill)
{
    dial(0);
    dial(1);
    iterate(1);
    server->config.proxy_is_client = true;
    kill_id(0, id_of(1),
            "CLIENT_ERROR only allowed on an admin listener, and there is none (--admin)\r\n");
    ck_assert_uint_eq(server->stats.admin_refused, 1);
    server->config.proxy_is_client = false;
    kill_id(0, id_of(1), "KILLED 1\r\n");
}
END_TEST

/* --- stats conns --- */

START_TEST(the_most_come_first)
{
    for (int i = 0; i < 6; i++) {
        dial(i);
        iterate(1);
        for (int k = 0; k <= i; k++)
            say(i, "mn\r\n");
        (void)hear(i);
    }
    say(0, "stats conns top requests 2\r\n");
    (void)hear(0);
    ck_assert_int_eq(heard_times(":id "), 2);
    ck_assert_ptr_nonnull(strstr(out, ":requests 6\r\n"));
    ck_assert(strstr(out, ":requests 6\r\n") < strstr(out, ":requests 5\r\n"));
    say(0, "stats conns top stalled\r\n");
    expect(0, "END\r\n");
    say(0, "stats conns top bytes_in 1\r\n");
    (void)hear(0);
    ck_assert_int_eq(heard_times(":id 1\r\n"), 1); /* it asks the longest questions */
    be_blocked(1);
    say(0, "stats conns top held 3\r\n");
    (void)hear(0);
    ck_assert(strstr(out, ":id 2\r\n") != NULL &&
              strstr(out, ":id 2\r\n") < strstr(out, ":id 1\r\n"));
}
END_TEST

START_TEST(some_are_shown)
{
    char want[64];

    for (int i = 0; i < 3; i++)
        dial(i);
    iterate(2);
    be_uploading(1);
    say(0, "stats conns state receiving_value\r\n");
    (void)hear(0);
    ck_assert_int_eq(heard_times(":id "), 1);
    (void)snprintf(want, sizeof(want), ":id %u\r\n", id_of(1));
    ck_assert_int_eq(heard_times(want), 1);
    say(0, "stats conns addr unix\r\n");
    (void)hear(0);
    ck_assert_int_eq(heard_times(":id "), 3);
    say(0, "stats conns addr 127.0.0.1\r\n");
    expect(0, "END\r\n");
    say(0, "stats conns id 3\r\nmn\r\n");
    (void)hear(0);
    ck_assert_int_eq(heard_times(":id 3\r\n"), 1);
    ck_assert_str_eq(out + strlen(out) - 9, "END\r\nMN\r\n");
}
END_TEST

/* The lines of one that goes meanwhile end; those of the others follow. */
START_TEST(one_that_goes_while_it_is_shown)
{
    for (int i = 0; i < CLIENTS; i++)
        dial(i);
    iterate(10);
    for (int k = 0; k < 60; k++)
        whisper(0, "stats conns addr unix\r\n");
    iterate(20);
    ck_assert(conn_at(0)->blocked);
    for (int i = 50; i < CLIENTS; i++)
        hang_up(i);
    iterate(20);
    (void)hear(0);
    say(0, "mn\r\n");
    (void)hear(0);
    ck_assert_str_eq(out + strlen(out) - 4, "MN\r\n");
}
END_TEST

START_TEST(requests_and_errors_are_counted)
{
    dial(0);
    dial(1);
    iterate(1);
    say(0, "get a b c\r\nset a 0 0 1\r\nx\r\nincr a 1\r\nfoo\r\n");
    (void)hear(0);
    ck_assert_uint_eq(conn_requests(conn_at(0)), 6);
    ck_assert_uint_eq(conn_errors(conn_at(0)), 2);
    ck_assert_int_eq((int)conn_last_op(conn_at(0)), OP_REFUSED);
    be_uploading(1);
    ck_assert_uint_eq(conn_requests(conn_at(1)), 1);
    ck_assert_int_eq((int)conn_last_op(conn_at(1)), OP_SET);
}
END_TEST

/* What has no room yet is executed later, and counted then. */
START_TEST(requests_are_counted_once)
{
    dial(0);
    iterate(1);
    store_value(0, "k", 400);
    for (int i = 0; i < 200; i++)
        whisper(0, "get k\r\n");
    iterate(3);
    (void)hear(0);
    ck_assert_uint_eq(conn_requests(conn_at(0)), 201);
}
END_TEST

static void
start_with_names(void)
{
    rig_options.server.client_names = 2;
    rig_start();
}

START_TEST(names_have_a_limit)
{
    for (int i = 0; i < 3; i++) {
        dial(i);
        iterate(1);
        say(i, "client_name n\r\n");
        expect(i, i < 2 ? "OK\r\n" : "SERVER_ERROR too many client names\r\n");
    }
    ck_assert_uint_eq(server->stats.names_refused, 1);
    say(0, "client_name other\r\n");
    expect(0, "OK\r\n");
    hang_up(1);
    iterate(2);
    say(2, "client_name n\r\n");
    expect(2, "OK\r\n");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("scan");

    tcase_add_checked_fixture(tc, start_with_names, rig_stop);
    tcase_add_loop_test(tc, kill_in_each_state, 0, ARRAY_LEN(states));
    tcase_add_test(tc, kill_within_a_group);
    tcase_add_test(tc, kill_the_stalled);
    tcase_add_test(tc, a_kill_says_who_did_it);
    tcase_add_test(tc, no_connection_kills_itself);
    tcase_add_test(tc, only_operators_kill);
    tcase_add_test(tc, the_most_come_first);
    tcase_add_test(tc, some_are_shown);
    tcase_add_test(tc, one_that_goes_while_it_is_shown);
    tcase_add_test(tc, requests_and_errors_are_counted);
    tcase_add_test(tc, requests_are_counted_once);
    tcase_add_test(tc, names_have_a_limit);
    return leak_run(tc, "conn/scan");
}
