#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

START_TEST(no_text_makes_a_line_of_its_own)
{
    char line[2048];

    captured(line, sizeof(line), LOG_WARN, "listening on /tmp/x\n2026 error forged\x1b[2J\x7f");
    ck_assert_ptr_nonnull(strstr(line, "/tmp/x?2026 error forged?[2J?\n"));
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

/* One line of each LEVEL with standard error a pipe, of which JOURNAL_STREAM has this inode. */
static void
capture_for_journal(char *dst, size_t bytes, uint64_t inode_plus)
{
    int ends[2], saved = dup(STDERR_FILENO);
    char stream[64];
    struct stat st;
    ssize_t len;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    (void)snprintf(stream, sizeof(stream), "%" PRIu64 ":%" PRIu64, (uint64_t)st.st_dev,
                   (uint64_t)st.st_ino + inode_plus);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
    log_set_level(LOG_TRACE);
    log_open();
    for (enum log_level level = LOG_ERROR; level <= LOG_TRACE; level++)
        log_line(level, "line");
    log_close();
    log_set_level(LOG_INFO);
    (void)unsetenv("JOURNAL_STREAM");
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    (void)close(saved);
    (void)close(ends[1]);
    len = read(ends[0], dst, bytes - 1);
    (void)close(ends[0]);
    ck_assert_int_gt(len, 0);
    dst[len] = '\0';
}

START_TEST(a_journal_gets_priorities_instead_of_times)
{
    char text[2048];

    capture_for_journal(text, sizeof(text), 0);
    ck_assert_str_eq(text, "<3>line\n<4>line\n<6>line\n<7>line\n<7>line\n");
    capture_for_journal(text, sizeof(text), 1); /* the journal's, but redirected since */
    ck_assert_ptr_nonnull(strstr(text, "Z error line\n"));
    ck_assert_ptr_null(strchr(text, '<'));
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
    log_line(LOG_ERROR, "no reader gets this");
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    (void)close(saved);
}
END_TEST

/* --- Standard error takes nothing --- */

/* Ends that take a little and then nothing more: [0] the reader's, [1] where the log goes. */
static void
make_pipe(int ends[2])
{
    ck_assert_int_eq(pipe(ends), 0);
}

static void
make_socket(int ends[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

static void
make_terminal(int ends[2])
{
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(ends[0], 0);
    ck_assert_int_eq(grantpt(ends[0]), 0);
    ck_assert_int_eq(unlockpt(ends[0]), 0);
    ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(ends[1], 0);
}

static const struct {
    void (*make)(int ends[2]);
    bool opened; /* by log_open(), while standard error is that */
} stuck[] = {
    {make_pipe, true},    {make_pipe, false},    {make_socket, true},
    {make_socket, false}, {make_terminal, true}, {make_terminal, false},
};

enum {
    HEARD_BYTES = 1 << 21,
    PATIENCE_MS = 60 * 1000,
    STUFFING = 4000, /* lines: more than what the kernel keeps for any of them */
};

static char heard[HEARD_BYTES]; /* since forget() */
static size_t heard_len;

static void
forget(void)
{
    heard_len = 0;
    heard[0] = '\0';
}

/* All that can be read now goes to the end of what was heard. */
static const char *
listen_at(int fd)
{
    ssize_t n;

    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while ((n = read(fd, heard + heard_len, sizeof(heard) - 1 - heard_len)) > 0)
        heard_len += (size_t)n;
    heard[heard_len] = '\0';
    return heard;
}

/* The sum of what was said to be dropped. */
static uint64_t
sum_told(void)
{
    static const char mark[] = " log lines were dropped";
    uint64_t sum = 0;

    for (const char *p = heard; (p = strstr(p, mark)) != NULL; p += sizeof(mark) - 1) {
        const char *number = p;

        while (number > heard && number[-1] >= '0' && number[-1] <= '9')
            number--;
        sum += strtoul(number, NULL, 10);
    }
    return sum;
}

/* Until LINE is heard: a terminal passes on what it has taken when the kernel comes to it. */
static void
log_until_heard(int fd, const char *line)
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        uint64_t dropped = log_counts()->dropped;

        log_line(LOG_WARN, "%s", line);
        if (log_counts()->dropped == dropped)
            break;
        (void)listen_at(fd);
        (void)usleep(1000);
    }
    for (int ms = 0; ms < PATIENCE_MS && strstr(listen_at(fd), line) == NULL; ms++)
        (void)usleep(1000);
    ck_assert_ptr_nonnull(strstr(heard, line));
}

/* A test that hangs here has found that the log waits. */
START_TEST(a_log_that_takes_nothing_is_not_waited_for)
{
    int ends[2], flags, saved = dup(STDERR_FILENO);

    stuck[_i].make(ends);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    flags = fcntl(ends[1], F_GETFL);
    if (stuck[_i].opened)
        log_open();
    forget();
    for (int i = 0; i < STUFFING; i++)
        log_line(LOG_WARN, "%s", "what takes as much as some fifty bytes or so of space");
    ck_assert_uint_gt(log_counts()->dropped, 0);
    ck_assert_uint_lt(log_counts()->dropped, STUFFING);
    ck_assert_int_eq(fcntl(ends[1], F_GETFL), flags); /* it is others' as well */
    log_until_heard(ends[0], "after the gap");
    ck_assert_uint_eq(sum_told(), log_counts()->dropped);
    ck_assert_ptr_nonnull(strstr(strstr(heard, " were dropped"), "after the gap"));
    log_close();
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    for (int i = 0; i < 2; i++)
        (void)close(ends[i]);
    (void)close(saved);
}
END_TEST

START_TEST(a_gap_is_told_without_a_further_line)
{
    int ends[2], saved = dup(STDERR_FILENO);

    make_pipe(ends);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    for (int i = 0; i < 2000; i++)
        log_line(LOG_WARN, "%s", "what takes as much as some fifty bytes or so of space");
    (void)listen_at(ends[0]);
    forget();
    log_tick();
    ck_assert_ptr_nonnull(strstr(listen_at(ends[0]), " log lines were dropped"));
    forget();
    log_tick(); /* once is enough */
    ck_assert_str_eq(listen_at(ends[0]), "");
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    for (int i = 0; i < 2; i++)
        (void)close(ends[i]);
    (void)close(saved);
}
END_TEST

/* --- Levels that clients ask for --- */

static const struct {
    enum log_level operator_says, client_asks, want;
} asked[] = {
    {LOG_INFO, LOG_TRACE, LOG_INFO},   {LOG_INFO, LOG_DEBUG, LOG_INFO},
    {LOG_DEBUG, LOG_TRACE, LOG_DEBUG}, {LOG_TRACE, LOG_TRACE, LOG_TRACE},
    {LOG_TRACE, LOG_INFO, LOG_INFO},   {LOG_ERROR, LOG_INFO, LOG_ERROR},
};

START_TEST(no_client_raises_the_level_above_the_operators)
{
    log_set_level(asked[_i].operator_says);
    log_ask_level(asked[_i].client_asks);
    ck_assert_int_eq(log_get_level(), asked[_i].want);
    log_ask_level(asked[_i].operator_says); /* and what was lowered can be had again */
    ck_assert_int_eq(log_get_level(), asked[_i].operator_says);
}
END_TEST

/* --- What can come often --- */

static int
count(const char *text, const char *word)
{
    int times = 0;

    while ((text = strstr(text, word)) != NULL) {
        times++;
        text++;
    }
    return times;
}

START_TEST(lines_of_a_kind_are_limited)
{
    static struct log_limit limit = LOG_LIMIT("a kind"), other = LOG_LIMIT("another");
    int ends[2], saved = dup(STDERR_FILENO);

    make_pipe(ends);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    for (int i = 0; i < 100; i++)
        log_limited(&limit, LOG_WARN, "one of a kind");
    log_limited(&other, LOG_WARN, "of another kind");
    log_limited(&other, LOG_DEBUG, "too quiet to count");
    ck_assert_uint_eq(log_counts()->suppressed, 100 - LOG_LIMIT_LINES);
    log_tick(); /* its time is not over */
    forget();
    (void)listen_at(ends[0]);
    ck_assert_int_eq(count(heard, "one of a kind"), LOG_LIMIT_LINES);
    ck_assert_int_eq(count(heard, "of another kind"), 1);
    ck_assert_int_eq(count(heard, "suppressed"), 0);
    limit.until_ms = 0; /* now it is */
    log_tick();
    log_tick();
    forget();
    (void)listen_at(ends[0]);
    ck_assert_int_eq(count(heard, "\n"), 1);
    ck_assert_ptr_nonnull(strstr(heard, "95 similar lines suppressed: a kind\n"));
    for (int i = 0; i < 7; i++) /* a new time, told by the next line of the kind */
        log_limited(&limit, LOG_WARN, "one of a kind");
    limit.until_ms = 0;
    log_limited(&limit, LOG_WARN, "the next");
    forget();
    (void)listen_at(ends[0]);
    ck_assert_ptr_nonnull(strstr(heard, "2 similar lines suppressed: a kind\n"));
    ck_assert_ptr_nonnull(strstr(heard, "the next"));
    for (int i = 0; i < 10; i++)
        log_limited(&other, LOG_WARN, "of another kind");
    log_finish(); /* whatever the time */
    forget();
    (void)listen_at(ends[0]);
    ck_assert_ptr_nonnull(strstr(heard, "6 similar lines suppressed: another\n"));
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    for (int i = 0; i < 2; i++)
        (void)close(ends[i]);
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
    tcase_add_test(tc, no_text_makes_a_line_of_its_own);
    tcase_add_test(tc, a_journal_gets_priorities_instead_of_times);
    tcase_add_test(tc, levels_above_the_threshold_are_dropped);
    tcase_add_test(tc, a_long_line_is_cut_and_stays_a_line);
    tcase_add_test(tc, a_log_that_nobody_takes_is_no_harm);
    tcase_add_loop_test(tc, a_log_that_takes_nothing_is_not_waited_for, 0,
                        (int)ARRAY_LEN(stuck));
    tcase_add_test(tc, a_gap_is_told_without_a_further_line);
    tcase_add_loop_test(tc, no_client_raises_the_level_above_the_operators, 0,
                        (int)ARRAY_LEN(asked));
    tcase_add_test(tc, lines_of_a_kind_are_limited);
    return leak_run(tc, "log");
}
