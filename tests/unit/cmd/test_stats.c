#include <stdio.h>
#include <string.h>

#include "leak.h"
#include "rig.h"

static struct rig rig;

static void
setup(void)
{
    rig_create(&rig);
}

static void
teardown(void)
{
    rig_destroy(&rig);
}

/* All lines of a group, as "name=value ...", at most 4000 bytes of it. */
static const char *
lines_of(const char *group)
{
    static char text[4096];
    struct request req = rig_request(OP_STATS, group);
    struct cmd_stream stream;
    struct stat_line line;

    text[0] = '\0';
    ck_assert_int_eq(rig_run(&rig, &req), REPLY_STREAM);
    cmd_stream_begin(rig.cmd, &req, &stream);
    while (cmd_stream_stat(rig.cmd, &stream, &line) == LINE_READY &&
           strlen(text) < 4000 - sizeof(line)) {
        strcat(text, line.name);
        strcat(text, "=");
        strcat(text, line.value.text);
        strcat(text, " ");
    }
    return text;
}

/* The order is that of memcached, and what the store counts comes last. */
START_TEST(the_commands_then_the_store)
{
    ck_assert_ptr_eq(strstr(lines_of(""), "cmd_get=0 cmd_set=0 "), lines_of(""));
    ck_assert_ptr_nonnull(strstr(lines_of(""),
                                 " concat_restarts=0 detail_prefixes=0 detail_uncounted=0 "
                                 "limit_maxbytes=8388608 curr_items=0 "));
}
END_TEST

/* What is added to the registry meanwhile is shown. */
START_TEST(other_layers_add_theirs)
{
    static uint64_t resets = 3;
    static const struct stat_entry entry = {"resets",  STAT_COUNTER, UNIT_EVENTS,
                                            "Resets.", stat_get_u64, 0};
    static const struct stat_section section = {&entry, 1, NULL, "", NULL};

    ck_assert_int_eq(rig_do(&rig, OP_STATS, "other"), REPLY_NO_STATS);
    stats_add(&rig.stats, "other", &section, &resets);
    ck_assert_str_eq(lines_of("other"), "resets=3 ");
}
END_TEST

START_TEST(unknown_groups)
{
    ck_assert_int_eq(rig_do(&rig, OP_STATS, "foo"), REPLY_NO_STATS);
    ck_assert_int_eq(rig_do(&rig, OP_STATS, "item"), REPLY_NO_STATS);
    ck_assert_int_eq(rig_do(&rig, OP_STATS, "itemsx"), REPLY_NO_STATS);
}
END_TEST

START_TEST(reset_keeps_states)
{
    rig_store(&rig, OP_SET, "a", "x");
    rig_expect(&rig, "a", "x");
    ck_assert_uint_eq(rig_stat(&rig, "", "curr_items"), 1);
    ck_assert_uint_eq(rig_stat(&rig, "", "total_items"), 1);
    rig_do(&rig, OP_STATS, "reset");
    ck_assert_uint_eq(rig_stat(&rig, "", "curr_items"), 1);
    ck_assert_uint_eq(rig_stat(&rig, "", "total_items"), 0);
    ck_assert_uint_eq(rig_stat(&rig, "", "get_hits"), 0);
    ck_assert_uint_eq(rig_stat(&rig, "", "cmd_set"), 0);
}
END_TEST

/* Tools that expect slab classes find one. */
START_TEST(one_class_holds_everything)
{
    ck_assert_str_eq(lines_of("items"), "");
    rig_store(&rig, OP_SET, "a", "x");
    ck_assert_uint_eq(rig_stat(&rig, "items", "items:1:number"), 1);
    ck_assert_uint_eq(rig_stat(&rig, "items", "items:1:evicted"), 0);
    ck_assert_uint_eq(rig_stat(&rig, "slabs", "active_slabs"), 1);
    ck_assert_uint_ne(rig_stat(&rig, "slabs", "1:chunk_size"), UINT64_MAX);
    ck_assert_uint_ne(rig_stat(&rig, "slabs", "1:used_chunks"), UINT64_MAX);
    ck_assert_uint_ne(rig_stat(&rig, "slabs", "total_malloced"), UINT64_MAX);
    ck_assert_str_eq(lines_of("sizes"), "sizes_status=disabled ");
}
END_TEST

START_TEST(layout_sums_up)
{
    static const char *const parts[] = {"live_bytes",  "header_bytes", "dead_bytes",
                                        "index_bytes", "pinned_bytes", "free_bytes"};
    uint64_t sum = 0;

    rig_store(&rig, OP_SET, "a", "x");
    rig_store(&rig, OP_SET, "a", "y");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        sum += rig_stat(&rig, "store", parts[i]);
    ck_assert_uint_eq(sum, rig_stat(&rig, "store", "limit_bytes"));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("stats");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_commands_then_the_store);
    tcase_add_test(tc, other_layers_add_theirs);
    tcase_add_test(tc, unknown_groups);
    tcase_add_test(tc, reset_keeps_states);
    tcase_add_test(tc, one_class_holds_everything);
    tcase_add_test(tc, layout_sums_up);
    return leak_run(tc, "cmd/stats");
}
