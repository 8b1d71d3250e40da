#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lombard/event/listen.h"
#include "rig.h"

START_TEST(serves_and_is_idle_with_nothing)
{
    dial(0);
    say(0, "set a 7 0 3\r\nabc\r\nget a\r\n");
    expect(0, "STORED\r\nVALUE a 7 3\r\nabc\r\nEND\r\n");
    ck_assert_uint_eq(lent(), 0);
}
END_TEST

static const char session[] = "set a 0 0 3\r\nabc\r\nget a b\r\nincr a 1\r\ngets a\r\n"
                              "set n 0 0 1 noreply\r\n1\r\nincr n 9\r\nbogus\r\nversion\r\n";
static const char session_want[] =
    "STORED\r\nVALUE a 0 3\r\nabc\r\nEND\r\nCLIENT_ERROR cannot "
    "increment or decrement non-numeric value\r\nVALUE a 0 3 1\r\n"
    "abc\r\nEND\r\n10\r\nERROR\r\nVERSION " CMD_VERSION "\r\n";

START_TEST(any_cut_gives_the_same_replies)
{
    size_t cut = (size_t)_i;

    dial(0);
    say_bytes(0, session, cut);
    iterate(2);
    ck_assert_uint_eq(lent(), 0); /* half a command costs no buffer */
    say_bytes(0, session + cut, sizeof(session) - 1 - cut);
    expect(0, session_want);
}
END_TEST

/* A stream or an end in the middle of a batch: what follows waits. */
START_TEST(stats_and_quit_in_one_piece)
{
    dial(0);
    say(0, "stats buffers\r\nget a\r\nquit\r\nget b\r\n");
    (void)hear(0);
    ck_assert_ptr_nonnull(strstr(out, "STAT buffers_made "));
    ck_assert_ptr_nonnull(strstr(out, "\r\nEND\r\nEND\r\n"));
    ck_assert_int_eq(strcmp(out + strlen(out) - 10, "END\r\nEND\r\n"), 0);
    ck_assert(is_closed(0));
    ck_assert_uint_eq(server->closes[CLOSE_QUIT], 1);
}
END_TEST

