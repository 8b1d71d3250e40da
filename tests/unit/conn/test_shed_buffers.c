/*
 * When buffers run out: connections that make progress are served, and the one that stalled
 * longest is closed.
 */
#include <string.h>
#include <sys/socket.h>

#include "rig.h"

enum {
    BUFFERS = SERVER_BUFFER_BYTES_MIN / BUF_TOTAL_BYTES,
    STALLERS =
        BUFFERS - SERVER_BUFFER_BYTES_MIN / 4 / BUF_TOTAL_BYTES, /* without the reserve */
};

static uint64_t
waiters(void)
{
    struct pool_ledger ledger;

    pool_ledger(server->pool, &ledger);
    return ledger.waiters;
}

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
START_TEST(the_last_buffer_serves_all_in_turn)
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

/*
 * Client 0 waits for a buffer. False where so much time has passed that another one was closed for
 * it, which says nothing.
 */
static bool
one_waits(void)
{
    whisper(0, "version\r\n");
    iterate(1);
    if (server->closes[CLOSE_SHED_BUFFERS] > 0)
        return false;
    ck_assert_uint_eq(waiters(), 1);
    return true;
}

START_TEST(the_longest_stalled_gives_its_buffer)
{
    stall_all_but(0);
    if (!one_waits())
        return;
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

/* Where one stalled long ago, no tick has to be waited for. */
START_TEST(a_long_stalled_one_is_closed_immediately)
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

/* What stalled just now is not closed yet: the server tries again soon, without an event. */
START_TEST(waiting_connections_are_relieved_soon)
{
    stall_all_but(0);
    timer_cancel(&server->tick);
    if (!one_waits())
        return;
    ck_assert_int_ge(loop_wait_ms(server->loop), 0);
    ck_assert_int_le(loop_wait_ms(server->loop), RELIEF_MS);
    iterate_until_closed(CLOSE_SHED_BUFFERS, 1);
}
END_TEST

START_TEST(a_buffer_of_a_closed_connection_is_granted)
{
    stall_all_but(0);
    if (!one_waits())
        return;
    hang_up(STALLERS);
    iterate(3);
    ck_assert_uint_eq(waiters(), 0);
    (void)hear(0);
    ck_assert_int_eq(strncmp(out, "VERSION ", 8), 0);
    ck_assert_uint_eq(server->closes[CLOSE_SHED_BUFFERS], 0);
}
END_TEST

START_TEST(a_waiting_connection_may_be_closed)
{
    stall_all_but(0);
    if (!one_waits())
        return;
    rig_kill();
}
END_TEST

/* --- Time --- */

START_TEST(a_peer_that_does_not_read_is_closed)
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

int
main(void)
{
    TCase *tc = leak_tcase("shed_buffers");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_test(tc, the_last_buffer_serves_all_in_turn);
    tcase_add_test(tc, the_longest_stalled_gives_its_buffer);
    tcase_add_test(tc, the_longest_stalled_gives_its_buffer_whatever_it_holds);
    tcase_add_test(tc, progress_saves_a_stalled_one);
    tcase_add_test(tc, a_stalled_one_that_reads_on_gets_all);
    tcase_add_test(tc, a_long_stalled_one_is_closed_immediately);
    tcase_add_test(tc, waiting_connections_are_relieved_soon);
    tcase_add_test(tc, a_buffer_of_a_closed_connection_is_granted);
    tcase_add_test(tc, a_waiting_connection_may_be_closed);
    tcase_add_test(tc, a_peer_that_does_not_read_is_closed);
    return leak_run(tc, "conn/shed_buffers");
}
