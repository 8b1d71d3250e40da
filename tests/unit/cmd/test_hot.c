/* Which keys are shown as hot, missed and large. */
#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "rig.h"

enum { MANY = 4000 };

static struct rig rig;

static void
start(void)
{
    rig_create(&rig);
}

static void
stop(void)
{
    rig_destroy(&rig);
}

/* The text of line NAME of GROUP; NULL when there is none. */
static const char *
line_of(const char *group, const char *name)
{
    static struct stat_line line;
    struct stat_cursor cursor;

    ck_assert(stats_begin(&rig.stats, slice_make(group, strlen(group)), &cursor));
    while (stats_next(&rig.stats, &cursor, &line) == STAT_FOUND)
        if (strcmp(line.name, name) == 0)
            return line.value.text;
    return NULL;
}

static void
expect_line(const char *group, const char *name, const char *want)
{
    const char *got = line_of(group, name);

    if (want == NULL)
        ck_assert_msg(got == NULL, "%s %s is %s", group, name, got);
    else
        ck_assert_msg(got != NULL && strcmp(got, want) == 0, "%s %s is %s", group, name, got);
}

static void
expect_between(const char *group, const char *name, double low, double high)
{
    const char *got = line_of(group, name);

    ck_assert_msg(got != NULL && atof(got) >= low && atof(got) <= high, "%s %s is %s", group,
                  name, got);
}

START_TEST(shares_are_those_of_the_requests)
{
    ck_assert_int_eq(rig_store(&rig, OP_SET, "small", "x"), REPLY_STORED);
    ck_assert_int_eq(rig_store(&rig, OP_SET, "large", "0123456789"), REPLY_STORED);
    for (int i = 0; i < MANY; i++) {
        rig_expect(&rig, "small", "x");
        rig_expect(&rig, i % 2 == 0 ? "large" : "absent", i % 2 == 0 ? "0123456789" : NULL);
    }
    rig.clock.now_ms += 1000;
    expect_line("hotkeys", "1:key", "small");
    expect_between("hotkeys", "1:share_pct", 40, 60);
    expect_between("hotkeys", "1:error_pct", 0, 10);
    expect_between("hotkeys", "1:per_second", MANY / 2, MANY * 2);
    expect_between("hotkeys", "3:share_pct", 15, 35);
    expect_line("hotkeys", "4:key", NULL);
    expect_line("hotbytes", "1:key", "large");
    expect_between("hotbytes", "1:share_pct", 75, 90);
    expect_line("misskeys", "1:key", "absent");
    expect_between("misskeys", "1:share_pct", 99, 100);
    expect_line("misskeys", "2:key", NULL);
}
END_TEST

/* COUNT requests for absent keys, a quarter of them for "a". */
static void
ask_for_a_and_b(int count)
{
    struct request a = rig_request(OP_GET, "a"), b = rig_request(OP_GET, "b");

    for (int i = 0; i < count; i++)
        (void)rig_run(&rig, i % 4 == 0 ? &a : &b);
}

/*
 * Of a busy server one request in more is looked at, for which it counts as much more; when it is
 * busy no longer, one in as few as before.
 */
START_TEST(looks_are_few_enough)
{
    ask_for_a_and_b(5 * MANY);
    rig.clock.now_ms += 1000;
    expect_line("hotkeys", "1:key", "b");
    expect_between("hotkeys", "1:per_second", 3.2 * MANY, 4.3 * MANY);
    expect_between("hotkeys", "1:share_pct", 70, 80);
    expect_between("hotkeys", "1:error_pct", 4, 10);
    stats_reset(&rig.stats);
    for (int i = 0; i < 20; i++) {
        rig.clock.now_ms += 100;
        (void)cmd_work(rig.cmd);
    }
    ask_for_a_and_b(MANY / 2);
    expect_between("hotkeys", "1:error_pct", 0, 12);
}
END_TEST

/* However many are asked about at once, the next one is as far. */
START_TEST(what_is_executed_brings_a_look_nearer)
{
    static const uint32_t groups[] = {1, 3, 16};
    uint32_t group = groups[_i];
    double passed = 0;

    for (int look = 0; look < MANY; look++) {
        uint32_t before = group;

        cmd_look_again(rig.cmd);
        for (int asked = 0; before == group; asked++) {
            ck_assert_int_lt(asked, 1000);
            before = cmd_look_next(rig.cmd, group);
            passed += before;
        }
    }
    ck_assert_double_ge(passed / MANY, 3.8); /* of 5 one is looked at */
    ck_assert_double_le(passed / MANY, 4.2);
}
END_TEST

