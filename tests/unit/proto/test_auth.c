/* What a client that is not authenticated can say, in text and in binary. */
#include <stdlib.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "parse.h"

#define H(op, key, body) "\x80" op "\0" key "\0\0\0\0" body "\0\0\0\x07\0\0\0\0\0\0\0\0"

/* clang-format off */
static const struct parse_case text_cases[] = {
    ROW("a user and a password", "set k 0 0 7\r\nfoo bar\r\n", "auth bytes=7 body=9\n"),
    ROW("a bare newline", "set k 0 0 7\nfoo bar\r\n", "auth bytes=7 body=9\n"),
    ROW("no command is quiet", "set k 0 0 7 noreply\r\nfoo bar\r\n", "auth bytes=7 body=9\n"),
    ROW("key, flags and expiry do not count", "set  a b c 7 d e f\r\nfoo bar\r\n",
        "auth bytes=7 body=9\n"),
    ROW("nothing at all", "set k 0 0 0\r\n\r\n", "auth body=2\n"),
    ROW("as long as may be", "set k 0 0 1024\r\n", "auth bytes=1024 body=1026\n"),
    ROW("leading zeros", "set k 0 0 00000000007\r\nfoo bar\r\n", "auth bytes=7 body=9\n"),
    ROW("any other command", "get a\r\nadd k 0 0 7\r\nms k 7\r\nversion\r\nstats\r\n",
        "refused \"\"\nrefused \"\"\nrefused \"\"\nrefused \"\"\nrefused \"\"\n"),
    ROW("other spellings", "SET k 0 0 7\r\nsettle k 0 0 7\r\n set k 0 0 7\r\nset\tk 0 0 7\r\n",
        "refused \"\"\nrefused \"\"\nrefused \"\"\nrefused \"\"\n"),
    ROW("no length", "set k 0 0\r\nset k 0 0 x\r\nset k 0 0 -1\r\nset k 0 0 4294967296\r\n",
        "refused \"\"\nrefused \"\"\nrefused \"\"\nrefused \"\"\n"),
    ROW("more digits than count", "set k 0 0 000000000007\r\n", "refused \"\"\n"),
    ROW("too long: it is passed over", "set k 0 0 1025\r\n",
        "refused_open \"CLIENT_ERROR auth token too long\\r\\n\" bytes=1025 body=1027\n"),
    ROW("longer than any value: commands follow", "set k 0 0 2147483646\r\nget a\r\n",
        "refused_open \"CLIENT_ERROR auth token too long\\r\\n\"\nrefused \"\"\n"),
    ROW("quit", "quit\r\n", "quit quiet close\n"),
    ROW("quit with a bare newline", "quit\n", "quit quiet close\n"),
    ROW("shorter than any command", "mn\r\n", "refused_open \"\" quiet close\n"),
    ROW("an empty line", "\r\n", "refused_open \"\" quiet close\n"),
    ROW("just long enough", "abcde\r\nabcdef\n", "refused \"\"\nrefused \"\"\n"),
    ROW("just too short", "abcde\n", "refused_open \"\" quiet close\n"),
    ROW("a multiget is a line like others", "get a b c\r\ngat 0 a\r\n",
        "refused \"\"\nrefused \"\"\n"),
};

