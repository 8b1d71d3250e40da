/*
 * What the registry says of each statistic suffices for a renderer that knows none of them,
 * as one for Prometheus; and it is true.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leak.h"
#include "program.h"

/* --- What the registry says of each --- */

typedef void entry_fn(const struct stat_source *source, const struct stat_entry *entry);

static void
for_each_entry(entry_fn *visit)
{
    for (size_t i = 0; i < registry.count; i++) {
        const struct stat_section *section = registry.sources[i].section;

        ck_assert_uint_gt(section->entry_count, 0);
        for (size_t j = 0; j < section->entry_count; j++)
            visit(&registry.sources[i], &section->entries[j]);
    }
}

static bool
is_legal_name(const char *name)
{
    return strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(name) &&
           islower((unsigned char)name[0]);
}

static void
check_entry(const struct stat_source *source, const struct stat_entry *entry)
{
    size_t len = strlen(entry->help);

    (void)source;
    ck_assert_msg(is_legal_name(entry->name), "%s", entry->name);
    ck_assert_msg(len > 5 && entry->help[len - 1] == '.', "%s: %s", entry->name, entry->help);
    ck_assert_msg(strchr(entry->help, '\n') == NULL, "%s", entry->name);
    ck_assert_msg((entry->unit == UNIT_NONE) == (entry->kind == STAT_TEXT), "%s", entry->name);
    /* What is counted as it happens is a counter. */
    if (entry->unit == UNIT_EVENTS)
        ck_assert_msg(entry->kind == STAT_COUNTER, "%s", entry->name);
    ck_assert(entry->get != NULL);
}

START_TEST(every_statistic_is_described)
{
    for_each_entry(check_entry);
}
END_TEST

/* --- A renderer that knows none of them: Prometheus's text format --- */

static char text[64 * 1024];
static char *page; /* where it goes on */

static void put(const char *format, ...) PRINTF_LIKE(1, 2);

static void
put(const char *format, ...)
{
    va_list args;
    size_t space = (size_t)(text + sizeof(text) - page);

    va_start(args, format);
    page += vsnprintf(page, space, format, args);
    va_end(args);
    ck_assert(page < text + sizeof(text));
}

/* One sample; what is a text is a label of the constant 1. */
static void
put_sample(const struct stat_source *source, const struct stat_entry *entry,
           const struct stat_instance *instance)
{
    const struct stat_family *family = source->section->family;
    bool is_text = entry->kind == STAT_TEXT;
    struct stat_value value;

    stats_read(entry, instance, &value);
    put("lombard_%s%s%s", source->section->prefix, entry->name, is_text ? "_info" : "");
    if (family != NULL)
        put("{%s=\"%s\"", family->label, instance->label);
    if (is_text)
        put("%svalue=\"%s\"", family != NULL ? "," : "{", value.text);
    put("%s %s\n", family != NULL || is_text ? "}" : "", is_text ? "1" : value.text);
}

static void
put_metric(const struct stat_source *source, const struct stat_entry *entry)
{
    const char *suffix = entry->kind == STAT_TEXT ? "_info" : "";
    struct stat_instance instance;
    uint64_t position = 0;
    enum stat_step step;

    if (source->repeats)
        return;
    put("# HELP lombard_%s%s%s %s\n", source->section->prefix, entry->name, suffix,
        entry->help);
    put("# TYPE lombard_%s%s%s %s\n", source->section->prefix, entry->name, suffix,
        entry->kind == STAT_COUNTER ? "counter" : "gauge");
    while ((step = stats_find(source, &position, &instance)) != STAT_END) {
        if (step == STAT_SEARCHING)
            continue;
        put_sample(source, entry, &instance);
        position++;
    }
}

static void
render(void)
{
    page = text;
    for_each_entry(put_metric);
}

/* How often LINE begins a line of the page. */
static int
count_lines(const char *line)
{
    int count = 0;

    for (const char *p = text; (p = strstr(p, line)) != NULL; p++)
        count += p == text || p[-1] == '\n';
    return count;
}

static void
expect_typed(const char *name, const char *type)
{
    char line[128];

    (void)snprintf(line, sizeof(line), "# TYPE lombard_%s %s\n", name, type);
    ck_assert_msg(count_lines(line) == 1, "%s", line);
}

START_TEST(a_renderer_needs_to_know_none)
{
    char line[64];

    render();
    expect_typed("get_hits", "counter");
    expect_typed("curr_items", "gauge");
    expect_typed("version_info", "gauge");
    expect_typed("conn_closed", "counter");
    expect_typed("setting_maxbytes", "gauge");
    ck_assert_int_eq(count_lines("# HELP lombard_get_hits Keys that were requested and found."),
                     1);
    ck_assert_int_eq(count_lines("lombard_conn_closed{reason=\"idle\"} 0\n"), 1);
    ck_assert_int_eq(count_lines("lombard_loans_waiting{buffer=\"wbufs\"} 0\n"), 1);
    ck_assert_int_eq(count_lines("lombard_latency_count{what=\"set:ever\"} 1\n"), 1);
    ck_assert_int_eq(count_lines("lombard_latency_step_max_us{step=\"work:60s\"} "), 1);
    ck_assert_int_eq(count_lines("lombard_conn_age{fd="), PROGRAM_CLIENTS);
    ck_assert_int_eq(count_lines("lombard_version_info{value=\"" CMD_VERSION "\"} 1\n"), 1);
    ck_assert_int_eq(count_lines("lombard_total_items 1\n"), 1);
    (void)snprintf(line, sizeof(line), "lombard_pid %d\n", (int)getpid());
    ck_assert_int_eq(count_lines(line), 1);
}
END_TEST

