/* A client that is not authenticated reaches nothing, in no protocol, and not for long. */
#include <string.h>

#include "admission.h"
#include "rig.h"
#include "sweep.h"

static struct passwords passwords;

static void
setup(void)
{
    unsigned line;

    ck_assert_int_eq(passwords_parse(&passwords, SLICE("foo:bar\n"), &line), PASSWORDS_OK);
    rig_options.passwords = &passwords;
    rig_options.shutdown_enabled = true;
    rig_options.server.auth_timeout_s = 10;
    rig_start();
    dial(0);
    dial(1);
    iterate(2);
}

#define LOGIN  "set auth 0 0 7\r\nfoo bar\r\n"
#define DENIED "CLIENT_ERROR unauthenticated\r\n"
#define FAILED "CLIENT_ERROR authentication failure\r\n"

/* A request: opcode, lengths of key and extras, and of the whole body; what it holds follows. */
#define PACKET(op, key, ext, body)                                                             \
    "\x80" op "\0" key ext "\0\0\0\0\0\0" body "\0\0\0\7\0\0\0\0\0\0\0\0"
#define ANSWER(op, status, text, bytes)                                                        \
    "\x81" op "\0\0\0\0\0" status "\0\0\0" bytes "\0\0\0\7\0\0\0\0\0\0\0\0" text
#define AUTH        PACKET("\x21", "\5", "\0", "\x0d") "PLAIN\0foo\0bar"
#define BAD_AUTH    PACKET("\x21", "\5", "\0", "\x0d") "PLAIN\0foo\0baz"
#define REFUSED(op) ANSWER(op, "\x20", "Auth failure.", "\x0d")
#define WELCOME     ANSWER("\x21", "\0", "Authenticated", "\x0d")
#define GET         PACKET("\0", "\1", "\0", "\1") "k"
#define SET         PACKET("\1", "\1", "\x08", "\x0a") "\0\0\0\0\0\0\0\0kv"

static void
expect_bytes(int i, const char *want, size_t bytes)
{
    ck_assert_uint_eq(hear(i), bytes);
    ck_assert_int_eq(memcmp(out, want, bytes), 0);
}

#define SAY(i, literal)    say_bytes(i, literal, sizeof(literal) - 1)
#define EXPECT(i, literal) expect_bytes(i, literal, sizeof(literal) - 1)

/* KEY, asked for by client 1, which authenticates for that. */
static void
check_absent(const char *key)
{
    char get[64];

    say(1, LOGIN);
    expect(1, "STORED\r\n");
    (void)snprintf(get, sizeof(get), "get %s\r\n", key);
    say(1, get);
    expect(1, "END\r\n");
}

/* --- Text --- */

START_TEST(text_says_who_it_is_first)
{
    say(0, "get k\r\n");
    expect(0, DENIED);
    say(0, LOGIN);
    expect(0, "STORED\r\n");
    /* From now on the same is a command that stores. */
    say(0, LOGIN "get auth\r\n");
    expect(0, "STORED\r\nVALUE auth 0 7\r\nfoo bar\r\nEND\r\n");
    ck_assert_uint_eq(server->closes[CLOSE_UNAUTHENTICATED], 0);
}
END_TEST

/* Every command that there is; a value that comes with one is lines, too. */
START_TEST(no_line_reaches_anything)
{
    static const struct {
        const char *say, *expect;
    } rows[] = {
        {"add k 0 0 7\r\nfoo bar\r\n", DENIED DENIED},
        {"ms k 7\r\nfoo bar\r\n", DENIED DENIED},
        {"set k 0 0 7\r\nfoo baz\r\n", FAILED},
        {"set k 0 0 7 noreply\r\nfoo baz\r\n", FAILED},
        {"append k 0 0 1\r\nx\r\n", DENIED},
        {"cas k 0 0 7 1\r\nfoo bar\r\n", DENIED DENIED},
        {"incr k 1\r\ndecr k 1\r\ndelete k\r\n", DENIED DENIED DENIED},
        {"touch k 1\r\ngat 1 k\r\ngats 1 k\r\ngets k\r\n", DENIED DENIED DENIED DENIED},
        {"mg k v\r\nmd k q\r\nma k N0\r\nme k b\r\n", DENIED DENIED DENIED DENIED},
        {"flush_all\r\nflush_all noreply\r\n", DENIED DENIED},
        {"shutdown\r\nverbosity 2\r\nverbosity 2 noreply\r\n", DENIED DENIED DENIED},
        {"stats\r\nstats settings\r\nstats conns\r\n", DENIED DENIED DENIED},
        {"version\r\nwatch\r\nslabs automove 1\r\n", DENIED DENIED DENIED},
        {"lru_crawler metadump all\r\ncache_memlimit 9\r\n", DENIED DENIED},
        {"GET / HTTP/1.1\r\nHost: localhost\r\n", DENIED DENIED},
    };

    say(0, rows[_i].say);
    say(0, "");
    expect(0, rows[_i].expect);
    ck_assert(!server_is_stopping(server));
    check_absent("k");
}
END_TEST

