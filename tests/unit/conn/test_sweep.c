#include <string.h>
#include <sys/socket.h>

#include "rig.h"
#include "shed.h"
#include "sweep.h"

static void
sweep_all(void)
{
    for (int i = 0; i < 2 * SWEEP_PARTS; i++)
        server_sweep_idle(server);
}

static void
setup(void)
{
    rig_start();
    server->config.idle_timeout_s = 10;
    dial(0);
    dial(1);
    iterate(2);
    timer_cancel(&server->tick);
}

/* --- Idle --- */

/* Each piece of a transfer counts, in either direction; also of a short value. */
START_TEST(a_transfer_is_not_idle)
{
    static const char *const heads[] = {"set u 0 0 100000\r\n", "set u 0 0 1000\r\n", "get a"};
    const char *head = heads[_i];

    say(0, head);
    for (int i = 0; i < 5; i++) {
        age_all(6000);
        say(0, "xyz");
        sweep_all();
        iterate(1);
    }
    ck_assert_uint_eq(server->closes[CLOSE_IDLE], 1); /* the other, which said nothing */
    ck_assert(!is_closed(0));
    /* The clock counts whole seconds: of the last of ten only a part may have passed. */
    age_all(10000);
    sweep_all();
    ck_assert_uint_eq(server->closes[CLOSE_IDLE], 1);
    age_all(1000);
    sweep_all();
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_IDLE], 2);
}
END_TEST

START_TEST(a_download_is_not_idle)
{
    store_value(0, "v", 300000);
    stall_on(1, "v");
    for (int i = 0; i < 5; i++) {
        age_all(6000);
        (void)recv(clients[1], out, 400000, 0);
        iterate(2);
        sweep_all();
        iterate(1);
    }
    ck_assert_uint_eq(server->closes[CLOSE_IDLE], 1);
    ck_assert_uint_gt(hear(1), 0);
}
END_TEST

/* --- What is there is read before anybody is judged --- */

START_TEST(unread_input_saves_from_the_idle_timeout)
{
    age_all(20000);
    whisper(0, "get a\r\n");
    sweep_all(); /* nothing has been delivered yet */
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_IDLE], 1);
    expect(0, "END\r\n");
}
END_TEST

/* It is this server that keeps it waiting. */
START_TEST(a_connection_that_waits_for_a_buffer_is_not_idle)
{
    struct conn *c = conn_at(0);

    age_all(20000);
    c->state = CONN_WAITING;
    sweep_all();
    ck_assert_int_eq(c->state, CONN_WAITING);
    c->state = CONN_IDLE;
    ck_assert_uint_eq(server->closes[CLOSE_IDLE], 1);
}
END_TEST

START_TEST(a_reader_that_has_read_is_not_stalled)
{
    server->config.send_timeout_s = 10;
    store_value(0, "v", 300000);
    stall_on(1, "v");
    age_all(20000);
    while (recv(clients[1], out, sizeof(out), 0) > 0)
        ;
    server_shed(server);
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_STALLED], 0);
    age_all(20000);
    server_shed(server);
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_STALLED], 1);
}
END_TEST

/* --- The process stands still --- */

START_TEST(a_pause_counts_against_no_client)
{
    uint64_t before = server->attended_ms;

    stall_on(1, "nokey");
    server->iteration_ms -= 3600 * 1000; /* as if the last iteration had been an hour ago */
    iterate(1);
    ck_assert_uint_le(server->attended_ms - before, 60 * 1000);
    ck_assert_uint_ge(server->stats.lapses, 1);
    sweep_all();
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_IDLE], 0);
}
END_TEST

START_TEST(time_that_passes_as_it_should_counts)
{
    uint64_t before = server->attended_ms;

    server->iteration_ms -= LAPSE_MS / 2;
    iterate(1);
    ck_assert_uint_ge(server->attended_ms - before, LAPSE_MS / 2);
}
END_TEST

/* --- Peers that have vanished --- */

/* Those on a unix socket cannot. */
START_TEST(no_peer_of_this_host_vanishes)
{
    server->config.peer_timeout_s = 1;
    age_all(20000);
    for (int i = 0; i < 2 * SWEEP_PARTS; i++)
        server_sweep_vanished(server);
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_VANISHED], 0);
}
END_TEST

START_TEST(an_idle_connection_is_closed)
{
    timer_set(loop_timers(server->loop), &server->tick, server->clock->now_ms);
    for (int i = 2; i < CLIENTS; i++)
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
    TCase *tc = leak_tcase("sweep");

    tcase_add_checked_fixture(tc, setup, rig_stop);
    tcase_add_test(tc, an_idle_connection_is_closed);
    tcase_add_loop_test(tc, a_transfer_is_not_idle, 0, 3);
    tcase_add_test(tc, a_download_is_not_idle);
    tcase_add_test(tc, unread_input_saves_from_the_idle_timeout);
    tcase_add_test(tc, a_connection_that_waits_for_a_buffer_is_not_idle);
    tcase_add_test(tc, a_reader_that_has_read_is_not_stalled);
    tcase_add_test(tc, a_pause_counts_against_no_client);
    tcase_add_test(tc, time_that_passes_as_it_should_counts);
    tcase_add_test(tc, no_peer_of_this_host_vanishes);
    return leak_run(tc, "conn/sweep");
}
