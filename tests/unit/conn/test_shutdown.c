/* The end of the server: what is closed, what is drained, and from where it may be ordered. */
#include "shutdown.h"

#include <string.h>

#include "rig.h"

static void
restart_with_shutdown(void)
{
    rig_stop();
    rig_options.shutdown_enabled = true;
    rig_start();
}

START_TEST(shutdown_closes_idle_connections_and_drains_the_rest)
{
    static char value[1 << 20];

    fill(value, sizeof(value), 1);
    dial(0);
    dial(1);
    say(0, "set k 0 0 1048000\r\n");
    say_bytes(0, value, 1048000);
    say(0, "\r\nget k\r\nget k\r\n");
    iterate(3);
    server_shutdown(server);
    iterate(1);
    ck_assert(is_closed(1));
    ck_assert_uint_eq(server->table.conns, 1);
    ck_assert_uint_eq(hear(0), 8 + 2 * (19 + 1048000 + 7));
    ck_assert(is_closed(0));
    ck_assert_uint_eq(server->closes[CLOSE_SHUTDOWN], 2);
}
END_TEST

/* `shutdown` from two clients drains as long as from one; only the operator cuts it short. */
START_TEST(no_client_shortens_a_drain)
{
    static char value[1 << 20];

    restart_with_shutdown();
    fill(value, sizeof(value), 1);
    for (int i = 0; i < 3; i++)
        dial(i);
    say(0, "set k 0 0 1048000\r\n");
    say_bytes(0, value, 1048000);
    say(0, "\r\nget k\r\nget k\r\n");
    whisper(1, "shutdown\r\n");
    whisper(2, "shutdown\r\n");
    iterate(2);
    ck_assert(server_is_stopping(server));
    ck_assert(is_closed(1));
    ck_assert(is_closed(2));
    ck_assert(!loop_is_stopped(server_loop(server)));
    ck_assert_uint_eq(hear(0), 8 + 2 * (19 + 1048000 + 7));
    ck_assert(is_closed(0));
    iterate(1);
    ck_assert(loop_is_stopped(server_loop(server))); /* no connection is left */
}
END_TEST

START_TEST(the_operator_may_stop_without_draining)
{
    static char value[1 << 20];

    fill(value, sizeof(value), 1);
    dial(0);
    say(0, "set k 0 0 1048000\r\n");
    say_bytes(0, value, 1048000);
    say(0, "\r\nget k\r\nget k\r\n");
    iterate(3);
    server_shutdown(server);
    server_shutdown(server);
    iterate(1);
    ck_assert(!loop_is_stopped(server_loop(server)));
    server_stop_now(server);
    ck_assert(loop_is_stopped(server_loop(server)));
}
END_TEST

/* With an argument that it does not know, or without -A, it stays. */
START_TEST(only_a_valid_shutdown_shuts_down)
{
    dial(0);
    say(0, "shutdown\r\nshutdown now\r\n");
    (void)hear(0);
    ck_assert_ptr_nonnull(strstr(out, "ERROR: shutdown not enabled\r\n"));
    ck_assert(!server_is_stopping(server));
    restart_with_shutdown();
    dial(1);
    say(1, "shutdown now\r\n");
    (void)hear(1);
    ck_assert_ptr_nonnull(strstr(out, "ERROR"));
    ck_assert(!server_is_stopping(server));
    say(1, "shutdown\r\n");
    ck_assert(server_is_stopping(server));
    ck_assert(is_closed(1));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("shutdown");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_test(tc, shutdown_closes_idle_connections_and_drains_the_rest);
    tcase_add_test(tc, no_client_shortens_a_drain);
    tcase_add_test(tc, the_operator_may_stop_without_draining);
    tcase_add_test(tc, only_a_valid_shutdown_shuts_down);
    return leak_run(tc, "conn/shutdown");
}
