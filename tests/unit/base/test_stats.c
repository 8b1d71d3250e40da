#include <string.h>

#include "lombard/base/attr.h"
#include "lombard/base/stats.h"
#include "leak.h"

struct counters {
    uint64_t apples;
    uint64_t pears;
    uint32_t plums;
};

static const struct stat_entry entries[] = {
    {"apples", STAT_COUNTER, UNIT_ITEMS, "Apples.", stat_get_u64,
     offsetof(struct counters, apples)},
    {"pears", STAT_GAUGE, UNIT_ITEMS, "Pears.", stat_get_u64, offsetof(struct counters, pears)},
    {"plums", STAT_GAUGE, UNIT_ITEMS, "Plums.", stat_get_u32, offsetof(struct counters, plums)},
    {"nuts", STAT_GAUGE, UNIT_ITEMS, "Nuts.", stat_get_constant, 7},
};

enum { COUNTED = 2 }; /* of these, uint64_t */

static void
reset(void *ctx)
{
    stat_reset_counters(entries, COUNTED, ctx);
}

static const struct stat_section fruit = {entries, ARRAY_LEN(entries), NULL, "", reset};

/* --- A family: baskets, of which any may be missing --- */

enum { BASKETS = 5, STEP = 2 };

struct baskets {
    const struct counters *at[BASKETS];
    unsigned resets;
};

/* Looks at STEP positions a call. */
static enum stat_step
next_basket(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    struct baskets *baskets = ctx;

    for (int i = 0; i < STEP; i++, (*position)++) {
        if (*position >= BASKETS)
            return STAT_END;
        if (baskets->at[*position] == NULL)
            continue;
        instance->record = baskets->at[*position];
        instance->label[0] = (char)('a' + *position);
        instance->label[1] = '\0';
        return STAT_FOUND;
    }
    return STAT_SEARCHING;
}

static void
reset_baskets(void *ctx)
{
    ((struct baskets *)ctx)->resets++;
}

static const struct stat_family family = {"basket", "in %l: %n", next_basket};
static const struct stat_section baskets_section = {entries, COUNTED, &family, "basket_",
                                                    reset_baskets};

/* All lines from *CURSOR on, as "name=value;", and "*" for each STAT_SEARCHING. */
static const char *
lines_from(const struct stat_registry *registry, struct stat_cursor *cursor)
{
    static char text[1024];
    struct stat_line line;
    enum stat_step step;

    text[0] = '\0';
    while ((step = stats_next(registry, cursor, &line)) != STAT_END) {
        size_t used = strlen(text);

        if (step == STAT_SEARCHING)
            (void)snprintf(text + used, sizeof(text) - used, "*");
        else
            (void)snprintf(text + used, sizeof(text) - used, "%s=%s;", line.name,
                           line.value.text);
    }
    ck_assert_int_eq(stats_next(registry, cursor, &line), STAT_END);
    return text;
}

static const char *
lines_of(const struct stat_registry *registry, const char *group)
{
    struct stat_cursor cursor;

    ck_assert(stats_begin(registry, slice_make(group, strlen(group)), &cursor));
    return lines_from(registry, &cursor);
}

START_TEST(a_section_gives_its_lines_in_order)
{
    struct stat_registry registry = {.count = 0};
    struct counters counters = {1, UINT64_MAX, UINT32_MAX};

    stats_add(&registry, "", &fruit, &counters);
    ck_assert_str_eq(lines_of(&registry, ""),
                     "apples=1;pears=18446744073709551615;plums=4294967295;nuts=7;");
}
END_TEST

START_TEST(sources_of_a_group_follow_each_other)
{
    struct stat_registry registry = {.count = 0};
    struct counters a = {1, 2, 3}, b = {4, 5, 6}, c = {7, 8, 9};
    struct stat_cursor cursor;

    ck_assert(!stats_begin(&registry, SLICE(""), &cursor));
    stats_add(&registry, "", &fruit, &a);
    stats_add(&registry, "other", &fruit, &b);
    stats_repeat(&registry, "", &fruit, &c);
    ck_assert_str_eq(lines_of(&registry, "other"), "apples=4;pears=5;plums=6;nuts=7;");
    ck_assert_str_eq(lines_of(&registry, ""), "apples=1;pears=2;plums=3;nuts=7;"
                                              "apples=7;pears=8;plums=9;nuts=7;");
    ck_assert(!stats_begin(&registry, SLICE("othe"), &cursor));
    ck_assert(!stats_begin(&registry, SLICE("others"), &cursor));
}
END_TEST

