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

/* --- Dumps --- */

/* All lines that REQ brings. */
static const char *
dump(struct request *req)
{
    static char text[16384];
    struct cmd_stream stream;
    size_t len = 0;
    enum line_result result;
    size_t n = 0;

    ck_assert_int_eq(rig_run(&rig, req), REPLY_STREAM);
    ck_assert_int_eq(rig.reply.stream, STREAM_LINES);
    cmd_stream_begin(rig.cmd, req, &stream);
    while ((result = cmd_stream_line(rig.cmd, &stream, text + n, &len)) != LINE_END) {
        if (result == LINE_LATER)
            continue;
        ck_assert_uint_le(len, STREAM_LINE_BYTES);
        n += len;
        ck_assert_uint_lt(n, sizeof(text) - STREAM_LINE_BYTES);
    }
    text[n] = '\0';
    return text;
}

START_TEST(metadump_describes_items)
{
    struct request req = rig_request(OP_DUMP, "");
    struct request store;
    char want[256];

    ck_assert_str_eq(dump(&req), "OK\r\n");
    rig_sleep(&rig, 5);
    rig_store_until(&rig, "a b%\n", "xyz", 100);
    (void)snprintf(want, sizeof(want),
                   "OK\r\nkey=a%%20b%%25%%0A exp=1700000105 la=1700000005 cas=%d fetch=no "
                   "cls=1 size=8 flags=0 \n",
                   (int)rig.reply.cas);
    ck_assert_str_eq(dump(&req), want);
    store = rig_request(OP_SET, "a b%\n");
    store.client_flags = UINT32_MAX;
    rig_run(&rig, &store);
    rig_do(&rig, OP_GET, "a b%\n");
    (void)snprintf(
        want, sizeof(want),
        "OK\r\nkey=a%%20b%%25%%0A exp=-1 la=1700000005 cas=%d fetch=yes cls=1 size=5 "
        "flags=4294967295 \n",
        (int)rig.reply.item.cas);
    ck_assert_str_eq(dump(&req), want);
}
END_TEST

START_TEST(mgdump_gives_keys_to_send_back)
{
    struct request req = rig_request(OP_DUMP, "");

    req.flags = REQ_MGDUMP;
    rig_store(&rig, OP_SET, "plain", "x");
    ck_assert_str_eq(dump(&req), "OK\r\nmg plain\r\n");
    rig_do(&rig, OP_DELETE, "plain");
    rig_store(&rig, OP_SET, "f o", "x");
    ck_assert_str_eq(dump(&req), "OK\r\nmg ZiBv b\r\n");
}
END_TEST

START_TEST(longest_keys_fit)
{
    struct request req = rig_request(OP_DUMP, "");
    char key[KEY_BYTES_MAX + 1];

    memset(key, '\x01', KEY_BYTES_MAX);
    key[KEY_BYTES_MAX] = '\0';
    rig_store_until(&rig, key, "x", 1);
    ck_assert_uint_gt(strlen(dump(&req)), 750);
    req.flags = REQ_MGDUMP;
    ck_assert_uint_eq(strlen(dump(&req)), strlen("OK\r\nmg  b\r\n") + 336);
}
END_TEST

START_TEST(cachedump_stops_where_it_shall)
{
    struct request req = rig_request(OP_STATS, "cachedump");

    req.initial = 1;
    rig_store_until(&rig, "a", "xyz", 100);
    ck_assert_str_eq(dump(&req), "ITEM a [3 b; 1700000100 s]\r\n");
    rig_store(&rig, OP_SET, "b", "");
    rig_store(&rig, OP_SET, "c", "");
    req.delta = 2;
    ck_assert_uint_ge(strlen(dump(&req)), 2 * strlen("ITEM b [0 b; 0 s]\r\n"));
    req.delta = 1;
    ck_assert_ptr_eq(strchr(dump(&req), '\n'), strrchr(dump(&req), '\n'));
    req.initial = 2;
    ck_assert_str_eq(dump(&req), "");
}
END_TEST

START_TEST(dump_leaves_out_what_has_expired)
{
    struct request req = rig_request(OP_DUMP, "");

    rig_store_until(&rig, "a", "x", 1);
    rig_store(&rig, OP_SET, "b", "x");
    rig_sleep(&rig, 1);
    req.flags = REQ_MGDUMP;
    ck_assert_str_eq(dump(&req), "OK\r\nmg b\r\n");
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
    tcase_add_test(tc, metadump_describes_items);
    tcase_add_test(tc, mgdump_gives_keys_to_send_back);
    tcase_add_test(tc, longest_keys_fit);
    tcase_add_test(tc, cachedump_stops_where_it_shall);
    tcase_add_test(tc, dump_leaves_out_what_has_expired);
    return leak_run(tc, "cmd/stats");
}
