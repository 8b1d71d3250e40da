#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "leak.h"
#include "notify.h"

static char path[64];
static int manager;

/* A manager's socket at NAME, '@' for an abstract one. */
static void
open_manager(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);

    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(manager, 0);
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    len += offsetof(struct sockaddr_un, sun_path);
    ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, (socklen_t)len), 0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static void
close_manager(void)
{
    (void)close(manager);
    (void)unlink(path);
}

static void
setup(void)
{
    (void)snprintf(path, sizeof(path), "/tmp/lombard-test-notify.%ld", (long)getpid());
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

/* What the manager got, in one datagram; "" when none. */
static const char *
received(void)
{
    static char text[256];
    ssize_t len = recv(manager, text, sizeof(text) - 1, 0);

    text[len > 0 ? len : 0] = '\0';
    return text;
}

START_TEST(reaches_each_kind_of_address)
{
    const char *names[] = {path, "@lombard-test-notify"};
    char want[64];

    (void)snprintf(want, sizeof(want), "READY=1\nMAINPID=%ld\n", (long)getpid());
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct notify notify;

        open_manager(names[i]);
        notify_open(&notify);
        notify_ready(&notify);
        ck_assert_str_eq(received(), want);
        ck_assert(notify_send(&notify, "STATUS=well\n"));
        ck_assert_str_eq(received(), "STATUS=well\n");
        notify_close(&notify);
        close_manager();
    }
}
END_TEST

START_TEST(says_once_that_it_stops)
{
    struct notify notify;

    open_manager(path);
    notify_open(&notify);
    notify_stopping(&notify);
    notify_stopping(&notify);
    ck_assert_str_eq(received(), "STOPPING=1\nSTATUS=Leaving when replies are sent\n");
    notify_status(&notify, "too late");
    ck_assert_str_eq(received(), "");
    notify_close(&notify);
    close_manager();
}
END_TEST

START_TEST(tells_a_status_when_it_changes)
{
    char status[300], want[128 + 16];
    struct notify notify;

    memset(status, 's', sizeof(status) - 1);
    status[sizeof(status) - 1] = '\0';
    (void)snprintf(want, sizeof(want), "STATUS=%.127s\n", status);
    open_manager(path);
    notify_open(&notify);
    notify_status(&notify, "1 connections");
    notify_status(&notify, "1 connections");
    notify_status(&notify, "2 connections");
    ck_assert_str_eq(received(), "STATUS=1 connections\n");
    ck_assert_str_eq(received(), "STATUS=2 connections\n");
    ck_assert_str_eq(received(), "");
    notify_status(&notify, status); /* cut */
    ck_assert_str_eq(received(), want);
    notify_close(&notify);
    close_manager();
}
END_TEST

START_TEST(does_without_a_manager)
{
    char long_name[200];
    const char *names[] = {
        NULL, "", "/", "relative", "vsock:2:1", long_name, "/nonexistent/socket"};

    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[0] = '/';
    long_name[sizeof(long_name) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct notify notify;

        if (names[i] != NULL)
            ck_assert_int_eq(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        notify_open(&notify);
        notify_ready(&notify);
        ck_assert(!notify_send(&notify, "STATUS=well\n"));
        notify_stopping(&notify);
        notify_close(&notify);
        notify_close(&notify);
    }
}
END_TEST

/* The manager does not read: the queue of its socket is full at some time. */
START_TEST(never_waits)
{
    struct notify notify;
    int sent = 0;

    open_manager(path);
    notify_open(&notify);
    while (sent < 1000000 && notify_send(&notify, "STATUS=well\n"))
        sent++;
    ck_assert_int_gt(sent, 0);
    ck_assert_int_lt(sent, 1000000);
    ck_assert_str_eq(received(), "STATUS=well\n");
    ck_assert(notify_send(&notify, "STATUS=well\n"));
    notify_close(&notify);
    close_manager();
}
END_TEST

START_TEST(outlives_a_restart_of_the_manager)
{
    struct notify notify;

    open_manager(path);
    notify_open(&notify);
    close_manager();
    ck_assert(!notify_send(&notify, "STATUS=lost\n"));
    open_manager(path);
    ck_assert(notify_send(&notify, "STATUS=well\n"));
    ck_assert_str_eq(received(), "STATUS=well\n");
    notify_close(&notify);
    close_manager();
}
END_TEST

START_TEST(reads_how_often_a_sign_of_life_is_wanted)
{
    static const struct {
        const char *usec;
        bool another; /* process it is meant for */
        uint64_t want_ms;
    } cases[] = {
        {"30000000", false, 15000}, {"30000000", true, 0}, {"1", false, 1},  {"0", false, 0},
        {"-1", false, 0},           {"", false, 0},        {"2s", false, 0},
    };
    char pid[32];

    open_manager(path);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct notify notify;

        (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid() + cases[i].another);
        ck_assert_int_eq(setenv("WATCHDOG_USEC", cases[i].usec, 1), 0);
        ck_assert_int_eq(setenv("WATCHDOG_PID", pid, 1), 0);
        notify_open(&notify);
        ck_assert_uint_eq(notify.watchdog_ms, cases[i].want_ms);
        notify_close(&notify);
    }
    close_manager();
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("notify");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, reaches_each_kind_of_address);
    tcase_add_test(tc, says_once_that_it_stops);
    tcase_add_test(tc, tells_a_status_when_it_changes);
    tcase_add_test(tc, does_without_a_manager);
    tcase_add_test(tc, never_waits);
    tcase_add_test(tc, outlives_a_restart_of_the_manager);
    tcase_add_test(tc, reads_how_often_a_sign_of_life_is_wanted);
    return leak_run(tc, "app/notify");
}
