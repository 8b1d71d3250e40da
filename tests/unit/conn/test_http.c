/*
 * Connections by HTTP: their own limits, and how they meet those of others.
 */
#include <string.h>
#include <sys/socket.h>

#include "rig.h"
#include "sweep.h"

#define GET(target)   "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"
#define CLOSE(target) "GET " target " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void
dial_http(int i)
{
    dial_role(i, ROLE_HTTP);
    iterate(3);
}

static void
expect_begin(int i, const char *want)
{
    (void)hear(i);
    ck_assert_msg(strncmp(out, want, strlen(want)) == 0, "%.300s", out);
}

static int
count_answers(void)
{
    int count = 0;

    for (const char *p = out; (p = strstr(p, "HTTP/1.1 200 OK\r\n")) != NULL; p++)
        count++;
    return count;
}

static void
sweep_all(void)
{
    for (int i = 0; i < 2 * SWEEP_PARTS; i++)
        server_sweep_idle(server);
    iterate(1);
}

/* --- Answers --- */

START_TEST(an_idle_connection_holds_nothing)
{
    dial_http(0);
    for (int i = 0; i < 3; i++) {
        say(0, GET("/metrics"));
        expect_begin(0, "HTTP/1.1 200 OK\r\n");
        ck_assert_str_eq(out + strlen(out) - 7, "\r\n0\r\n\r\n");
        ck_assert_uint_eq(lent(), 0);
        ck_assert_int_eq(conn_at(0)->state, CONN_IDLE);
    }
    ck_assert_uint_eq(server->stats.task_bytes, 0);
}
END_TEST

START_TEST(requests_are_pipelined)
{
    dial_http(0);
    for (int i = 0; i < 20; i++)
        whisper(0, i % 2 == 0 ? GET("/stats.json") : GET("/healthz"));
    (void)hear(0);
    ck_assert_int_eq(count_answers(), 20);
    whisper(0, GET("/healthz") GET("/metrics") CLOSE("/stats.json") GET("/healthz"));
    (void)hear(0);
    ck_assert_int_eq(count_answers(), 3);
    ck_assert_str_eq(out + strlen(out) - 5, "0\r\n\r\n");
    ck_assert(is_closed(0));
    ck_assert_uint_eq(server->closes[CLOSE_QUIT], 1);
    ck_assert_uint_eq(server->closes[CLOSE_PROTOCOL], 0);
}
END_TEST

/* Each byte by itself, as the slowest client sends them. */
START_TEST(requests_come_in_pieces)
{
    static const char input[] = GET("/healthz") CLOSE("/metrics");

    dial_http(0);
    for (const char *p = input; *p != '\0'; p++) {
        say_bytes(0, p, 1);
        ck_assert_uint_eq(lent(), 0);
    }
    (void)hear(0);
    ck_assert_int_eq(count_answers(), 2);
    ck_assert(is_closed(0));
}
END_TEST

START_TEST(what_makes_no_sense_is_told_so)
{
    dial_http(0);
    say(0, "get a\r\nset a 0 0 1\r\n1\r\n\r\n");
    expect_begin(0, "HTTP/1.1 400 Bad Request\r\n");
    ck_assert(is_closed(0));
    ck_assert_uint_eq(server->closes[CLOSE_PROTOCOL], 1);
    dial_http(1);
    say(1, GET("/nothing") GET("/healthz"));
    expect_begin(1, "HTTP/1.1 404 Not Found\r\n");
    ck_assert_int_eq(count_answers(), 1);
}
END_TEST

