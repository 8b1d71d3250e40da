/* Which attempts make a session an authenticated one, and which take that away again. */
#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "rig.h"

static struct rig rig;
static struct passwords passwords;

static void
setup(void)
{
    struct rig_config config = rig_config();
    unsigned line;

    ck_assert_int_eq(passwords_parse(&passwords, SLICE("foo:bar\nnew:two words\n"), &line),
                     PASSWORDS_OK);
    config.cmd.passwords = &passwords;
    rig_create_with(&rig, &config);
    ck_assert(cmd_wants_auth(rig.cmd));
    session_init(&rig.session, ROLE_CLIENT, false);
}

static void
teardown(void)
{
    rig_destroy(&rig);
}

/* OP with what the literal VALUE says; it may hold NULs. */
#define OFFER(op, mechanism, value) offer(op, mechanism, SLICE(value))

static enum reply_status
offer(enum request_op op, const char *mechanism, struct slice value)
{
    struct request req = rig_request(op, mechanism);

    req.value = value;
    req.value_bytes = value.len;
    return rig_run(&rig, &req);
}

static void
check_counts(uint64_t attempts, uint64_t failures)
{
    ck_assert_uint_eq(rig_stat(&rig, "", "auth_cmds"), attempts);
    ck_assert_uint_eq(rig_stat(&rig, "", "auth_errors"), failures);
}

/* clang-format off */
#define ROW(name, text, status) {name, {text, sizeof(text) - 1}, status}

static const struct {
    const char *name;
    struct slice value;
    enum reply_status status;
} texts[] = {
    ROW("right", "foo bar", REPLY_AUTHENTICATED),
    ROW("a password with a blank", "new two words", REPLY_AUTHENTICATED),
    ROW("a part of it", "new two", REPLY_AUTH_FAILED),
    ROW("wrong password", "foo baz", REPLY_AUTH_FAILED),
    ROW("a beginning", "foo ba", REPLY_AUTH_FAILED),
    ROW("more than that", "foo barr", REPLY_AUTH_FAILED),
    ROW("another user's", "new bar", REPLY_AUTH_FAILED),
    ROW("no password", "foo ", REPLY_AUTH_FAILED),
    ROW("no user", " bar", REPLY_AUTH_FAILED),
    ROW("two blanks", "foo  bar", REPLY_AUTH_FAILED),
    ROW("a colon", "foo:bar", REPLY_AUTH_MALFORMED),
    ROW("nothing", "", REPLY_AUTH_MALFORMED),
    ROW("a NUL", "foo\0bar", REPLY_AUTH_MALFORMED),
}, messages[] = {
    ROW("right", "\0foo\0bar", REPLY_AUTHENTICATED),
    ROW("for oneself", "foo\0foo\0bar", REPLY_AUTHENTICATED),
    ROW("for somebody else", "new\0foo\0bar", REPLY_AUTH_FAILED),
    ROW("for a part of oneself", "fo\0foo\0bar", REPLY_AUTH_FAILED),
    ROW("wrong password", "\0foo\0baz", REPLY_AUTH_FAILED),
    ROW("a NUL behind it", "\0foo\0bar\0", REPLY_AUTH_FAILED),
    ROW("no password", "\0foo\0", REPLY_AUTH_FAILED),
    ROW("one part", "foo", REPLY_AUTH_FAILED),
    ROW("two parts", "\0foo", REPLY_AUTH_FAILED),
    ROW("nothing but NULs", "\0\0\0", REPLY_AUTH_FAILED),
    ROW("as in text", "foo bar", REPLY_AUTH_FAILED),
};
/* clang-format on */

START_TEST(text_is_judged_like_this)
{
    bool right = texts[_i].status == REPLY_AUTHENTICATED;

    ck_assert_int_eq(offer(OP_AUTH, "", texts[_i].value), texts[_i].status);
    ck_assert_int_eq(rig.session.authenticated, right);
    check_counts(texts[_i].status != REPLY_AUTH_MALFORMED,
                 texts[_i].status == REPLY_AUTH_FAILED);
    ck_assert_uint_eq(rig_stat(&rig, "", "curr_items"), 0);
}
END_TEST

START_TEST(a_message_is_judged_like_this)
{
    bool right = messages[_i].status == REPLY_AUTHENTICATED;

    ck_assert_int_eq(offer(OP_SASL_AUTH, "PLAIN", messages[_i].value), messages[_i].status);
    ck_assert_int_eq(rig.session.authenticated, right);
    check_counts(1, !right);
    /* In two steps likewise. */
    rig.session.authenticated = false;
    ck_assert_int_eq(OFFER(OP_SASL_AUTH, "PLAIN", ""), REPLY_AUTH_CONTINUE);
    ck_assert(!rig.session.authenticated);
    ck_assert_int_eq(offer(OP_SASL_STEP, "PLAIN", messages[_i].value), messages[_i].status);
    ck_assert_int_eq(rig.session.authenticated, right);
    check_counts(2, right ? 0 : 2);
}
END_TEST

START_TEST(no_other_mechanism)
{
    static const char *const names[] = {"CRAM-MD5", "plain", "PLAI", "PLAINN", "EXTERNAL"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ck_assert_int_eq(OFFER(OP_SASL_AUTH, names[i], "\0foo\0bar"), REPLY_AUTH_FAILED);
        ck_assert_int_eq(OFFER(OP_SASL_AUTH, names[i], ""), REPLY_AUTH_FAILED);
        ck_assert_int_eq(OFFER(OP_SASL_STEP, "PLAIN", "\0foo\0bar"), REPLY_AUTH_FAILED);
        ck_assert(!rig.session.authenticated);
    }
}
END_TEST