/* Whatever follows in the same packet is executed by what the first command made of the session. */
START_TEST(what_is_pipelined_behind_waits_for_the_result)
{
    say(0, "get k\r\n" LOGIN "set k 0 0 1\r\nx\r\nget k\r\n");
    expect(0, DENIED "STORED\r\nSTORED\r\nVALUE k 0 1\r\nx\r\nEND\r\n");
    dial(2);
    say(2, "set auth 0 0 7\r\nfoo baz\r\nget k\r\ndelete k\r\n" LOGIN "get k\r\n");
    expect(2, FAILED DENIED DENIED "STORED\r\nVALUE k 0 1\r\nx\r\nEND\r\n");
}
END_TEST

START_TEST(a_login_may_be_cut_everywhere)
{
    static const char text[] = LOGIN "get k\r\n";

    for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
        dial(2);
        say_bytes(2, text, cut);
        iterate(1);
        ck_assert_uint_eq(lent(), 0); /* few bytes are kept, and no buffer */
        say_bytes(2, text + cut, sizeof(text) - 1 - cut);
        expect(2, "STORED\r\nEND\r\n");
        hang_up(2);
        iterate(3);
    }
}
END_TEST

/* It is passed over, without being kept, and nothing in it is a command. */
START_TEST(a_long_token_is_discarded)
{
    static char token[16000];

    for (size_t i = 0; i + sizeof(LOGIN) < sizeof(token); i += sizeof(LOGIN) - 1)
        memcpy(token + i, LOGIN, sizeof(LOGIN) - 1);
    say(0, "set auth 0 0 16000\r\n");
    say_bytes(0, token, sizeof(token));
    ck_assert_uint_eq(hear(0), 0);
    ck_assert_uint_eq(lent(), 0);
    ck_assert_uint_eq(server->stats.stash_bytes, 0);
    say(0, "\r\nget k\r\n");
    expect(0, "CLIENT_ERROR auth token too long\r\n" DENIED);
}
END_TEST

START_TEST(a_bad_end_is_no_login)
{
    say(0, "set auth 0 0 7\r\nfoo barxx");
    expect(0, "CLIENT_ERROR bad command line termination\r\n");
    say(0, "get k\r\n");
    expect(0, DENIED);
}
END_TEST

/* --- Binary --- */

START_TEST(binary_says_who_it_is_first)
{
    SAY(0, AUTH SET GET);
    ck_assert_uint_gt(hear(0), sizeof(WELCOME) - 1 + 48);
    ck_assert_int_eq(memcmp(out, WELCOME, sizeof(WELCOME) - 1), 0);
    ck_assert_int_eq(out[sizeof(WELCOME) - 1 + 7], 0); /* the status of the set */
}
END_TEST

/* It closes: a client that sends quiet commands would not notice before it is too late. */
START_TEST(no_packet_reaches_anything)
{
    char packet[] = PACKET("\0", "\1", "\0", "\1") "k";
    char answer[] = REFUSED("\0");
    bool is_open =
        _i == 0x07 || _i == 0x17 || _i == 0x0b || _i == 0x1f || (_i >= 0x20 && _i <= 0x22);

    if (is_open)
        return;
    packet[1] = answer[1] = (char)_i;
    if (_i == 0x01 || (_i >= 0x11 && _i <= 0x13)) {
        dial(2);
        SAY(2, SET);
        EXPECT(2, REFUSED("\1"));
        ck_assert(is_closed(2));
    }
    say_bytes(0, packet, sizeof(packet) - 1);
    ck_assert_uint_eq(hear(0), sizeof(answer) - 1);
    /* Lengths that do not fit the opcode are said to be denied, too. */
    ck_assert_int_eq(memcmp(out, answer, sizeof(answer) - 1), 0);
    ck_assert(is_closed(0));
    ck_assert_uint_ge(server->closes[CLOSE_UNAUTHENTICATED], 1);
    check_absent("k");
}
END_TEST

/* Not for its body, however long that is said to be. */
START_TEST(a_denied_value_is_not_waited_for)
{
    SAY(0, "\x80\1\0\1\x08\0\0\0\0\0\1\0\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0k");
    EXPECT(0, REFUSED("\1"));
    ck_assert(is_closed(0));
    SAY(1, "\x80\1\0\1\x08\0\0\0\x30\0\0\0\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0k");
    EXPECT(1, REFUSED("\1"));
    ck_assert(is_closed(1));
    ck_assert_uint_eq(server->stats.task_bytes, 0);
}
END_TEST

START_TEST(a_failure_takes_an_old_success_away)
{
    SAY(0, AUTH BAD_AUTH GET SET);
    EXPECT(0, WELCOME REFUSED("\x21") REFUSED("\0"));
    ck_assert(is_closed(0));
    check_absent("k");
}
END_TEST

