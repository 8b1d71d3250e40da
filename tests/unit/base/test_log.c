#include <stdio.h>
#include <unistd.h>

#include "lombard/base/attr.h"
#include "lombard/base/log.h"
#include "leak.h"

static const struct {
    struct slice input;
    size_t bytes;
    const char *want;
} escapes[] = {
    {{"", 0}, 16, ""},
    {{NULL, 0}, 16, ""},
    {{"hello", 5}, 16, "hello"},
    {{"a b~!", 5}, 16, "a b~!"},
    {{"\r\n", 2}, 16, "\\x0d\\x0a"},
    {{"\0", 1}, 16, "\\x00"},
    {{"\x1f\x20\x7e\x7f", 4}, 16, "\\x1f ~\\x7f"},
    {{"\x80\xff", 2}, 16, "\\x80\\xff"},
    {{"\\", 1}, 16, "\\x5c"},
    {{"\x1b[2J", 4}, 16, "\\x1b[2J"},
    {{"abcdefgh", 8}, 8, "a..."},
    {{"abcdefgh", 8}, 4, "..."},
    {{"\n\n\n\n\n\n", 6}, 16, "\\x0a\\x0a\\x0a..."},
};

START_TEST(escapes_what_a_terminal_would_act_on)
{
    char dst[64];

    memset(dst, '#', sizeof(dst));
    ck_assert_ptr_eq(log_escape(dst, escapes[_i].bytes, escapes[_i].input), dst);
    ck_assert_str_eq(dst, escapes[_i].want);
    ck_assert_int_eq(dst[escapes[_i].bytes], '#');
}
END_TEST

/* Whatever comes in, what goes out is printable and fits. */
START_TEST(escape_never_overruns)
{
    char src[64], dst[65];

    for (int c = 0; c < 256; c++)
        for (size_t bytes = 4; bytes <= 64; bytes += 3) {
            bool printable = true;

            memset(src, c, sizeof(src));
            memset(dst, '#', sizeof(dst));
            log_escape(dst, bytes, slice_make(src, sizeof(src)));
            for (const char *p = dst; *p != '\0'; p++)
                printable &= *p >= 0x20 && *p <= 0x7e;
            ck_assert(printable && strlen(dst) < bytes && dst[bytes] == '#');
        }
}
END_TEST

/* Log with standard error turned into a pipe; what arrived is at DST. */
static size_t
captured(char *dst, size_t bytes, enum log_level level, const char *message)
{
    int ends[2], saved = dup(STDERR_FILENO);
    ssize_t len;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    log_line(level, "%s", message);
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    (void)close(saved);
    (void)close(ends[1]);
    len = read(ends[0], dst, bytes - 1);
    (void)close(ends[0]);
    ck_assert_int_ge(len, 0);
    dst[len] = '\0';
    return (size_t)len;
}

START_TEST(a_line_has_time_level_and_message)
{
    char line[2048];
    unsigned year, month, day, hour, minute, second, ms;
    char level[8], rest[32];

    captured(line, sizeof(line), LOG_WARN, "listening is paused");
    ck_assert_int_eq(sscanf(line, "%4u-%2u-%2uT%2u:%2u:%2u.%3uZ %7s %31[^\n]", &year, &month,
                            &day, &hour, &minute, &second, &ms, level, rest),
                     9);
    ck_assert_uint_ge(year, 2024);
    ck_assert_str_eq(level, "warn");
    ck_assert_str_eq(rest, "listening is paused");
    ck_assert_int_eq(line[strlen(line) - 1], '\n');
}
END_TEST

START_TEST(levels_above_the_threshold_are_dropped)
{
    char line[2048];

    ck_assert_int_eq(log_get_level(), LOG_INFO);
    ck_assert_uint_eq(captured(line, sizeof(line), LOG_DEBUG, "no"), 0);
    ck_assert_uint_gt(captured(line, sizeof(line), LOG_INFO, "yes"), 0);
    log_set_level(LOG_TRACE);
    ck_assert_uint_gt(captured(line, sizeof(line), LOG_TRACE, "yes"), 0);
    log_set_level(LOG_ERROR);
    ck_assert_uint_eq(captured(line, sizeof(line), LOG_WARN, "no"), 0);
}
END_TEST

START_TEST(a_long_line_is_cut_and_stays_a_line)
{
    char line[4096], message[3000];
    size_t len;

    memset(message, 'm', sizeof(message));
    message[sizeof(message) - 1] = '\0';
    len = captured(line, sizeof(line), LOG_ERROR, message);
    ck_assert_uint_le(len, 1024);
    ck_assert_uint_gt(len, 900);
    ck_assert_int_eq(line[len - 1], '\n');
    ck_assert_ptr_eq(strchr(line, '\n'), line + len - 1);
}
END_TEST

START_TEST(a_log_that_nobody_takes_is_no_harm)
{
    int saved = dup(STDERR_FILENO);

    (void)close(STDERR_FILENO);
    log_line(LOG_ERROR, "nobody hears this");
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    (void)close(saved);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("log");

    tcase_add_loop_test(tc, escapes_what_a_terminal_would_act_on, 0, (int)ARRAY_LEN(escapes));
    tcase_add_test(tc, escape_never_overruns);
    tcase_add_test(tc, a_line_has_time_level_and_message);
    tcase_add_test(tc, levels_above_the_threshold_are_dropped);
    tcase_add_test(tc, a_long_line_is_cut_and_stays_a_line);
    tcase_add_test(tc, a_log_that_nobody_takes_is_no_harm);
    return leak_run(tc, "log");
}
