#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "lombard/event/listen.h"
#include "rig.h"

/* --- Ends --- */

START_TEST(the_first_reason_stays)
{
    struct conn *c;

    dial(0);
    iterate(1);
    c = conn_at(0);
    conn_mark_dead(c, CLOSE_IDLE);
    conn_mark_dead(c, CLOSE_RESET);
    ck_assert_int_eq(c->close_reason, CLOSE_IDLE);
    ck_assert_str_eq(conn_state_name(c), "closing");
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_IDLE], 1);
    ck_assert_uint_eq(server->closes[CLOSE_RESET], 0);
    ck_assert(is_closed(0));
}
END_TEST

/* What it said it would close for is what it closes for. */
START_TEST(an_announced_reason_stays)
{
    struct conn *c;

    dial(0);
    iterate(1);
    c = conn_at(0);
    conn_finish(c, CLOSE_QUIT);
    conn_finish(c, CLOSE_EOF);
    conn_mark_dead(c, CLOSE_RESET);
    iterate(1);
    ck_assert_uint_eq(server->closes[CLOSE_QUIT], 1);
    ck_assert(is_closed(0));
}
END_TEST

static const struct {
    int err;
    enum close_reason reason;
} broken[] = {{ETIMEDOUT, CLOSE_VANISHED}, {ECONNRESET, CLOSE_RESET}, {EPIPE, CLOSE_RESET}};

START_TEST(broken_sockets)
{
    dial(0);
    iterate(1);
    conn_socket_failed(conn_at(0), broken[_i].err);
    iterate(1);
    ck_assert_uint_eq(server->closes[broken[_i].reason], 1);
}
END_TEST

/* --- Buffers --- */

/* Granted for output while it waits: it is served, and gives it back. */
START_TEST(a_grant_of_output_is_used)
{
    struct borrower lender;
    struct buf *buf = NULL;
    struct conn *c;

    list_init(&lender.node);
    dial(0);
    iterate(1);
    c = conn_at(0);
    ck_assert_int_eq(pool_loan(server->pool, &lender, LOAN_FOR_OUTPUT, &buf), LOAN_ALLOCATED);
    conn_on_grant(&c->link, LOAN_FOR_OUTPUT, buf);
    ck_assert_ptr_eq(c->wbuf, buf);
    ck_assert_str_eq(conn_state_name(c), "ready");
    whisper(0, "version\r\n");
    iterate(2);
    (void)hear(0);
    ck_assert_int_eq(strncmp(out, "VERSION ", 8), 0);
    ck_assert_uint_eq(lent(), 0);
}
END_TEST

/* No room in the stashes: a partial command keeps its buffer instead. */
START_TEST(a_partial_command_where_stashes_are_full)
{
    server->config.buffer_bytes = 0;
    dial(0);
    say(0, "get a");
    iterate(2);
    ck_assert_uint_eq(lent(), 1);
    ck_assert_uint_eq(server->stats.conn_stalled, 1);
    ck_assert_str_eq(conn_state_name(conn_at(0)), "receiving_value");
    say(0, "\r\n");
    expect(0, "END\r\n");
    ck_assert_uint_eq(lent(), 0);
}
END_TEST

/* --loan off: both buffers stay with an idle connection, until it is closed. */
START_TEST(buffers_are_kept_for_comparison)
{
    server->config.keep_buffers = true;
    dial(0);
    dial(1);
    say(0, "get a\r\n");
    expect(0, "END\r\n");
    say(1, "get");
    iterate(2);
    ck_assert_uint_eq(lent(), 4);
    say(1, " a\r\n");
    expect(1, "END\r\n");
    say(0, "get b\r\nquit\r\n");
    expect(0, "END\r\n");
    ck_assert(is_closed(0));
    ck_assert_uint_eq(lent(), 2);
}
END_TEST

/* --- The budget of a dispatch --- */

/* As far as the host allows such large socket buffers: else it blocks before. */
static void
widen(int fd)
{
    int bytes = 4 << 20;

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

static uint64_t
dispatches_since(uint64_t before)
{
    return server->stats.conn_dispatches - before;
}

START_TEST(a_dispatch_sends_no_more_than_its_budget)
{
    struct conn *c;
    uint64_t before, dispatches;

    dial(0);
    store_value(0, "v", 300000);
    c = conn_at(0);
    widen(c->watch.fd);
    before = c->bytes_out;
    dispatches = server->stats.conn_dispatches;
    for (int i = 0; i < 12; i++)
        whisper(0, "get v\r\n");
    iterate(1);
    ck_assert_uint_gt(c->bytes_out, before);
    ck_assert_uint_le(c->bytes_out - before, dispatches_since(dispatches) * LONG_SLICE_BYTES);
    ck_assert_uint_gt(server->stats.conn_yields, 0);
    ck_assert_uint_eq(hear(0), (size_t)12 * (18 + 300000 + 7));
}
END_TEST

START_TEST(a_dispatch_receives_no_more_than_its_budget)
{
    static char value[1900000];
    size_t sent = 0;
    struct conn *c;

    dial(0);
    iterate(1);
    c = conn_at(0);
    widen(clients[0]);
    whisper(0, "set v 0 0 1900000\r\n");
    while (sent < sizeof(value)) {
        ssize_t n = send(clients[0], value + sent, sizeof(value) - sent, MSG_NOSIGNAL);
        uint64_t before = c->bytes_in;
        uint64_t dispatches = server->stats.conn_dispatches;

        sent += n > 0 ? (size_t)n : 0;
        iterate(1);
        /* What the call that ends it receives may lie half in the store and half in a buffer. */
        if (c->bytes_in > before)
            ck_assert_uint_le(c->bytes_in - before,
                              (dispatches_since(dispatches) + 1) * SLICE_BYTES);
    }
    say(0, "\r\n");
    iterate(100); /* what is left comes slice by slice */
    expect(0, "STORED\r\n");
}
END_TEST

/* --- Destroyed in the middle of everything --- */

START_TEST(a_server_ends_whatever_its_clients_do)
{
    enum { SLEEPER, HALF, BLOCKED, UPLOADING, STREAMING };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    for (int i = 0; i <= STREAMING; i++)
        dial(i);
    store_value(SLEEPER, "v", 100000);
    say(HALF, "get a");
    stall_on(BLOCKED, "v");
    say(UPLOADING, "set u 0 0 1000000\r\nabc");
    for (int i = 0; i < 200; i++)
        whisper(STREAMING, "stats\r\n");
    iterate(3);
    server->listener_count = LISTEN_SOCKETS_MAX; /* so many are not taken */
    ck_assert(!server_listen(server, fd, ROLE_CLIENT));
    server->listener_count = 1;
    (void)close(fd);
    rig_kill();
    server_destroy(NULL);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("conn");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_test(tc, the_first_reason_stays);
    tcase_add_test(tc, an_announced_reason_stays);
    tcase_add_loop_test(tc, broken_sockets, 0, ARRAY_LEN(broken));
    tcase_add_test(tc, a_grant_of_output_is_used);
    tcase_add_test(tc, a_partial_command_where_stashes_are_full);
    tcase_add_test(tc, buffers_are_kept_for_comparison);
    tcase_add_test(tc, a_dispatch_sends_no_more_than_its_budget);
    tcase_add_test(tc, a_dispatch_receives_no_more_than_its_budget);
    tcase_add_test(tc, a_server_ends_whatever_its_clients_do);
    return leak_run(tc, "conn/conn");
}
