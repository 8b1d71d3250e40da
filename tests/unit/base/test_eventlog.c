#include "lombard/base/eventlog.h"

#include <stdio.h>
#include <string.h>

#include "leak.h"
#include "lombard/base/stats.h"

static struct stat_registry registry;

static void
setup(void)
{
    log_set_level(LOG_ERROR); /* what is kept does not depend on it */
    registry = (struct stat_registry){.count = 0};
    event_add_stats(&registry);
}

/* Line I of `stats events ARGS`, counted from 0; NULL: there are not that many. */
static const char *
line(const char *args, int i)
{
    static struct stat_line found;
    struct stat_cursor cursor;

    ck_assert(
        stats_begin_with(&registry, SLICE("events"), slice_make(args, strlen(args)), &cursor));
    for (; i >= 0; i--)
        if (stats_next(&registry, &cursor, &found) != STAT_FOUND)
            return NULL;
    return found.value.text;
}

START_TEST(an_event_is_kept)
{
    static struct event_kind kind = EVENT_KIND("thing reason=a", LOG_DEBUG);

    ck_assert_ptr_null(line("", 0));
    ck_assert(event_admits(&kind));
    event_add(&kind, "id=%d", 7);
    ck_assert_ptr_nonnull(strstr(line("", 0), " level=debug event=thing reason=a id=7"));
    ck_assert_int_eq(strncmp(line("", 0), "time=", 5), 0);
    ck_assert_ptr_null(line("", 1));
    ck_assert_ptr_null(line("0", 0));
}
END_TEST

START_TEST(the_last_ones_are_shown)
{
    static struct event_kind kind = EVENT_KIND_OF("thing", LOG_DEBUG, UINT32_MAX);
    struct stat_cursor cursor;

    for (int i = 0; i < EVENTS_MAX + 10; i++)
        event_add(&kind, "i=%d", i);
    ck_assert_ptr_nonnull(strstr(line("", 0), " i=10"));
    ck_assert_ptr_nonnull(strstr(line("", EVENTS_MAX - 1), " i=1009"));
    ck_assert_ptr_null(line("", EVENTS_MAX));
    ck_assert_ptr_nonnull(strstr(line("2", 0), " i=1008"));
    ck_assert_ptr_null(line("2", 2));
    ck_assert_ptr_nonnull(strstr(line("5000", 0), " i=10"));
    ck_assert(!stats_begin_with(&registry, SLICE("events"), SLICE("x"), &cursor));
}
END_TEST

START_TEST(those_of_a_level_or_worse_are_shown)
{
    static struct event_kind debug = EVENT_KIND_OF("d", LOG_DEBUG, UINT32_MAX);
    static struct event_kind warn = EVENT_KIND("w", LOG_WARN);
    static struct event_kind error = EVENT_KIND("e", LOG_ERROR);
    static const char *const bad[] = {"warns",   "warn x", "warn -1",
                                      "warn  2", "2 warn", "loud"};
    struct stat_cursor cursor;

    event_add(&error, "i=%d", 1);
    event_add(&warn, "i=%d", 2);
    event_add(&warn, "i=%d", 3);
    ck_assert_ptr_nonnull(strstr(line("error", 0), "event=e i=1"));
    ck_assert_ptr_null(line("error", 1));
    ck_assert_ptr_nonnull(strstr(line("warn", 0), "event=e i=1"));
    ck_assert_ptr_nonnull(strstr(line("warn", 2), "event=w i=3"));
    for (int i = 0; i < EVENTS_MAX - 2; i++)
        event_add(&debug, "i=%d", i);
    ck_assert_ptr_nonnull(strstr(line("info", 0), "event=w i=2"));
    ck_assert_ptr_nonnull(strstr(line("info", 1), "event=w i=3"));
    ck_assert_ptr_null(line("info", 2)); /* the error has gone */
    ck_assert_ptr_nonnull(strstr(line("warn 1", 0), "event=w i=3"));
    ck_assert_ptr_null(line("warn 1", 1));
    ck_assert_ptr_null(line("error 5", 0));
    ck_assert_ptr_nonnull(strstr(line("debug 1", 0), "event=d"));
    ck_assert_ptr_nonnull(strstr(line("trace", EVENTS_MAX - 1), "event=d"));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert(!stats_begin_with(&registry, SLICE("events"),
                                    slice_make(bad[i], strlen(bad[i])), &cursor));
}
END_TEST

START_TEST(a_kind_has_a_limit)
{
    static struct event_kind often = EVENT_KIND_OF("often", LOG_DEBUG, 3);
    static struct event_kind other = EVENT_KIND("other", LOG_DEBUG);
    int admitted = 0;

    for (int i = 0; i < 10; i++)
        admitted += event_admits(&often);
    ck_assert_int_eq(admitted, 3);
    ck_assert(event_admits(&other));
    event_tick(); /* its window is not over */
    ck_assert_ptr_null(line("", 0));
    often.until_ms = 0; /* now it is */
    event_tick();
    ck_assert_ptr_nonnull(strstr(line("", 0), "event=often more=7"));
    ck_assert_ptr_null(line("", 1));
    ck_assert(event_admits(&often));
    event_finish();
    ck_assert_ptr_null(line("", 1));
}
END_TEST

START_TEST(a_window_that_ends_says_how_many_more_there_were)
{
    static struct event_kind often = EVENT_KIND_OF("often", LOG_DEBUG, 1);

    ck_assert(event_admits(&often));
    ck_assert(!event_admits(&often));
    often.until_ms = 0;
    ck_assert(event_admits(&often));
    ck_assert_ptr_nonnull(strstr(line("", 0), "event=often more=1"));
    ck_assert(!event_admits(&often));
    event_finish();
    ck_assert_ptr_nonnull(strstr(line("", 1), "event=often more=1"));
}
END_TEST

START_TEST(long_events_are_cut)
{
    static struct event_kind kind = EVENT_KIND("thing", LOG_DEBUG);
    char text[1000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    event_add(&kind, "text=%s", text);
    ck_assert_uint_lt(strlen(line("", 0)), STAT_VALUE_BYTES);
    ck_assert_uint_gt(strlen(line("", 0)), EVENT_TEXT_BYTES - 1);
}
END_TEST

START_TEST(values_are_visible)
{
    char dst[8];

    ck_assert_str_eq(event_value(dst, sizeof(dst), SLICE("a b\x01\xff")), "a_b??");
    ck_assert_str_eq(event_value(dst, sizeof(dst), SLICE("1234567890")), "1234567");
    ck_assert_str_eq(event_value(dst, sizeof(dst), slice_make(NULL, 0)), "");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("eventlog");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, an_event_is_kept);
    tcase_add_test(tc, the_last_ones_are_shown);
    tcase_add_test(tc, those_of_a_level_or_worse_are_shown);
    tcase_add_test(tc, a_kind_has_a_limit);
    tcase_add_test(tc, a_window_that_ends_says_how_many_more_there_were);
    tcase_add_test(tc, long_events_are_cut);
    tcase_add_test(tc, values_are_visible);
    return leak_run(tc, "base/eventlog");
}