/* NAME{labels} VALUE, of a metric whose TYPE line came last. */
static void
check_sample(const char *line, const char *name)
{
    size_t len = strlen(name);
    const char *p = line + len;
    char *end;

    ck_assert_msg(strncmp(line, name, len) == 0, "%.60s", line);
    if (*p == '{')
        p = strchr(p, '}') + 1;
    ck_assert_msg(*p == ' ', "%.60s", line);
    (void)strtod(p + 1, &end);
    ck_assert_msg(*end == '\n', "%.60s", line);
}

START_TEST(each_metric_is_rendered_once)
{
    char name[STAT_NAME_BYTES * 2] = "";
    char head[sizeof(name) + 16];

    render();
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (sscanf(line, "# HELP %127s", name) == 1) {
            (void)snprintf(head, sizeof(head), "# HELP %s ", name);
            ck_assert_msg(count_lines(head) == 1, "%s", name);
        } else if (*line != '#') {
            check_sample(line, name);
        }
    }
}
END_TEST

/* --- Counters and gauges --- */

static uint64_t seen[1024];
static size_t seen_count;
static bool seen_before;

static void
watch_number(const struct stat_source *source, const struct stat_entry *entry)
{
    struct stat_instance instance;
    struct stat_value value;
    uint64_t number;

    for (uint64_t at = 0; stats_find(source, &at, &instance) == STAT_FOUND; at++) {
        stats_read(entry, &instance, &value);
        number = strtoull(value.text, NULL, 10);
        if (seen_before && entry->kind == STAT_COUNTER)
            ck_assert_msg(number >= seen[seen_count], "%s", entry->name);
        seen[seen_count++] = number;
        ck_assert_uint_lt(seen_count, ARRAY_LEN(seen));
    }
}

/* Of others, instances come and go. */
static bool
is_watched(const struct stat_source *source)
{
    return !source->lists && !source->repeats && strcmp(source->group, "latency") != 0;
}

static void
watch_numbers(void)
{
    seen_count = 0;
    for (size_t i = 0; i < registry.count; i++)
        for (size_t j = 0; j < registry.sources[i].section->entry_count; j++)
            if (is_watched(&registry.sources[i]))
                watch_number(&registry.sources[i], &registry.sources[i].section->entries[j]);
    seen_before = true;
}

/* Commands that put something in, and take it out; and a connection that goes. */
START_TEST(counters_only_grow)
{
    seen_before = false;
    program_say(clients[0], "set b 0 0 1\r\n1\r\nget a b c\r\nincr b 1\r\n");
    watch_numbers();
    program_say(clients[0], "delete a\r\nget a\r\ntouch b -1\r\nget b\r\nset c 0 0 1\r\nx\r\n");
    watch_numbers();
    (void)close(clients[1]);
    program_iterate(3);
    watch_numbers();
    program_say(clients[0], "set d 0 0 70000\r\n");
    watch_numbers();
    clients[1] = dup(clients[0]);
}
END_TEST

static void
check_reset(const struct stat_source *source, const struct stat_entry *entry)
{
    struct stat_instance instance;
    struct stat_value value;

    if (entry->kind != STAT_COUNTER || source->section->reset == NULL)
        return;
    for (uint64_t at = 0; stats_find(source, &at, &instance) == STAT_FOUND; at++) {
        stats_read(entry, &instance, &value);
        ck_assert_msg(strcmp(value.text, "0") == 0, "%s", entry->name);
    }
}

START_TEST(reset_puts_counters_to_0)
{
    static const char *const spared[] = {"rusage_user",     "rusage_system",
                                         "bytes_in",        "listen_disabled_num",
                                         "bytes_out",       "time_in_listen_disabled_us",
                                         "buffers_trimmed", "internal_errors",
                                         "requests",        "errors"};
    size_t count = 0;

    program_say(clients[0], "get a b\r\ndelete a\r\n");
    stats_reset(&registry);
    for_each_entry(check_reset);
    /* All other counters are kept. */
    for (size_t i = 0; i < registry.count; i++)
        for (size_t j = 0; j < registry.sources[i].section->entry_count; j++)
            count += registry.sources[i].section->reset == NULL &&
                     !registry.sources[i].repeats &&
                     registry.sources[i].section->entries[j].kind == STAT_COUNTER;
    ck_assert_uint_eq(count, ARRAY_LEN(spared));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("metrics");

    tcase_add_checked_fixture(tc, program_start, program_stop);
    tcase_add_test(tc, every_statistic_is_described);
    tcase_add_test(tc, a_renderer_needs_to_know_none);
    tcase_add_test(tc, each_metric_is_rendered_once);
    tcase_add_test(tc, counters_only_grow);
    tcase_add_test(tc, reset_puts_counters_to_0);
    return leak_run(tc, "app/metrics");
}