/* It asks for far more than its buffer holds, and holds no more than that. */
START_TEST(a_slow_reader_holds_its_buffer)
{
    int small = 4096;
    int answers = 0;

    dial_http(0);
    ck_assert_int_eq(setsockopt(clients[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    for (int i = 0; i < 200; i++)
        whisper(0, GET("/"));
    iterate(400);
    ck_assert_int_eq(conn_at(0)->state, CONN_STALLED);
    ck_assert_uint_le(lent(), 2);
    ck_assert_uint_le(server->stats.task_bytes, 1024);
    ck_assert_uint_lt(conn_at(0)->bytes_out, 300 * 1024);
    dial(1);
    say(1, "get a\r\n");
    expect(1, "END\r\n");
    for (int i = 0; i < 400 && answers < 200; i++) {
        (void)hear(0);
        answers += count_answers();
    }
    ck_assert_int_eq(answers, 200);
    ck_assert_uint_eq(lent(), 0);
}
END_TEST

/* --- Limits --- */

START_TEST(connections_have_a_limit_of_their_own)
{
    server->config.http_conns = 2;
    server->config.max_conns = 1;
    dial(0);
    iterate(3);
    for (int i = 1; i <= 3; i++)
        dial_http(i);
    expect_begin(3, "HTTP/1.1 503 Service Unavailable\r\n");
    ck_assert(strstr(out, "\r\n\r\ntoo many connections\n") != NULL);
    ck_assert_uint_eq(server->stats.http_rejected, 1);
    ck_assert_uint_eq(server->stats.rejected_connections, 0);
    say(1, GET("/healthz"));
    expect_begin(1, "HTTP/1.1 200 OK\r\n");
    say(0, "get a\r\n");
    expect(0, "END\r\n");
    /* And a client over -c is one, whatever is free for HTTP. */
    hang_up(1);
    iterate(3);
    dial(4);
    say(4, "get a\r\n");
    expect(4, "ERROR Too many open connections\r\n");
    dial_http(5);
    say(5, GET("/healthz"));
    expect_begin(5, "HTTP/1.1 200 OK\r\n");
}
END_TEST

/* However many bytes come: one request takes so long at most. */
START_TEST(a_request_that_never_ends_is_closed)
{
    server->config.http_timeout_s = 10;
    dial_http(0);
    dial_http(1);
    dial(2);
    say(0, "GET / HTTP/1.1\r\n");
    say(1, GET("/healthz"));
    (void)hear(1);
    age_all(6000);
    say(0, "X: y\r\n");
    say(1, GET("/healthz"));
    (void)hear(1);
    sweep_all();
    ck_assert_uint_eq(server->closes[CLOSE_HTTP_TIMEOUT], 0);
    age_all(6000);
    say(0, "X: y\r\n");
    sweep_all();
    ck_assert(is_closed(0));
    ck_assert_uint_eq(server->closes[CLOSE_HTTP_TIMEOUT], 1);
    /* The other one has asked again since; and then it does not. */
    age_all(6000);
    sweep_all();
    ck_assert(is_closed(1));
    ck_assert_uint_eq(server->closes[CLOSE_HTTP_TIMEOUT], 2);
    say(2, "get a\r\n");
    expect(2, "END\r\n");
}
END_TEST

START_TEST(an_answer_that_is_not_taken_is_closed)
{
    server->config.http_timeout_s = 10;
    dial_http(0);
    for (int i = 0; i < 100; i++)
        whisper(0, GET("/"));
    iterate(400);
    ck_assert_int_eq(conn_at(0)->state, CONN_STALLED);
    age_all(9000);
    sweep_all();
    ck_assert_uint_eq(server->closes[CLOSE_HTTP_TIMEOUT], 0);
    age_all(4000);
    sweep_all();
    ck_assert_uint_eq(server->closes[CLOSE_HTTP_TIMEOUT], 1);
    ck_assert_uint_eq(lent(), 0);
}
END_TEST

START_TEST(no_timeout_is_none)
{
    dial_http(0);
    say(0, "GET /");
    age_all(100 * 1000);
    sweep_all();
    say(0, "healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_begin(0, "HTTP/1.1 200 OK\r\n");
}
END_TEST

/* --- At the end --- */

START_TEST(a_server_that_drains_says_so)
{
    static char value[1 << 20];

    fill(value, sizeof(value), 1);
    dial(0);
    dial_http(1);
    say(0, "set k 0 0 1048000\r\n");
    say_bytes(0, value, 1048000);
    say(0, "\r\nget k\r\nget k\r\n");
    iterate(3);
    server_shutdown(server);
    ck_assert(is_closed(1)); /* it was idle */
    dial_http(2);
    dial_http(3);
    say(2, GET("/healthz"));
    expect_begin(2, "HTTP/1.1 503 Service Unavailable\r\n");
    ck_assert(strstr(out, "\r\n\r\ndraining\n") != NULL);
    ck_assert(is_closed(2));
    hang_up(2);
    dial_http(2);
    say(2, GET("/metrics"));
    expect_begin(2, "HTTP/1.1 200 OK\r\n");
    ck_assert(!loop_is_stopped(server_loop(server)));
    ck_assert_uint_eq(hear(0), 8 + 2 * (19 + 1048000 + 7));
    /* No client is left: then it ends, whatever is connected by HTTP. */
    ck_assert(is_closed(0));
    ck_assert(is_closed(3));
    ck_assert(loop_is_stopped(server_loop(server)));
}
END_TEST

/* What is under way is sent, also where HTTP is all there is. */
START_TEST(the_last_answer_is_sent)
{
    dial_http(0);
    for (int i = 0; i < 20; i++)
        whisper(0, GET("/"));
    iterate(400);
    ck_assert_int_eq(conn_at(0)->state, CONN_STALLED);
    server_shutdown(server);
    iterate(1);
    ck_assert(!loop_is_stopped(server_loop(server)));
    (void)hear(0);
    ck_assert(strstr(out, "0\r\n\r\n") != NULL);
    ck_assert(is_closed(0));
    ck_assert(loop_is_stopped(server_loop(server)));
}
END_TEST

START_TEST(a_server_with_idle_http_ends_at_once)
{
    dial_http(0);
    server_shutdown(server);
    iterate(1);
    ck_assert(loop_is_stopped(server_loop(server)));
    ck_assert(is_closed(0));
}
END_TEST

/* --- With -Y --- */

static void
restart_with_passwords(void)
{
    static struct passwords passwords;
    unsigned line;

    rig_stop();
    ck_assert_int_eq(passwords_parse(&passwords, SLICE("foo:bar\n"), &line), PASSWORDS_OK);
    rig_options.passwords = &passwords;
    rig_options.server.auth_timeout_s = 5;
    rig_start();
}

#define AS(target, credentials)                                                                \
    "GET " target " HTTP/1.1\r\nHost: a\r\nAuthorization: Basic " credentials "\r\n\r\n"

START_TEST(passwords_are_asked_for)
{
    restart_with_passwords();
    dial_http(0);
    say(0, GET("/metrics"));
    expect_begin(0, "HTTP/1.1 401 Unauthorized\r\n");
    say(0, AS("/metrics", "Zm9vOmJhcg=="));
    expect_begin(0, "HTTP/1.1 200 OK\r\n");
    say(0, GET("/metrics")); /* each request says who asks */
    expect_begin(0, "HTTP/1.1 401 Unauthorized\r\n");
    say(0, AS("/", "Zm9vOmJhego="));
    expect_begin(0, "HTTP/1.1 401 Unauthorized\r\n");
    say(0, GET("/stats.json?group=conns+top+held"));
    expect_begin(0, "HTTP/1.1 401 Unauthorized\r\n");
    say(0, AS("/stats.json?group=conns+top+held", "Zm9vOmJhcg=="));
    expect_begin(0, "HTTP/1.1 200 OK\r\n");
    say(0, GET("/healthz"));
    expect_begin(0, "HTTP/1.1 200 OK\r\n");
    age_all(8000);
    sweep_all(); /* it is no client that has yet to authenticate */
    say(0, AS("/stats.json", "Zm9vOmJhcg=="));
    expect_begin(0, "HTTP/1.1 200 OK\r\n");
    ck_assert_uint_eq(server->closes[CLOSE_AUTH_TIMEOUT], 0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("http");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_test(tc, an_idle_connection_holds_nothing);
    tcase_add_test(tc, requests_are_pipelined);
    tcase_add_test(tc, requests_come_in_pieces);
    tcase_add_test(tc, what_makes_no_sense_is_told_so);
    tcase_add_test(tc, a_slow_reader_holds_its_buffer);
    tcase_add_test(tc, connections_have_a_limit_of_their_own);
    tcase_add_test(tc, a_request_that_never_ends_is_closed);
    tcase_add_test(tc, an_answer_that_is_not_taken_is_closed);
    tcase_add_test(tc, no_timeout_is_none);
    tcase_add_test(tc, a_server_that_drains_says_so);
    tcase_add_test(tc, the_last_answer_is_sent);
    tcase_add_test(tc, a_server_with_idle_http_ends_at_once);
    tcase_add_test(tc, passwords_are_asked_for);
    return leak_run(tc, "conn/http");
}