START_TEST(a_step_needs_a_beginning)
{
    ck_assert_int_eq(OFFER(OP_SASL_STEP, "PLAIN", "\0foo\0bar"), REPLY_AUTH_FAILED);
    ck_assert(!rig.session.authenticated);
    /* And each beginning is good for one. */
    ck_assert_int_eq(OFFER(OP_SASL_AUTH, "PLAIN", ""), REPLY_AUTH_CONTINUE);
    ck_assert_int_eq(OFFER(OP_SASL_STEP, "PLAIN", "\0foo\0baz"), REPLY_AUTH_FAILED);
    ck_assert_int_eq(OFFER(OP_SASL_STEP, "PLAIN", "\0foo\0bar"), REPLY_AUTH_FAILED);
    ck_assert(!rig.session.authenticated);
}
END_TEST

/* As in memcached: a session that authenticates again is nobody's until that has succeeded. */
START_TEST(a_new_attempt_takes_away_the_old_one)
{
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(OFFER(OP_SASL_AUTH, "PLAIN", "\0foo\0bar"), REPLY_AUTHENTICATED);
        ck_assert(rig.session.authenticated);
        if (i == 0)
            (void)OFFER(OP_SASL_AUTH, "PLAIN", "\0foo\0baz");
        else if (i == 1)
            (void)OFFER(OP_SASL_AUTH, "PLAIN", "");
        else if (i == 2)
            (void)OFFER(OP_SASL_STEP, "PLAIN", "\0foo\0bar");
        else
            (void)OFFER(OP_SASL_AUTH, "OTHER", "\0foo\0bar");
        ck_assert(!rig.session.authenticated);
    }
}
END_TEST

START_TEST(the_list_changes_nothing)
{
    ck_assert_int_eq(rig_do(&rig, OP_SASL_LIST, ""), REPLY_TEXT);
    ck_assert_uint_eq(rig.reply.text_bytes, 5);
    ck_assert_int_eq(memcmp(rig.reply.text, "PLAIN", 5), 0);
    ck_assert(!rig.session.authenticated);
    rig.session.authenticated = true;
    ck_assert_int_eq(rig_do(&rig, OP_SASL_LIST, ""), REPLY_TEXT);
    ck_assert(rig.session.authenticated);
    check_counts(0, 0);
}
END_TEST

/* A file that is read again decides about the next attempt. */
START_TEST(passwords_may_change)
{
    unsigned line;

    ck_assert_int_eq(OFFER(OP_AUTH, "", "foo bar"), REPLY_AUTHENTICATED);
    ck_assert_int_eq(passwords_parse(&passwords, SLICE("foo:other\n"), &line), PASSWORDS_OK);
    ck_assert(rig.session.authenticated);
    ck_assert_int_eq(OFFER(OP_AUTH, "", "foo bar"), REPLY_AUTH_FAILED);
    ck_assert_int_eq(OFFER(OP_AUTH, "", "foo other"), REPLY_AUTHENTICATED);
}
END_TEST

/* A bad end of what authenticates is answered without a look at the store, however small that is. */
START_TEST(a_bad_end_reserves_nothing)
{
    struct rig_config config = rig_config();
    struct request req = rig_request(OP_AUTH, "");

    teardown();
    config.store.item_bytes_max = 1024;
    config.cmd.passwords = &passwords;
    rig_create_with(&rig, &config);
    req.value_bytes = AUTH_BYTES_MAX;
    cmd_refuse_value(rig.cmd, &req, &rig.reply);
    ck_assert_int_eq(rig.reply.status, REPLY_BAD_CHUNK);
    ck_assert_uint_eq(rig_stat(&rig, "", "store_too_large"), 0);
}
END_TEST

START_TEST(without_passwords_there_is_nothing_to_show)
{
    teardown();
    rig_create(&rig);
    ck_assert(!cmd_wants_auth(rig.cmd));
    session_init(&rig.session, ROLE_CLIENT, true);
    ck_assert_int_eq(rig_do(&rig, OP_SASL_LIST, ""), REPLY_TEXT);
    ck_assert_uint_eq(rig.reply.text_bytes, 0);
    ck_assert_int_eq(OFFER(OP_SASL_AUTH, "PLAIN", "\0foo\0bar"), REPLY_AUTH_OFF);
    ck_assert_int_eq(OFFER(OP_SASL_AUTH, "PLAIN", ""), REPLY_AUTH_OFF);
    ck_assert_int_eq(OFFER(OP_SASL_STEP, "PLAIN", "\0foo\0bar"), REPLY_AUTH_OFF);
    ck_assert_int_eq(OFFER(OP_AUTH, "", "foo bar"), REPLY_AUTH_OFF);
    ck_assert(rig.session.authenticated);
    check_counts(0, 0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("auth");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, text_is_judged_like_this, 0, ARRAY_LEN(texts));
    tcase_add_loop_test(tc, a_message_is_judged_like_this, 0, ARRAY_LEN(messages));
    tcase_add_test(tc, no_other_mechanism);
    tcase_add_test(tc, a_step_needs_a_beginning);
    tcase_add_test(tc, a_new_attempt_takes_away_the_old_one);
    tcase_add_test(tc, the_list_changes_nothing);
    tcase_add_test(tc, passwords_may_change);
    tcase_add_test(tc, a_bad_end_reserves_nothing);
    tcase_add_test(tc, without_passwords_there_is_nothing_to_show);
    return leak_run(tc, "cmd/auth");
}
