/* -c, and the one connection more that is for an operator. */
#include "admission.h"

#include <string.h>

#include "rig.h"
#include "sweep.h"

static const char too_many[] = "ERROR Too many open connections\r\n";

START_TEST(too_many_connections_are_rejected)
{
    server->config.max_conns = 1;
    dial(0);
    dial(1); /* counts as the operator, as long as no command shows that it is none */
    dial(2);
    iterate(2);
    expect(2, too_many);
    ck_assert(is_closed(2));
    say(1, "get a\r\n");
    expect(1, too_many);
    ck_assert(is_closed(1));
    ck_assert_uint_eq(server->stats.rejected_connections, 2);
    say(0, "get a\r\n");
    expect(0, "END\r\n");
    server->config.max_conns = 100;
}
END_TEST

/* Whichever of the two the kernel reports first. */
START_TEST(who_leaves_makes_room_in_the_same_iteration)
{
    server->config.max_conns = 1;
    server->config.proxy_is_client = true;
    dial(0);
    iterate(2);
    for (int i = 0; i < 6; i += 2) {
        dial(i + 1);
        hang_up(i);
        iterate(1);
        hang_up(i + 1);
        dial(i + 2);
        iterate(1);
    }
    say(6, "get a\r\n");
    expect(6, "END\r\n");
    ck_assert_uint_eq(server->stats.rejected_connections, 0);
    ck_assert_uint_eq(server->newcomer_count, 0);
    server->config.proxy_is_client = false;
    server->config.max_conns = 100;
}
END_TEST

START_TEST(an_operator_always_gets_in)
{
    server->config.max_conns = 1;
    dial(0);
    dial(1);
    iterate(1);
    say(1, "stats buffers\r\nversion\r\n");
    (void)hear(1);
    ck_assert_ptr_nonnull(strstr(out, "STAT buffers_made "));
    ck_assert_ptr_nonnull(strstr(out, "END\r\nVERSION "));
    say(1, "set a 0 0 1\r\nx\r\n");
    expect(1, too_many);
    ck_assert(is_closed(1));
    server->config.max_conns = 100;
}
END_TEST

/* An operator is none of the clients; and a client that was taken for one becomes a client. */
START_TEST(an_operator_does_not_count_as_a_client)
{
    server->config.max_conns = 2;
    dial(0);
    dial(1);
    dial(2);
    iterate(2);
    say(2, "version\r\n");
    ck_assert_uint_gt(hear(2), 0);
    hang_up(1);
    iterate(2);
    dial(3);
    iterate(2);
    say(3, "get a\r\n");
    expect(3, "END\r\n");
    ck_assert_ptr_nonnull(server->operator_conn);
    hang_up(0);
    iterate(2);
    say(2, "get a\r\n"); /* the two that may be are 2 and 3 now */
    expect(2, "END\r\n");
    ck_assert_ptr_null(server->operator_conn);
    dial(4);
    iterate(2);
    say(4, "version\r\n");
    ck_assert_uint_gt(hear(4), 0);
    say(4, "get a\r\n");
    expect(4, too_many);
    server->config.max_conns = 100;
}
END_TEST

/* While there are fewer clients than -c, one that sends nothing becomes a client. */
START_TEST(a_silent_operator_may_become_a_client)
{
    server->config.max_conns = 1;
    dial(0);
    dial(1);
    iterate(2);
    hang_up(0);
    iterate(2);
    ck_assert_ptr_nonnull(server->operator_conn);
    server->operator_conn->stalled_ms -= OPERATOR_WAIT_MS;
    server_check_operator(server);
    ck_assert_ptr_null(server->operator_conn);
    say(1, "get a\r\n");
    expect(1, "END\r\n");
    server->config.max_conns = 100;
}
END_TEST

START_TEST(an_idle_operator_is_closed)
{
    server->config.max_conns = 1;
    server->config.operator_timeout_s = 10;
    timer_cancel(&server->tick);
    dial(0);
    dial(1);
    iterate(2);
    say(1, "version\r\n");
    ck_assert_uint_gt(hear(1), 0);
    server->operator_conn->active_s -= 8;
    server_check_operator(server);
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_OPERATOR_IDLE], 0);
    server->operator_conn->active_s -= 11;
    whisper(1, "version\r\n"); /* not read yet: it is not idle */
    server_check_operator(server);
    iterate(2);
    ck_assert_uint_gt(hear(1), 0);
    server->operator_conn->active_s -= 11;
    server_check_operator(server);
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_OPERATOR_IDLE], 1);
    ck_assert(is_closed(1));
    ck_assert_ptr_null(server->operator_conn);
    server->config.max_conns = 100;
}
END_TEST