START_TEST(what_names_no_key_does_not_count)
{
    struct request req = rig_request(OP_VERSION, "");

    for (int i = 0; i < MANY; i++)
        (void)rig_run(&rig, &req);
    expect_line("hotkeys", "1:key", NULL);
}
END_TEST

START_TEST(bytes_of_keys_are_escaped)
{
    for (int i = 0; i < 1000; i++)
        rig_expect(&rig, "a b\r\n\x01%\xc3\xa9", NULL);
    expect_line("misskeys", "1:key", "a%20b%0D%0A%01%25%C3%A9");
}
END_TEST

static void
store_bytes(const char *key, size_t bytes)
{
    static char value[100000];

    memset(value, 'x', bytes);
    value[bytes] = '\0';
    ck_assert_int_eq(rig_store(&rig, OP_SET, key, value), REPLY_STORED);
}

START_TEST(the_largest_are_those_of_now)
{
    store_bytes("middle", 50000);
    store_bytes("largest", 90000);
    store_bytes("least", 3000);
    for (int i = 0; i < 1000; i++)
        store_bytes("small", 100);
    expect_line("bigkeys", "1:key", "largest");
    expect_line("bigkeys", "1:bytes", "90000");
    expect_line("bigkeys", "2:key", "middle");
    expect_line("bigkeys", "3:key", "least");
    expect_line("bigkeys", "4:key", "small");
    store_bytes("largest", 10);
    ck_assert_int_eq(rig_do(&rig, OP_DELETE, "middle"), REPLY_DELETED);
    expect_line("bigkeys", "1:key", "least");
    expect_line("bigkeys", "4:key", NULL);
}
END_TEST

/* More than are kept: the largest stay, and what has gone makes room without being asked for. */
START_TEST(larger_ones_take_the_places)
{
    char key[16];

    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "key%d", i);
        store_bytes(key, 3000 + (size_t)(i * 37 % 100) * 10);
    }
    expect_line("bigkeys", "1:bytes", "3990");
    expect_line("bigkeys", "32:bytes", "3680");
    expect_line("bigkeys", "33:bytes", NULL);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "key%d", i);
        ck_assert_int_eq(rig_do(&rig, OP_DELETE, key), REPLY_DELETED);
    }
    for (int i = 0; i < 64; i++) {
        rig.clock.now_ms += 100;
        (void)cmd_work(rig.cmd);
    }
    store_bytes("other", 2500);
    expect_line("bigkeys", "1:key", "other");
    expect_line("bigkeys", "2:key", NULL);
}
END_TEST

START_TEST(so_many_as_are_asked_for)
{
    struct stat_cursor cursor;
    struct stat_line line;
    int lines = 0;

    store_bytes("a", 3000);
    store_bytes("b", 4000);
    store_bytes("c", 5000);
    ck_assert(!stats_begin_with(&rig.stats, SLICE("bigkeys"), SLICE("x"), &cursor));
    ck_assert(!stats_begin_with(&rig.stats, SLICE("bigkeys"), SLICE("0"), &cursor));
    ck_assert(stats_begin_with(&rig.stats, SLICE("bigkeys"), SLICE("2"), &cursor));
    while (stats_next(&rig.stats, &cursor, &line) == STAT_FOUND)
        lines++;
    ck_assert_int_eq(lines, 4);
}
END_TEST

START_TEST(a_reset_begins_anew)
{
    store_bytes("big", 5000);
    for (int i = 0; i < 1000; i++)
        (void)rig_do(&rig, OP_GET, "big");
    stats_reset(&rig.stats);
    expect_line("hotkeys", "1:key", NULL);
    expect_line("hotbytes", "1:key", NULL);
    expect_line("bigkeys", "1:key", NULL);
    store_bytes("other", 2100);
    expect_line("bigkeys", "1:key", "other");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("hot");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, shares_are_those_of_the_requests);
    tcase_add_test(tc, looks_are_few_enough);
    tcase_add_loop_test(tc, what_is_executed_brings_a_look_nearer, 0, 3);
    tcase_add_test(tc, what_names_no_key_does_not_count);
    tcase_add_test(tc, bytes_of_keys_are_escaped);
    tcase_add_test(tc, the_largest_are_those_of_now);
    tcase_add_test(tc, larger_ones_take_the_places);
    tcase_add_test(tc, so_many_as_are_asked_for);
    tcase_add_test(tc, a_reset_begins_anew);
    return leak_run(tc, "cmd/hot");
}
