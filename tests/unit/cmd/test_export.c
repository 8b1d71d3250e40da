/* What is asked by HTTP: of whom, for which groups, and whether the server serves. */
#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "rig.h"

static struct rig rig;
static struct passwords passwords;

static void
start(bool with_passwords)
{
    struct rig_config config = rig_config();
    unsigned line;

    ck_assert_int_eq(passwords_parse(&passwords, SLICE("foo:bar\nnew:a:b\n"), &line),
                     PASSWORDS_OK);
    if (with_passwords)
        config.cmd.passwords = &passwords;
    rig_create_with(&rig, &config);
    session_init(&rig.session, ROLE_HTTP, true);
}

static enum reply_status
export_as(const char *group, const char *credentials)
{
    struct request req = rig_request(OP_EXPORT, group);

    req.credentials = slice_make(credentials, strlen(credentials));
    return rig_run(&rig, &req);
}

START_TEST(groups)
{
    struct cmd_stream stream = {.left = 7};
    struct request req = rig_request(OP_EXPORT, "");

    start(false);
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_STREAM);
    ck_assert_int_eq(rig.reply.stream, STREAM_REGISTRY);
    cmd_stream_begin(rig.cmd, &req, &stream);
    ck_assert_uint_eq(stream.walk.at.position, 0);
    ck_assert_ptr_eq(cmd_registry(rig.cmd), &rig.stats);
    ck_assert_int_eq(export_as("items", ""), REPLY_STREAM);
    ck_assert_int_eq(export_as("nothing", ""), REPLY_NO_STATS);
    /* It only looks. */
    rig_store(&rig, OP_SET, "a", "x");
    ck_assert_int_eq(export_as("reset", ""), REPLY_NO_STATS);
    ck_assert_uint_eq(rig_stat(&rig, "", "cmd_set"), 1);
    ck_assert_uint_eq(rig_stat(&rig, "", "http_requests"), 4);
    rig_destroy(&rig);
}
END_TEST

/* With -Y, each request says who asks; its connection stays what it was. */
START_TEST(credentials)
{
    start(true);
    ck_assert_int_eq(export_as("", ""), REPLY_DENIED);
    ck_assert_uint_eq(rig_stat(&rig, "", "auth_errors"), 0);
    ck_assert_int_eq(export_as("", "foo:bar"), REPLY_STREAM);
    ck_assert_int_eq(export_as("", "new:a:b"), REPLY_STREAM);
    ck_assert_int_eq(export_as("", ""), REPLY_DENIED);
    ck_assert_int_eq(export_as("", "foo:ba"), REPLY_AUTH_FAILED);
    ck_assert_int_eq(export_as("", "foo"), REPLY_AUTH_FAILED);
    ck_assert_int_eq(export_as("", ":"), REPLY_AUTH_FAILED);
    ck_assert_int_eq(export_as("", "bar:foo"), REPLY_AUTH_FAILED);
    ck_assert_int_eq(export_as("nothing", "foo:baz"), REPLY_AUTH_FAILED);
    ck_assert_uint_eq(rig_stat(&rig, "", "auth_cmds"), 7);
    ck_assert_uint_eq(rig_stat(&rig, "", "auth_errors"), 5);
    ck_assert_int_eq(rig_do(&rig, OP_HEALTH, ""), REPLY_OK);
    rig_destroy(&rig);
}
END_TEST

START_TEST(health)
{
    start(false);
    ck_assert_int_eq(rig_do(&rig, OP_HEALTH, ""), REPLY_OK);
    cmd_set_stopping(rig.cmd);
    ck_assert_int_eq(rig_do(&rig, OP_HEALTH, ""), REPLY_STOPPING);
    rig_destroy(&rig);
}
END_TEST

START_TEST(refusals_are_counted)
{
    start(false);
    ck_assert_int_eq(rig_do(&rig, OP_REFUSED, ""), REPLY_REFUSED);
    ck_assert_uint_eq(rig_stat(&rig, "", "http_refused"), 1);
    rig.session.role = ROLE_CLIENT;
    ck_assert_int_eq(rig_do(&rig, OP_REFUSED, ""), REPLY_REFUSED);
    ck_assert_uint_eq(rig_stat(&rig, "", "http_refused"), 1);
    rig_destroy(&rig);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("export");

    tcase_add_test(tc, groups);
    tcase_add_test(tc, credentials);
    tcase_add_test(tc, health);
    tcase_add_test(tc, refusals_are_counted);
    return leak_run(tc, "cmd/export");
}
