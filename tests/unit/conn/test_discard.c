/* A refused value is discarded first, then its refusal is sent, and nothing in it is executed. */
#include <string.h>

#include "rig.h"
#include "task.h"

enum { BODY = 3000000 };

#define TOO_LARGE "SERVER_ERROR object too large for cache\r\n"
#define BAD_LINE  "CLIENT_ERROR bad command line format\r\n"
/* A header of BODY bytes and 9 more, and extras and a key. */
#define PACKET(opcode)                                                                         \
    "\x80" opcode "\0\1\x08\0\0\0\0\x2d\xc6\xc9\0\0\0\7\0\0\0\0\0\0\0\0"                       \
    "\0\0\0\0\0\0\0\0v"
#define PACKET_TOO_LARGE(opcode)                                                               \
    "\x81" opcode "\0\0\0\0\0\3\0\0\0\x0a\0\0\0\7\0\0\0\0\0\0\0\0"                             \
    "Too large."

static const struct {
    const char *name;
    const char *head;
    size_t head_bytes;
    size_t body_bytes;
    const char *want;
    size_t want_bytes;
    bool stays; /* the old value */
} refused[] = {
#define ROW(name, head, body, want, stays)                                                     \
    {                                                                                          \
        name, head, sizeof(head) - 1, body, want, sizeof(want) - 1, stays                      \
    }
    ROW("set, too large", "set v 0 0 3000000\r\n", BODY + 2, TOO_LARGE, false),
    ROW("add, too large", "add v 0 0 3000000\r\n", BODY + 2, TOO_LARGE, true),
    ROW("append, too large", "append v 0 0 3000000\r\n", BODY + 2, TOO_LARGE, true),
    ROW("cas, too large", "cas v 0 0 3000000 1\r\n", BODY + 2, TOO_LARGE, true),
    ROW("ms, too large", "ms v 3000000\r\n", BODY + 2, TOO_LARGE, false),
    ROW("ms ME, too large", "ms v 3000000 ME\r\n", BODY + 2, TOO_LARGE, false),
    ROW("ms quiet, too large", "ms v 3000000 q\r\n", BODY + 2, TOO_LARGE, false),
    ROW("set noreply, too large", "set v 0 0 3000000 noreply\r\n", BODY + 2, "", false),
    ROW("ms, bad mode", "ms v 3000000 MX\r\n", BODY + 2,
        "CLIENT_ERROR invalid mode for ms M token\r\n", true),
    ROW("set, bad flags", "set v 1x 0 3000\r\n", 3002, BAD_LINE, true),
    ROW("binary set", PACKET("\x01"), BODY, PACKET_TOO_LARGE("\x01"), false),
    ROW("binary setq", PACKET("\x11"), BODY, PACKET_TOO_LARGE("\x11"), false),
    ROW("binary add", PACKET("\x02"), BODY, PACKET_TOO_LARGE("\x02"), true),
};

/* Commands, which must not be executed. */
static void
fill_body(char *body)
{
    static const char command[] = "\r\ndelete other\r\n";

    for (size_t i = 0; i < BODY + 2; i++)
        body[i] = command[i % (sizeof(command) - 1)];
    memcpy(body + BODY, "\r\n", 2);
}

static void
expect_bytes(int i, const char *want, size_t bytes)
{
    size_t got = hear(i);

    ck_assert_uint_eq(got, bytes);
    ck_assert_mem_eq(out, want, bytes);
}

START_TEST(the_refusal_comes_behind_the_value)
{
    static char body[BODY + 2];
    const size_t bytes = refused[_i].body_bytes;

    fill_body(body);
    dial(0);
    dial(1);
    say(1, "set v 0 0 3\r\nold\r\nset other 0 0 1\r\no\r\n");
    (void)hear(1);
    say_bytes(0, refused[_i].head, refused[_i].head_bytes);
    expect_bytes(0, "", 0);
    say_bytes(0, body, bytes / 2);
    expect_bytes(0, "", 0);
    ck_assert_uint_eq(lent(), 0); /* what is discarded keeps no buffer */
    say_bytes(0, body + bytes / 2, bytes - bytes / 2 - 1);
    expect_bytes(0, "", 0);
    say_bytes(0, body + bytes - 1, 1);
    expect_bytes(0, refused[_i].want, refused[_i].want_bytes);
    say(1, "get v other\r\n");
    expect(1, refused[_i].stays ? "VALUE v 0 3\r\nold\r\nVALUE other 0 1\r\no\r\nEND\r\n"
                                : "VALUE other 0 1\r\no\r\nEND\r\n");
}
END_TEST

/* What is behind it is executed, and answered behind it. */
START_TEST(the_next_command_is_in_step)
{
    static char body[BODY + 2];

    fill_body(body);
    dial(0);
    say(0, "mn\r\nset v 0 0 3000000\r\n");
    expect(0, "MN\r\n");
    say_bytes(0, body, sizeof(body));
    say(0, "mn\r\n");
    (void)hear(0);
    ck_assert_str_eq(out, TOO_LARGE "MN\r\n");
}
END_TEST

START_TEST(half_a_refused_value_is_no_reason_to_stay)
{
    dial(0);
    say(0, "set v 0 0 3000000\r\nabc");
    hang_up(0);
    iterate(2);
    ck_assert_uint_eq(server->table.conns, 0);
    ck_assert_uint_eq(server->closes[CLOSE_EOF] + server->closes[CLOSE_RESET], 1);
}
END_TEST

START_TEST(a_server_ends_while_it_discards)
{
    dial(0);
    say(0, "set v 0 0 3000000\r\nabc");
    rig_kill();
}
END_TEST

/* The heads of uploads are memory, too: where there is none left for them, one is refused. */
START_TEST(heads_of_uploads_have_a_limit)
{
    static char body[BODY + 2];
    uint64_t bytes;

    fill_body(body);
    dial(0);
    dial(1);
    say(0, "set u 0 0 100000\r\nabc");
    iterate(2);
    bytes = server->stats.task_bytes;
    ck_assert_uint_gt(bytes, sizeof(struct task));
    server->config.buffer_bytes = bytes + 100;
    say(1, "set v 0 0 3000\r\n");
    say_bytes(1, body, 3000);
    expect_bytes(1, "", 0);
    say(1, "\r\nmn\r\n");
    (void)hear(1);
    ck_assert_str_eq(out, "SERVER_ERROR out of memory storing object\r\nMN\r\n");
    server->config.buffer_bytes = SERVER_BUFFER_BYTES_MIN;
    hang_up(0);
    iterate(2);
    ck_assert_uint_eq(server->stats.task_bytes, 0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("discard");

    tcase_add_checked_fixture(tc, rig_start, rig_stop);
    tcase_add_loop_test(tc, the_refusal_comes_behind_the_value, 0, ARRAY_LEN(refused));
    tcase_add_test(tc, the_next_command_is_in_step);
    tcase_add_test(tc, half_a_refused_value_is_no_reason_to_stay);
    tcase_add_test(tc, heads_of_uploads_have_a_limit);
    tcase_add_test(tc, a_server_ends_while_it_discards);
    return leak_run(tc, "conn/discard");
}
