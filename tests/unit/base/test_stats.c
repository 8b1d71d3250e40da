#include "lombard/base/attr.h"
#include "lombard/base/stats.h"
#include "leak.h"

struct counters {
    uint64_t apples;
    uint64_t pears;
    uint64_t plums;
};

static const struct stat_desc descs[] = {
    {"apples", offsetof(struct counters, apples), COUNTER},
    {"pears", offsetof(struct counters, pears), GAUGE},
    {"plums", offsetof(struct counters, plums), COUNTER},
};

START_TEST(a_table_gives_its_lines_in_order)
{
    const struct counters counters = {1, 0, UINT64_MAX};
    static const char *want[][2] = {
        {"apples", "1"}, {"pears", "0"}, {"plums", "18446744073709551615"}};
    struct stat_line line;
    uint64_t cursor = 0;

    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        ck_assert(stat_table_next(descs, ARRAY_LEN(descs), &counters, &cursor, &line));
        ck_assert_str_eq(line.name, want[i][0]);
        ck_assert_str_eq(line.value, want[i][1]);
    }
    ck_assert(!stat_table_next(descs, ARRAY_LEN(descs), &counters, &cursor, &line));
    ck_assert(!stat_table_next(descs, ARRAY_LEN(descs), &counters, &cursor, &line));
}
END_TEST

START_TEST(an_empty_table_has_no_lines)
{
    struct stat_line line;
    uint64_t cursor = 0;

    ck_assert(!stat_table_next(descs, 0, NULL, &cursor, &line));
    ck_assert_uint_eq(cursor, 0);
}
END_TEST

START_TEST(reset_spares_gauges)
{
    struct counters counters = {7, 8, 9};

    stat_table_reset(descs, ARRAY_LEN(descs), &counters);
    ck_assert_uint_eq(counters.apples, 0);
    ck_assert_uint_eq(counters.pears, 8);
    ck_assert_uint_eq(counters.plums, 0);
}
END_TEST

START_TEST(lines_are_cut_not_overrun)
{
    struct stat_line line;
    char big[2 * STAT_VALUE_BYTES];

    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    stat_line_text(&line, big, big);
    ck_assert_uint_eq(strlen(line.name), STAT_NAME_BYTES - 1);
    ck_assert_uint_eq(strlen(line.value), STAT_VALUE_BYTES - 1);
}
END_TEST

START_TEST(lines_hold_any_kind_of_value)
{
    struct stat_line line;

    stat_line_text(&line, "empty", "");
    ck_assert_str_eq(line.value, "");
    stat_line_text(&line, "percent", "100%s");
    ck_assert_str_eq(line.value, "100%s");
    stat_line_printf(&line, "mixed", "%d.%06d", 3, 14);
    ck_assert_str_eq(line.name, "mixed");
    ck_assert_str_eq(line.value, "3.000014");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("stats");

    tcase_add_test(tc, a_table_gives_its_lines_in_order);
    tcase_add_test(tc, an_empty_table_has_no_lines);
    tcase_add_test(tc, reset_spares_gauges);
    tcase_add_test(tc, lines_are_cut_not_overrun);
    tcase_add_test(tc, lines_hold_any_kind_of_value);
    return leak_run(tc, "stats");
}