START_TEST(a_long_message_is_discarded)
{
    static char message[2001];

    SAY(0, "\x80\x21\0\5\0\0\0\0\0\0\x07\xd6\0\0\0\7\0\0\0\0\0\0\0\0PLAIN");
    say_bytes(0, message, sizeof(message));
    EXPECT(0, ANSWER("\x21", "\3", "Too large.", "\x0a"));
    SAY(0, AUTH);
    EXPECT(0, WELCOME);
}
END_TEST

/* --- How long --- */

static void
sweep_after(uint32_t seconds)
{
    server->attended_ms += UINT64_C(1000) * seconds;
    server->attended_s += seconds;
    for (int i = 0; i < 2 * SWEEP_PARTS; i++)
        server_sweep_idle(server);
    iterate(1);
}

START_TEST(who_does_not_authenticate_is_closed)
{
    say(1, LOGIN);
    expect(1, "STORED\r\n");
    for (int i = 0; i < 5; i++) {
        say(0, "get k\r\n"); /* to be active does not help */
        expect(0, DENIED);
        sweep_after(2);
    }
    ck_assert_uint_eq(server->closes[CLOSE_AUTH_TIMEOUT], 0);
    sweep_after(1);
    ck_assert_uint_eq(server->closes[CLOSE_AUTH_TIMEOUT], 1);
    ck_assert(is_closed(0));
    sweep_after(1000);
    say(1, "get k\r\n");
    expect(1, "END\r\n");
    ck_assert_uint_eq(server->closes[CLOSE_IDLE], 0);
}
END_TEST

START_TEST(what_has_just_come_is_looked_at)
{
    whisper(0, LOGIN);
    whisper(1, "get k\r\n");
    sweep_after(11);
    ck_assert_uint_eq(server->closes[CLOSE_AUTH_TIMEOUT], 0);
    expect(0, "STORED\r\n");
    whisper(1, "get k\r\n");
    sweep_after(1); /* once */
    ck_assert_uint_eq(server->closes[CLOSE_AUTH_TIMEOUT], 1);
}
END_TEST

START_TEST(there_may_be_no_limit)
{
    server->config.auth_timeout_s = 0;
    sweep_after(100000);
    ck_assert_uint_eq(server->closes[CLOSE_AUTH_TIMEOUT], 0);
    say(0, LOGIN);
    expect(0, "STORED\r\n");
}
END_TEST

/* --- The operator over -c --- */

START_TEST(an_operator_must_be_known)
{
    server->config.max_conns = 2;
    timer_cancel(&server->tick);
    dial(2);
    iterate(2);
    ck_assert_ptr_nonnull(server->operator_conn);
    say(2, "stats\r\n");
    expect(2, DENIED);
    say(2, "set auth 0 0 7\r\nfoo baz\r\n");
    expect(2, FAILED);
    /* It keeps that place no longer than one that says nothing. */
    ck_assert(!server->operator_conn->has_looked);
    say(2, LOGIN "version\r\n");
    expect(2, "STORED\r\nVERSION " CMD_VERSION "\r\n");
    ck_assert(server->operator_conn->has_looked);
    say(2, "get k\r\n");
    expect(2, "ERROR Too many open connections\r\n");
    ck_assert(is_closed(2));
    hang_up(2);
    dial(2);
    iterate(2);
    server->operator_conn->stalled_ms -= OPERATOR_WAIT_MS;
    server_check_operator(server);
    iterate(1);
    expect(2, "ERROR Too many open connections\r\n");
    server->config.max_conns = CLIENTS;
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("auth");

    tcase_add_checked_fixture(tc, setup, rig_stop);
    tcase_add_test(tc, text_says_who_it_is_first);
    tcase_add_loop_test(tc, no_line_reaches_anything, 0, 15);
    tcase_add_test(tc, what_is_pipelined_behind_waits_for_the_result);
    tcase_add_test(tc, a_login_may_be_cut_everywhere);
    tcase_add_test(tc, a_long_token_is_discarded);
    tcase_add_test(tc, a_bad_end_is_no_login);
    tcase_add_test(tc, binary_says_who_it_is_first);
    tcase_add_loop_test(tc, no_packet_reaches_anything, 0, 256);
    tcase_add_test(tc, a_denied_value_is_not_waited_for);
    tcase_add_test(tc, a_failure_takes_an_old_success_away);
    tcase_add_test(tc, a_long_message_is_discarded);
    tcase_add_test(tc, who_does_not_authenticate_is_closed);
    tcase_add_test(tc, what_has_just_come_is_looked_at);
    tcase_add_test(tc, there_may_be_no_limit);
    tcase_add_test(tc, an_operator_must_be_known);
    return leak_run(tc, "conn/auth");
}