static const struct parse_case binary_cases[] = {
    ROW("the mechanisms", H("\x20", "\0", "\0\0\0\0"), "sasl_list opaque=7\n"),
    ROW("a message", H("\x21", "\5", "\0\0\0\x0d") "PLAIN\0foo\0bar",
        "sasl_auth key=PLAIN bytes=8 body=8 opaque=7\n"),
    ROW("a step", H("\x22", "\5", "\0\0\0\x0d") "PLAIN\0foo\0bar",
        "sasl_step key=PLAIN bytes=8 body=8 opaque=7\n"),
    ROW("no message", H("\x21", "\5", "\0\0\0\5") "PLAIN", "sasl_auth key=PLAIN opaque=7\n"),
    ROW("a CAS makes no other command of it",
        "\x80\x21\0\5\0\0\0\0\0\0\0\x0d\0\0\0\7\0\0\0\0\0\0\0\x09PLAIN\0foo\0bar",
        "sasl_auth key=PLAIN cas=9 bytes=8 body=8 opaque=7\n"),
    ROW("as long as may be", H("\x21", "\5", "\0\0\4\5") "PLAIN",
        "sasl_auth key=PLAIN bytes=1024 body=1024 opaque=7\n"),
    ROW("too long: it is passed over", H("\x21", "\5", "\0\0\4\6"),
        "refused_open \"Too large.\" body=1030 opaque=7 status=3\n"),
    ROW("no mechanism", H("\x21", "\0", "\0\0\0\1") "x",
        "refused_open \"Invalid arguments\" close opaque=7 status=4\n"),
    ROW("what others may ask for", H("\x0b", "\0", "\0\0\0\1") "x",
        "refused_open \"Invalid arguments\" close opaque=7 status=4\n"),
    ROW("lengths that make no sense", H("\x00", "\5", "\0\0\0\4"),
        "refused_open \"Unknown command\" close opaque=7 status=129\n"),
    ROW("no such command", H("\xee", "\0", "\0\0\0\1") "x",
        "refused \"Unknown command\" body=1 opaque=7 status=129\n"),
    ROW("nonsense behind a packet", H("\x20", "\0", "\0\0\0\0") "x",
        "sasl_list opaque=7\nrefused_open \"\" quiet close\n"),
};
/* clang-format on */

static void
setup(void)
{
    parse_session.authenticated = false;
}

START_TEST(text_gives_these_requests)
{
    parse_check(&text_cases[_i]);
}
END_TEST

START_TEST(packets_give_these_requests)
{
    parse_check(&binary_cases[_i]);
}
END_TEST

/* It is shown whole, and yet neither taken apart nor waited for any longer. */
START_TEST(a_line_without_an_end_is_refused)
{
    static char line[LINE_BYTES_MAX + 2];
    static char out[PARSE_TEXT_BYTES];
    static const char *const words[] = {"get ", "x"};
    const char *word = words[_i];

    memset(line, 'x', sizeof(line));
    memcpy(line, word, strlen(word));
    parse_cut(slice_make(line, LINE_BYTES_MAX), 0, out);
    ck_assert_str_eq(out, "");
    parse_cut(slice_make(line, LINE_BYTES_MAX + 1), 0, out);
    ck_assert_str_eq(out, "refused_open \"CLIENT_ERROR line too long\\r\\n\" close\n");
}
END_TEST

/* --- Who may ask for what --- */

static bool
is_open(enum request_op op)
{
    static const enum request_op open[] = {OP_VERSION,      OP_QUIT,      OP_AUTH,
                                           OP_SASL_LIST,    OP_SASL_AUTH, OP_SASL_STEP,
                                           OP_REFUSED_OPEN, OP_HELLO};

    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        if (open[i] == op)
            return true;
    return false;
}

START_TEST(sessions_may_ask_for_what_they_are_for)
{
    enum request_op op = (enum request_op)_i;
    struct session session;

    session_init(&session, ROLE_CLIENT, true);
    ck_assert(session_may(&session, op));
    session_init(&session, ROLE_CLIENT, false);
    ck_assert_int_eq(session_may(&session, op), is_open(op));
    session.over_limit = true;
    ck_assert_int_eq(session_may(&session, op), is_open(op) && op != OP_REFUSED_OPEN);
    session.authenticated = true;
    ck_assert_int_eq(session_may(&session, op), op_has(op, PROP_SPARE));
}
END_TEST

/* A batch is parsed ahead, by the session as it is before it. */
START_TEST(what_authenticates_ends_a_batch)
{
    static const enum request_op ops[] = {OP_AUTH, OP_SASL_AUTH, OP_SASL_STEP};

    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        ck_assert(op_has(ops[i], PROP_BARRIER));
        ck_assert(op_has(ops[i], PROP_WHOLE));
        ck_assert(!op_has(ops[i], PROP_STORES));
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("auth");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, text_gives_these_requests, 0, ARRAY_LEN(text_cases));
    tcase_add_loop_test(tc, packets_give_these_requests, 0, ARRAY_LEN(binary_cases));
    tcase_add_loop_test(tc, a_line_without_an_end_is_refused, 0, 2);
    tcase_add_loop_test(tc, sessions_may_ask_for_what_they_are_for, 0, OP_COUNT);
    tcase_add_test(tc, what_authenticates_ends_a_batch);
    return leak_run(tc, "proto/auth");
}
