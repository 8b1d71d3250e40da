/* Of counters that are the test's own. */
#include "rates.h"

#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"

/* All that rates.def names, in a table of its own. */
static uint64_t counters[32];
static struct stat_entry entries[32];
static size_t entry_count;
static char names[32][STAT_NAME_BYTES];

static struct stat_section section;
static struct stat_registry registry;
static struct timers timers;
static struct clock now;
static struct rates rates;

static size_t
index_of(const char *name)
{
    size_t i = 0;

    while (i < entry_count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

static void
add_sources(const char *sources)
{
    while (*sources != '\0') {
        size_t len = strcspn(sources, " ");

        memset(names[entry_count], 0, sizeof(names[entry_count]));
        memcpy(names[entry_count], sources, len);
        entries[entry_count] = (struct stat_entry){
            names[entry_count], STAT_COUNTER, UNIT_EVENTS,
            "A counter.",       stat_get_u64, entry_count * sizeof(uint64_t)};
        if (index_of(names[entry_count]) == entry_count)
            entry_count++;
        sources += len + strspn(sources + len, " ");
    }
}

static void
start(void)
{
    entry_count = 0;
    memset(counters, 0, sizeof(counters));
    memset(&registry, 0, sizeof(registry));
#define RATE(name, unit, sources, help) add_sources(sources);
#include "rates.def"
#undef RATE
    section = (struct stat_section){entries, entry_count, NULL, "", NULL};
    now = (struct clock){.now_ns = 5000000000};
    timers_init(&timers);
    stats_add(&registry, "", &section, counters);
    rates_init(&rates, &now, &registry);
    counters[index_of("delete_hits")] = 7000; /* which another process has had */
    rates_start(&rates, &timers);
}

static void
pass_ms(uint64_t ms)
{
    now.now_ns += ms * 1000000;
    now.now_ms += ms;
    timers_run(&timers, now.now_ms);
}

static double
rate_of(const char *name)
{
    struct stat_cursor cursor;
    struct stat_line line;

    ck_assert(stats_begin(&registry, slice_make("rates", 5), &cursor));
    while (stats_next(&registry, &cursor, &line) == STAT_FOUND)
        if (strcmp(line.name, name) == 0)
            return strtod(line.value.text, NULL);
    ck_abort_msg("no %s", name);
}

START_TEST(counters_become_rates)
{
    for (int s = 0; s < 30; s++) {
        counters[index_of("cmd_get")] += 100;
        counters[index_of("cmd_set")] += 10;
        pass_ms(1000);
    }
    ck_assert_double_eq(rate_of("gets:1s"), 100);
    ck_assert_double_eq(rate_of("gets:10s"), 100);
    ck_assert_double_eq(rate_of("gets:60s"), 100); /* of the 30 s that there were */
    ck_assert_double_eq(rate_of("commands:10s"), 110);
    ck_assert_double_eq(rate_of("misses:10s"), 0);
    pass_ms(1000);
    ck_assert_double_eq(rate_of("gets:1s"), 0);
    ck_assert_double_eq(rate_of("gets:10s"), 90);
}
END_TEST

START_TEST(a_second_that_is_longer_counts_as_such)
{
    counters[index_of("get_hits")] = 4000;
    pass_ms(4000);
    ck_assert_double_eq(rate_of("hits:1s"), 1000);
    ck_assert_double_eq(rate_of("hits:10s"), 1000);
}
END_TEST

/* `stats reset` */
START_TEST(counters_may_begin_anew)
{
    counters[index_of("evictions")] = 1000000;
    pass_ms(1000);
    counters[index_of("evictions")] = 20;
    pass_ms(1000);
    ck_assert_double_eq(rate_of("evictions:1s"), 20);
}
END_TEST

START_TEST(what_was_before_is_of_no_second)
{
    pass_ms(1000);
    ck_assert_double_eq(rate_of("commands:1s"), 0);
    counters[index_of("delete_hits")] += 30;
    pass_ms(1000);
    ck_assert_double_eq(rate_of("commands:1s"), 30);
}
END_TEST

START_TEST(a_minute_is_kept)
{
    counters[index_of("bytes_read")] = 6000;
    pass_ms(1000);
    for (int s = 0; s < RATE_SECONDS - 1; s++)
        pass_ms(1000);
    ck_assert_double_eq(rate_of("bytes_in:60s"), 100);
    ck_assert_double_eq(rate_of("bytes_in:10s"), 0);
    pass_ms(1000);
    ck_assert_double_eq(rate_of("bytes_in:60s"), 0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("rates");

    tcase_add_checked_fixture(tc, start, NULL);
    tcase_add_test(tc, counters_become_rates);
    tcase_add_test(tc, a_second_that_is_longer_counts_as_such);
    tcase_add_test(tc, counters_may_begin_anew);
    tcase_add_test(tc, what_was_before_is_of_no_second);
    tcase_add_test(tc, a_minute_is_kept);
    return leak_run(tc, "app/rates");
}