START_TEST(reset_spares_gauges_and_repetitions)
{
    struct stat_registry registry = {.count = 0};
    struct counters a = {7, 8, 9}, b = {7, 8, 9};
    struct baskets baskets = {.resets = 0};

    stats_add(&registry, "x", &fruit, &a);
    stats_repeat(&registry, "x", &fruit, &b);
    stats_add(&registry, "y", &baskets_section, &baskets);
    stats_reset(&registry);
    ck_assert_uint_eq(a.apples, 0);
    ck_assert_uint_eq(a.pears, 8);
    ck_assert_uint_eq(a.plums, 9);
    ck_assert_uint_eq(b.apples, 7);
    ck_assert_uint_eq(baskets.resets, 1);
}
END_TEST

START_TEST(a_family_gives_the_lines_of_each_instance)
{
    struct stat_registry registry = {.count = 0};
    struct counters b = {1, 2, 0}, e = {3, 4, 0}, after = {5, 6, 7};
    struct baskets baskets = {.at = {NULL, &b, NULL, NULL, &e}};

    stats_add(&registry, "", &baskets_section, &baskets);
    stats_add(&registry, "", &fruit, &after);
    ck_assert_str_eq(lines_of(&registry, ""),
                     "in b: apples=1;in b: pears=2;*in e: apples=3;in e: pears=4;"
                     "apples=5;pears=6;plums=7;nuts=7;");
    memset(&baskets, 0, sizeof(baskets));
    ck_assert_str_eq(lines_of(&registry, ""), "**apples=5;pears=6;plums=7;nuts=7;");
}
END_TEST

/* What is true between two lines is what the next one says. */
START_TEST(instances_come_and_go_between_lines)
{
    struct stat_registry registry = {.count = 0};
    struct counters b = {1, 2, 0}, c = {3, 4, 0}, e = {5, 6, 0};
    struct baskets baskets = {.at = {NULL, &b, &c, NULL, NULL}};
    struct stat_cursor cursor;
    struct stat_line line;

    stats_add(&registry, "", &baskets_section, &baskets);
    ck_assert(stats_begin(&registry, SLICE(""), &cursor));
    ck_assert_int_eq(stats_next(&registry, &cursor, &line), STAT_FOUND);
    ck_assert_str_eq(line.name, "in b: apples");
    baskets.at[1] = NULL; /* the next one begins with its first line, */
    baskets.at[4] = &e;
    ck_assert_int_eq(stats_next(&registry, &cursor, &line), STAT_FOUND);
    ck_assert_str_eq(line.name, "in c: apples");
    baskets.at[2] = &b; /* and one that took its position has the rest */
    ck_assert_str_eq(lines_from(&registry, &cursor),
                     "in c: pears=2;in e: apples=5;in e: pears=6;");
}
END_TEST

/* As a renderer of metrics does it. */
START_TEST(entries_are_read_one_by_one)
{
    struct stat_registry registry = {.count = 0};
    struct counters b = {1, 2, 0}, c = {3, 4, 0};
    struct baskets baskets = {.at = {NULL, &b, &c, NULL, NULL}};
    struct stat_instance instance;
    struct stat_value value;
    uint64_t position = 0;

    stats_add(&registry, "", &baskets_section, &baskets);
    ck_assert_int_eq(stats_find(&registry.sources[0], &position, &instance), STAT_FOUND);
    ck_assert_uint_eq(position, 1);
    ck_assert_str_eq(instance.label, "b");
    stats_read(&entries[1], &instance, &value);
    ck_assert_str_eq(value.text, "2");
    position++;
    ck_assert_int_eq(stats_find(&registry.sources[0], &position, &instance), STAT_FOUND);
    stats_read(&entries[0], &instance, &value);
    ck_assert_str_eq(value.text, "3");
    position++;
    ck_assert_int_eq(stats_find(&registry.sources[0], &position, &instance), STAT_SEARCHING);
    ck_assert_int_eq(stats_find(&registry.sources[0], &position, &instance), STAT_END);
}
END_TEST