START_TEST(half_close_still_gets_the_replies)
{
    dial(0);
    say(0, "set a 0 0 1\r\nx\r\nget a\r\n");
    (void)shutdown(clients[0], SHUT_WR);
    expect(0, "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
    ck_assert(is_closed(0));
    ck_assert_uint_eq(server->closes[CLOSE_EOF], 1);
}
END_TEST

/* The end is found while the last reply is still in the write buffer: the input filled a buffer. */
START_TEST(half_close_behind_a_full_buffer_still_gets_the_reply)
{
    static char input[BUF_BYTES];
    static const char quiet[] = "mg a q\r\n"; /* as long as the last one, and no reply */
    size_t off;

    ck_assert_uint_eq(BUF_BYTES % (sizeof(quiet) - 1), 0);
    for (off = 0; off < BUF_BYTES; off += sizeof(quiet) - 1)
        memcpy(input + off, quiet, sizeof(quiet) - 1);
    memcpy(input + off - 8, "mg a  \r\n", 8);
    dial(0);
    ck_assert_int_eq((int)send(clients[0], input, sizeof(input), MSG_NOSIGNAL),
                     (int)sizeof(input));
    (void)shutdown(clients[0], SHUT_WR);
    iterate(200); /* many slices */
    expect(0, "EN\r\n");
    ck_assert(is_closed(0));
    ck_assert_uint_eq(server->closes[CLOSE_EOF], 1);
}
END_TEST

/* Values of every kind of way: copied, referenced, received in place, in several parts. */
static const size_t value_sizes[] = {0,      1,     1023,  1024,   1025,   2047,    2048,
                                     4095,   4096,  8191,  8192,   8193,   16351,   16352,
                                     16384,  17376, 17377, 20447,  20448,  20449,   65536,
                                     100000, 65400, 70000, 131072, 524288, 1048000, 1500000};

START_TEST(values_of_all_sizes_come_back)
{
    static char value[2 << 20];
    size_t len = value_sizes[_i];
    char head[64];
    size_t head_len;

    fill(value, len, (unsigned)_i);
    dial(0);
    (void)snprintf(head, sizeof(head), "set k 5 0 %zu\r\n", len);
    say(0, head);
    say_bytes(0, value, len);
    say(0, "\r\n");
    expect(0, "STORED\r\n");
    say(0, "get k k\r\n");
    head_len = (size_t)snprintf(head, sizeof(head), "VALUE k 5 %zu\r\n", len);
    ck_assert_uint_eq(hear(0), 2 * (head_len + len + 2) + 5);
    for (int i = 0; i < 2; i++) {
        const char *part = out + (size_t)i * (head_len + len + 2);

        ck_assert_int_eq(memcmp(part, head, head_len), 0);
        ck_assert_int_eq(memcmp(part + head_len, value, len), 0);
        ck_assert_int_eq(memcmp(part + head_len + len, "\r\n", 2), 0);
    }
    ck_assert_uint_eq(lent(), 0);
}
END_TEST

/* Asks for much, reads nothing: one buffer, and others are served; then every byte is right. */
START_TEST(stalled_reader_holds_one_buffer)
{
    static char value[100000];
    size_t got = 0;
    size_t wrong = 0;

    fill(value, sizeof(value), 3);
    dial(0);
    dial(1);
    say(0, "set k 0 0 100000\r\n");
    say_bytes(0, value, sizeof(value));
    say(0, "\r\n");
    expect(0, "STORED\r\n");
    for (int i = 0; i < 30; i++)
        memcpy(out + 7 * i, "get k\r\n", 7);
    ck_assert_int_eq((int)send(clients[0], out, 210, 0), 210);
    iterate(5);
    ck_assert_uint_eq(lent(), 1);
    ck_assert_uint_eq(server->stats.conn_stalled, 1);
    say(1, "get k\r\n");
    ck_assert_uint_eq(hear(1), 18 + sizeof(value) + 2 + 5);
    say(1, "set k 0 0 1\r\nx\r\n"); /* replaced while it is being sent */
    expect(1, "STORED\r\n");
    while (got < 30 * (18 + sizeof(value) + 7)) {
        size_t part = (got % (18 + sizeof(value) + 7));
        ssize_t n = recv(clients[0], out, OUT_BYTES, 0);

        iterate(1);
        for (ssize_t i = 0; i < n; i++, part++) {
            part %= 18 + sizeof(value) + 7;
            if (part >= 18 && part < 18 + sizeof(value))
                wrong += out[i] != value[part - 18];
        }
        got += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_eq(wrong, 0);
    iterate(3);
    ck_assert_uint_eq(lent(), 0);
}
END_TEST

START_TEST(too_large_and_bad_ends_stay_in_step)
{
    static char value[3 << 20];

    memset(value, 'v', sizeof(value));
    dial(0);
    say(0, "set k 0 0 3145728\r\n");
    say_bytes(0, value, sizeof(value));
    say(0, "\r\nget k\r\n");
    expect(0, "SERVER_ERROR object too large for cache\r\nEND\r\n");
    say(0, "set k 0 0 5000\r\n");
    say_bytes(0, value, 5000);
    say(0, "xxget k\r\n");
    (void)hear(0);
    ck_assert_ptr_nonnull(strstr(out, "CLIENT_ERROR bad data chunk\r\n"));
    say(0, "get k\r\n");
    (void)hear(0);
    ck_assert_ptr_nonnull(strstr(out, "END\r\n"));
}
END_TEST

/* -R 1: a pipeline yields after each request, and loses none. */
START_TEST(requests_per_dispatch_are_honoured)
{
    server->config.requests_per_dispatch = 1;
    dial(0);
    iterate(1);
    ck_assert_int_eq((int)send(clients[0], "get a\r\nget b\r\nget c\r\n", 21, 0), 21);
    iterate(1);
    ck_assert_int_ge((int)server->stats.conn_yields, 1);
    ck_assert_uint_le(conn_at(0)->bytes_out, server->stats.conn_dispatches * 5);
    expect(0, "END\r\nEND\r\nEND\r\n");
    ck_assert_int_ge((int)server->stats.conn_yields, 2);
}
END_TEST

START_TEST(line_without_end_is_refused)
{
    static char line[8192];

    memset(line, 'x', sizeof(line));
    dial(0);
    say_bytes(0, line, LINE_BYTES_MAX);
    ck_assert(!is_closed(0));
    (void)send(clients[0], line, 1, MSG_NOSIGNAL);
    iterate(3);
    (void)hear(0);
    ck_assert_int_eq(strncmp(out, "CLIENT_ERROR", 12) == 0 || strncmp(out, "ERROR", 5) == 0, 1);
    ck_assert(is_closed(0));
    ck_assert_uint_eq(server->closes[CLOSE_PROTOCOL], 1);
}
END_TEST

/* 5,000 keys in one line, which comes in small pieces. */
START_TEST(multiget_of_any_length)
{
    char key[32];

    dial(0);
    say(0, "set key4999 0 0 1\r\nx\r\n");
    expect(0, "STORED\r\n");
    say(0, "get");
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof(key), " key%d", i);
        say(0, key);
    }
    say(0, "\r\n");
    expect(0, "VALUE key4999 0 1\r\nx\r\nEND\r\n");
    ck_assert_uint_eq(lent(), 0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("server");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_test(tc, serves_and_is_idle_with_nothing);
    tcase_add_loop_test(tc, any_cut_gives_the_same_replies, 0, sizeof(session));
    tcase_add_test(tc, stats_and_quit_in_one_piece);
    tcase_add_test(tc, half_close_still_gets_the_replies);
    tcase_add_test(tc, half_close_behind_a_full_buffer_still_gets_the_reply);
    tcase_add_loop_test(tc, values_of_all_sizes_come_back, 0, ARRAY_LEN(value_sizes));
    tcase_add_test(tc, stalled_reader_holds_one_buffer);
    tcase_add_test(tc, too_large_and_bad_ends_stay_in_step);
    tcase_add_test(tc, requests_per_dispatch_are_honoured);
    tcase_add_test(tc, line_without_end_is_refused);
    tcase_add_test(tc, multiget_of_any_length);
    return leak_run(tc, "conn/server");
}