/* One that counts as the operator, and sends nothing, is rejected after a while. */
START_TEST(a_silent_operator_is_rejected)
{
    int waited = 0;

    server->config.max_conns = 1;
    dial(0);
    dial(1);
    while (server->stats.rejected_connections == 0 && waited++ < 1000)
        ck_assert(loop_iterate(server_loop(server), 10));
    expect(1, too_many);
    ck_assert(is_closed(1));
    server->config.max_conns = 100;
}
END_TEST

/* --- A listener for operators --- */

static const char admin_only[] = "CLIENT_ERROR only allowed on the admin listener\r\n";

START_TEST(operators_do_not_count_for_c)
{
    server->config.max_conns = 1;
    dial_role(0, ROLE_ADMIN);
    dial(1);
    dial_role(2, ROLE_ADMIN);
    dial_role(3, ROLE_ADMIN); /* more than --admin-conns */
    dial(4);                  /* nobody but those is an operator now */
    iterate(2);
    expect(3, too_many);
    expect(4, too_many);
    say(0, "verbosity 0\r\nget a\r\n");
    expect(0, "OK\r\nEND\r\n");
    say(1, "get a\r\nverbosity 0\r\nlru_crawler mgdump all\r\n");
    (void)hear(1);
    ck_assert_ptr_nonnull(strstr(out, admin_only));
    ck_assert_uint_eq(server->stats.admin_refused, 2);
    ck_assert_uint_eq(server->role_conns[ROLE_ADMIN], 2);
    hang_up(0);
    iterate(2);
    dial_role(5, ROLE_ADMIN);
    say(5, "mn\r\n");
    expect(5, "MN\r\n");
    server->config.max_conns = 100;
}
END_TEST

/* Only while another one may need its place. */
START_TEST(idle_operators_are_closed_when_all_places_are_taken)
{
    server->config.operator_timeout_s = 10;
    timer_cancel(&server->tick);
    dial_role(0, ROLE_ADMIN);
    iterate(2);
    conn_at(0)->active_s -= 11;
    for (int i = 0; i < 2 * SWEEP_PARTS; i++)
        server_sweep_idle(server);
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_OPERATOR_IDLE], 0);
    dial_role(1, ROLE_ADMIN);
    dial(2);
    iterate(2);
    conn_at(2)->active_s -= 11; /* a client */
    for (int i = 0; i < 2 * SWEEP_PARTS; i++)
        server_sweep_idle(server);
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_OPERATOR_IDLE], 1);
    ck_assert(is_closed(0));
    ck_assert(!is_closed(1));
    ck_assert(!is_closed(2));
}
END_TEST

START_TEST(a_proxy_on_this_host_is_no_operator)
{
    server->config.max_conns = 1;
    server->config.proxy_is_client = true;
    dial(0);
    dial(1);
    iterate(2);
    expect(1, too_many);
    ck_assert(is_closed(1));
    ck_assert_ptr_null(server->operator_conn);
    server->config.max_conns = 100;
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("admission");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_test(tc, too_many_connections_are_rejected);
    tcase_add_test(tc, who_leaves_makes_room_in_the_same_iteration);
    tcase_add_test(tc, an_operator_always_gets_in);
    tcase_add_test(tc, an_operator_does_not_count_as_a_client);
    tcase_add_test(tc, a_silent_operator_may_become_a_client);
    tcase_add_test(tc, an_idle_operator_is_closed);
    tcase_add_test(tc, a_silent_operator_is_rejected);
    tcase_add_test(tc, operators_do_not_count_for_c);
    tcase_add_test(tc, idle_operators_are_closed_when_all_places_are_taken);
    tcase_add_test(tc, a_proxy_on_this_host_is_no_operator);
    return leak_run(tc, "conn/admission");
}
