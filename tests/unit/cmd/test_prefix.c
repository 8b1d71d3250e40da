/* stats detail: counts by prefix of the key. */
#include <stdio.h>
#include <string.h>

#include "leak.h"
#include "rig.h"

enum { LIMIT = 4 };

static struct rig rig;
static struct rig_config config;

static void
setup(void)
{
    config = rig_config();
    config.cmd.prefix_limit = LIMIT;
    config.cmd.prefix_delimiter = ':';
    config.cmd.detail_enabled = true;
    rig_create_with(&rig, &config);
}

/* With other settings. */
static void
restart(void)
{
    rig_destroy(&rig);
    rig_create_with(&rig, &config);
}

static void
teardown(void)
{
    rig_destroy(&rig);
}

/* "name=gets/hits/sets/deletes " of each, in the order in which they came. */
static const char *
dump(void)
{
    static char text[1024];
    struct request req = rig_request(OP_DETAIL, "dump");
    struct cmd_stream stream;
    struct prefix_line line;
    size_t used = 0;

    text[0] = '\0';
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_STREAM);
    ck_assert_int_eq(rig.reply.stream, STREAM_PREFIXES);
    cmd_stream_begin(rig.cmd, &req, &stream);
    while (cmd_stream_prefix(rig.cmd, &stream, &line) == LINE_READY)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%.*s=%d/%d/%d/%d ",
                                 (int)line.name.len, line.name.ptr, (int)line.gets,
                                 (int)line.hits, (int)line.sets, (int)line.deletes);
    return text;
}

START_TEST(gets_stores_and_deletes_are_counted)
{
    ck_assert_str_eq(dump(), "");
    rig_store(&rig, OP_SET, "a:1", "x");
    rig_store(&rig, OP_ADD, "a:1", "x"); /* is refused, but asked for */
    (void)rig_do(&rig, OP_GET, "a:1");
    (void)rig_do(&rig, OP_GET, "a:2");
    (void)rig_do(&rig, OP_GAT, "a:1");
    (void)rig_do(&rig, OP_META_GET, "a:1");
    (void)rig_do(&rig, OP_TOUCH, "a:1"); /* none of them */
    (void)rig_arith(&rig, OP_INCR, "a:1", 1);
    (void)rig_do(&rig, OP_DELETE, "a:1");
    (void)rig_do(&rig, OP_META_DELETE, "a:1");
    (void)rig_do(&rig, OP_GET, "none");
    ck_assert_str_eq(dump(), "a=4/3/2/2 ");
}
END_TEST

START_TEST(a_prefix_ends_at_the_first_delimiter)
{
    (void)rig_do(&rig, OP_GET, "a:b:c");
    (void)rig_do(&rig, OP_GET, "a:");
    (void)rig_do(&rig, OP_GET, ":a");
    (void)rig_do(&rig, OP_GET, "ab:");
    ck_assert_str_eq(dump(), "a=2/0/0/0 =1/0/0/0 ab=1/0/0/0 ");
    config.cmd.prefix_delimiter = 'b';
    restart();
    (void)rig_do(&rig, OP_GET, "a:b:c");
    ck_assert_str_eq(dump(), "a:=1/0/0/0 ");
}
END_TEST

START_TEST(further_prefixes_are_not_counted)
{
    static const char *const keys[] = {"a:", "b:", "c:", "d:", "e:", "a:", "f:"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        (void)rig_do(&rig, OP_GET, keys[i]);
    ck_assert_str_eq(dump(), "a=2/0/0/0 b=1/0/0/0 c=1/0/0/0 d=1/0/0/0 ");
    ck_assert_uint_eq(rig_stat(&rig, "", "detail_prefixes"), LIMIT);
    ck_assert_uint_eq(rig_stat(&rig, "", "detail_uncounted"), 2);
    (void)rig_do(&rig, OP_STATS, "reset");
    ck_assert_str_eq(dump(), "");
    ck_assert_uint_eq(rig_stat(&rig, "", "detail_uncounted"), 0);
    (void)rig_do(&rig, OP_GET, "f:");
    ck_assert_str_eq(dump(), "f=1/0/0/0 ");
}
END_TEST

START_TEST(it_is_turned_on_and_off)
{
    config.cmd.detail_enabled = false;
    restart();
    (void)rig_do(&rig, OP_GET, "a:");
    ck_assert_str_eq(dump(), "");
    ck_assert_int_eq(rig_do(&rig, OP_DETAIL, "on"), REPLY_OK);
    (void)rig_do(&rig, OP_GET, "a:");
    ck_assert_int_eq(rig_do(&rig, OP_DETAIL, "off"), REPLY_OK);
    (void)rig_do(&rig, OP_GET, "a:");
    ck_assert_str_eq(dump(), "a=1/0/0/0 ");
    ck_assert_int_eq(rig_do(&rig, OP_DETAIL, "maybe"), REPLY_NO_STATS);
}
END_TEST

START_TEST(without_dumps_or_a_table_it_is_refused)
{
    config.cmd.dump_enabled = false;
    restart();
    ck_assert_int_eq(rig_do(&rig, OP_DETAIL, "dump"), REPLY_DUMP_OFF);
    ck_assert_int_eq(rig_do(&rig, OP_DETAIL, "on"), REPLY_DUMP_OFF);
    ck_assert_int_eq(rig_do(&rig, OP_DETAIL, "maybe"), REPLY_DUMP_OFF);
    config.cmd.dump_enabled = true;
    config.cmd.prefix_limit = 0;
    restart();
    ck_assert_int_eq(rig_do(&rig, OP_DETAIL, "on"), REPLY_DUMP_OFF);
    (void)rig_do(&rig, OP_GET, "a:");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("prefix");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, gets_stores_and_deletes_are_counted);
    tcase_add_test(tc, a_prefix_ends_at_the_first_delimiter);
    tcase_add_test(tc, further_prefixes_are_not_counted);
    tcase_add_test(tc, it_is_turned_on_and_off);
    tcase_add_test(tc, without_dumps_or_a_table_it_is_refused);
    return leak_run(tc, "cmd/prefix");
}
