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

/* A source of two lines, "GROUP-0" and "GROUP-1". */
struct made_up {
    const char *prefix;
    unsigned resets;
};

static bool
made_up_next(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    struct made_up *source = ctx;

    if (*cursor == 2)
        return false;
    stat_line_printf(line, source->prefix, "%d", (int)*cursor);
    (*cursor)++;
    return true;
}

static void
made_up_reset(void *ctx)
{
    ((struct made_up *)ctx)->resets++;
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
    while (cmd_stream_stat(rig.cmd, &stream, &line) && strlen(text) < 4000 - sizeof(line)) {
        strcat(text, line.name);
        strcat(text, "=");
        strcat(text, line.value);
        strcat(text, " ");
    }
    return text;
}

START_TEST(sources_follow_each_other)
{
    struct made_up a = {.prefix = "a"}, b = {.prefix = "b"}, c = {.prefix = "c"};

    cmd_add_stats(rig.cmd, &(struct stat_source){"", made_up_next, made_up_reset, &a});
    cmd_add_stats(rig.cmd, &(struct stat_source){"other", made_up_next, NULL, &b});
    cmd_add_stats(rig.cmd, &(struct stat_source){"", made_up_next, NULL, &c});
    ck_assert_str_eq(lines_of("other"), "b=0 b=1 ");
    ck_assert_ptr_eq(strstr(lines_of(""), "a=0 a=1 c=0 c=1 cmd_get=0 cmd_set=0 "),
                     lines_of(""));
    ck_assert_ptr_nonnull(strstr(lines_of(""), " limit_maxbytes=8388608 "));
    ck_assert_int_eq(rig_do(&rig, OP_STATS, "reset"), REPLY_RESET);
    ck_assert_uint_eq(a.resets, 1);
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
    tcase_add_test(tc, sources_follow_each_other);
    tcase_add_test(tc, unknown_groups);
    tcase_add_test(tc, reset_keeps_states);
    tcase_add_test(tc, one_class_holds_everything);
    tcase_add_test(tc, layout_sums_up);
    return leak_run(tc, "cmd/stats");
}