START_TEST(names_and_values_are_cut_not_overrun)
{
    static char big[2 * STAT_VALUE_BYTES];
    static const struct stat_family long_family = {"x", "%l%n%n%nzz", next_basket};
    static struct stat_entry entry;
    static const struct stat_section section = {&entry, 1, &long_family, "", NULL};
    struct stat_registry registry = {.count = 0};
    struct counters a = {1, 2, 3};
    struct baskets baskets = {.at = {&a}};
    struct stat_cursor cursor;
    struct stat_value value;
    struct stat_line line;

    memset(big, 'x', sizeof(big) - 1);
    stat_put_text(&value, big);
    ck_assert_uint_eq(strlen(value.text), STAT_VALUE_BYTES - 1);
    entry = entries[0];
    entry.name = "thirty_characters_are_in_this_";
    stats_add(&registry, "", &section, &baskets);
    ck_assert(stats_begin(&registry, SLICE(""), &cursor));
    ck_assert_int_eq(stats_next(&registry, &cursor, &line), STAT_FOUND);
    ck_assert_uint_eq(strlen(line.name), STAT_NAME_BYTES - 1);
}
END_TEST

START_TEST(values_are_texts_of_any_kind)
{
    struct stat_value value;

    stat_put_text(&value, "");
    ck_assert_str_eq(value.text, "");
    stat_put_text(&value, "100%s");
    ck_assert_str_eq(value.text, "100%s");
    stat_printf(&value, "%d.%06d", 3, 14);
    ck_assert_str_eq(value.text, "3.000014");
}
END_TEST

/* Each once, where it comes first; lists are for those who ask for them. */
START_TEST(groups_are_found_in_order)
{
    struct stat_registry registry = {.count = 0};
    struct counters a = {1, 2, 3};
    struct stat_cursor cursor;
    uint16_t source = 0;

    ck_assert(!stats_find_group(&registry, &source));
    stats_list(&registry, "listed", &fruit, &a);
    stats_add(&registry, "", &fruit, &a);
    stats_add(&registry, "x", &fruit, &a);
    stats_repeat(&registry, "", &fruit, &a);
    stats_add(&registry, "listed", &fruit, &a);
    stats_repeat(&registry, "y", &fruit, &a);
    ck_assert(stats_find_group(&registry, &source));
    ck_assert_uint_eq(source++, 1);
    ck_assert(stats_find_group(&registry, &source));
    ck_assert_uint_eq(source++, 2);
    ck_assert(stats_find_group(&registry, &source));
    ck_assert_uint_eq(source++, 5);
    ck_assert(!stats_find_group(&registry, &source));
    ck_assert(stats_begin(&registry, SLICE("listed"), &cursor));
}
END_TEST

START_TEST(every_unit_has_a_name)
{
    ck_assert_str_eq(stat_unit_name(UNIT_NONE), "");
    for (int unit = UNIT_NONE + 1; unit <= UNIT_NUMBER; unit++)
        ck_assert_uint_gt(strlen(stat_unit_name((enum stat_unit)unit)), 0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("stats");

    tcase_add_test(tc, a_section_gives_its_lines_in_order);
    tcase_add_test(tc, sources_of_a_group_follow_each_other);
    tcase_add_test(tc, reset_spares_gauges_and_repetitions);
    tcase_add_test(tc, a_family_gives_the_lines_of_each_instance);
    tcase_add_test(tc, instances_come_and_go_between_lines);
    tcase_add_test(tc, entries_are_read_one_by_one);
    tcase_add_test(tc, names_and_values_are_cut_not_overrun);
    tcase_add_test(tc, values_are_texts_of_any_kind);
    tcase_add_test(tc, groups_are_found_in_order);
    tcase_add_test(tc, every_unit_has_a_name);
    return leak_run(tc, "stats");
}
