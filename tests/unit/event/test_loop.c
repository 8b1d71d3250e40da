#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lombard/event/loop.h"
#include "leak.h"

static struct clock now;
static struct loop *loop;
static int begun, served, ended;
static bool busy, busy_at_end;

struct end {
    struct watch watch;
    uint32_t seen;
    int events;
    struct end *silence; /* want nothing of this one any more, once an event came */
};

static struct end ends[2];

static void
on_begin(void *ctx)
{
    (void)ctx;
    begun++;
}

static void
serve(void *ctx)
{
    (void)ctx;
    served++;
}

static void
on_end(void *ctx)
{
    (void)ctx;
    ck_assert_int_eq(served, begun);
    ended++;
    busy = busy || busy_at_end;
}

static bool
has_work(void *ctx)
{
    (void)ctx;
    return busy;
}

static void
on_event(struct watch *watch, uint32_t events)
{
    struct end *end = CONTAINER_OF(watch, struct end, watch);

    end->seen |= events;
    end->events++;
    if (end->silence != NULL)
        ck_assert(loop_want(loop, &end->silence->watch, 0));
}

/* Two ends of one connection, both watched for nothing yet. */
static void
setup(void)
{
    struct loop_user user = {NULL, on_begin, serve, on_end, has_work};
    int fds[2];

    begun = served = ended = 0;
    busy = busy_at_end = false;
    clock_init(&now);
    loop = loop_create(&now, &user);
    ck_assert_ptr_nonnull(loop);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    for (int i = 0; i < 2; i++) {
        ends[i] = (struct end){.seen = 0};
        watch_init(&ends[i].watch, fds[i], on_event);
    }
}

static void
teardown(void)
{
    for (int i = 0; i < 2; i++) {
        loop_forget(loop, &ends[i].watch);
        (void)close(ends[i].watch.fd);
    }
    loop_destroy(loop);
}

static void
iterate(void)
{
    ck_assert(loop_iterate(loop, 0));
}

START_TEST(a_turn_has_its_parts)
{
    iterate();
    ck_assert_int_eq(begun, 1);
    ck_assert_int_eq(served, 1);
    ck_assert_int_eq(ended, 1);
}
END_TEST

START_TEST(reading_is_level_triggered)
{
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    iterate();
    ck_assert_int_eq(ends[0].events, 0);
    ck_assert_int_eq((int)write(ends[1].watch.fd, "x", 1), 1);
    iterate();
    iterate();
    ck_assert_int_eq(ends[0].events, 2);
    ck_assert_uint_eq(ends[0].seen, WATCH_IN);
}
END_TEST

START_TEST(with_edge_input_is_told_once)
{
    ends[0].watch.edge = true;
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    ck_assert_int_eq((int)write(ends[1].watch.fd, "x", 1), 1);
    iterate();
    iterate();
    ck_assert_int_eq(ends[0].events, 1);
    ck_assert_int_eq((int)write(ends[1].watch.fd, "y", 1), 1);
    iterate();
    ck_assert_int_eq(ends[0].events, 2);
    ck_assert_uint_eq(ends[0].seen, WATCH_IN);
    ck_assert(!ends[0].watch.partial);
}
END_TEST

START_TEST(with_edge_input_is_told_again_when_it_begins_to_be_wanted)
{
    ends[0].watch.edge = true;
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    ck_assert_int_eq((int)write(ends[1].watch.fd, "x", 1), 1);
    iterate();
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_QUIET));
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    iterate();
    ck_assert_int_eq(ends[0].events, 2);
    ck_assert_uint_eq(ends[0].seen, WATCH_IN);
}
END_TEST

/* Told with the bytes before it, which are all that a receive brings. */
START_TEST(with_edge_the_end_is_told_with_what_comes_before_it)
{
    ends[0].watch.edge = true;
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    ck_assert_int_eq((int)write(ends[1].watch.fd, "x", 1), 1);
    ck_assert_int_eq(shutdown(ends[1].watch.fd, SHUT_WR), 0);
    iterate();
    iterate();
    ck_assert_int_eq(ends[0].events, 1);
    ck_assert(ends[0].watch.partial);
}
END_TEST

START_TEST(with_edge_writing_is_asked_for_as_ever)
{
    ends[0].watch.edge = true;
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_OUT));
    iterate();
    iterate();
    ck_assert_int_eq(ends[0].events, 2);
    ck_assert_uint_eq(ends[0].seen, WATCH_OUT);
}
END_TEST

START_TEST(nothing_wanted_nothing_delivered)
{
    ck_assert_int_eq((int)write(ends[1].watch.fd, "x", 1), 1);
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    ck_assert(loop_want(loop, &ends[0].watch, 0));
    iterate();
    ck_assert_int_eq(ends[0].events, 0);
    /* Not even a hang-up, which epoll reports to whoever is registered. */
    (void)shutdown(ends[1].watch.fd, SHUT_RDWR);
    iterate();
    ck_assert_int_eq(ends[0].events, 0);
}
END_TEST

START_TEST(hang_up_comes_as_what_was_wanted)
{
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    (void)shutdown(ends[1].watch.fd, SHUT_RDWR);
    iterate();
    ck_assert_uint_eq(ends[0].seen, WATCH_IN);
}
END_TEST

START_TEST(writing_is_asked_for)
{
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_OUT));
    iterate();
    ck_assert_uint_eq(ends[0].seen, WATCH_OUT);
}
END_TEST

/* Both have an event in one iteration; the first one silences the other. */
START_TEST(stale_event_is_not_served)
{
    ends[0].silence = &ends[1];
    ends[1].silence = &ends[0];
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_OUT));
    ck_assert(loop_want(loop, &ends[1].watch, WATCH_OUT));
    iterate();
    ck_assert_int_eq(ends[0].events + ends[1].events, 1);
}
END_TEST

START_TEST(no_system_call_without_change)
{
    uint64_t before;

    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    before = loop_stats(loop)->epoll_ctls;
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    ck_assert_uint_eq(loop_stats(loop)->epoll_ctls, before);
}
END_TEST

START_TEST(busy_user_keeps_it_from_sleeping)
{
    ck_assert_int_eq(loop_wait_ms(loop), -1);
    busy = true;
    ck_assert_int_eq(loop_wait_ms(loop), 0);
    iterate();
    ck_assert(loop_iterate(loop, -1)); /* returns at once, or the test times out */
}
END_TEST

/* Whatever gives the user something to do, and however late in an iteration. */
START_TEST(work_that_comes_last_is_not_overlooked)
{
    busy_at_end = true;
    iterate();
    ck_assert_int_eq(loop_wait_ms(loop), 0);
    ck_assert(loop_iterate(loop, -1));
}
END_TEST

static void
set_busy(struct timer *timer)
{
    (void)timer;
    busy = true;
}

START_TEST(work_that_a_timer_brings_is_not_overlooked)
{
    struct timer timer;

    timer_init(&timer, set_busy);
    timer_set(loop_timers(loop), &timer, loop_now_ms(loop));
    iterate();
    ck_assert_int_eq(loop_wait_ms(loop), 0);
    ck_assert(loop_iterate(loop, -1));
}
END_TEST

START_TEST(quiet_is_registered_and_says_nothing)
{
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    ck_assert_int_eq((int)write(ends[1].watch.fd, "x", 1), 1);
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_QUIET));
    iterate();
    (void)shutdown(ends[1].watch.fd, SHUT_RDWR);
    iterate();
    ck_assert_int_eq(ends[0].events, 0);
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    iterate();
    ck_assert_uint_eq(ends[0].seen, WATCH_IN);
}
END_TEST

static void
stop_at_time(struct timer *timer)
{
    (void)timer;
    loop_stop(loop);
}

START_TEST(timers_end_the_sleep)
{
    struct timer timer;

    timer_init(&timer, stop_at_time);
    timer_set(loop_timers(loop), &timer, loop_now_ms(loop) + 5);
    ck_assert(loop_run(loop));
    ck_assert_uint_ge(loop_now_ms(loop), timer.at_ms);
}
END_TEST

/* No descriptor is left for the kernel's timer: then each wait has its end. */
START_TEST(timers_end_the_sleep_without_a_descriptor)
{
    struct loop_user user = {NULL, on_begin, serve, on_end, has_work};
    struct rlimit limit, few;
    struct timer timer;
    int fd;

    loop_destroy(loop);
    fd = dup(STDERR_FILENO); /* what the loop will have */
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = (rlim_t)fd + 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    loop = loop_create(&now, &user);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_ptr_nonnull(loop);
    timer_init(&timer, stop_at_time);
    timer_set(loop_timers(loop), &timer, loop_now_ms(loop) + 5);
    ck_assert(loop_run(loop));
}
END_TEST

static void
forget_time(struct timer *timer)
{
    (void)timer;
}

static void
on_alarm(int signal)
{
    (void)signal;
}

/* Nothing but a signal ends the next wait. */
START_TEST(a_timer_that_was_due_wakes_once)
{
    const struct itimerval soon = {{0, 30000}, {0, 30000}}, never = {.it_value = {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm};
    struct timer timer;
    uint64_t before_ms;

    timer_init(&timer, forget_time);
    timer_set(loop_timers(loop), &timer, loop_now_ms(loop) + 1);
    while (loop_wait_ms(loop) >= 0)
        ck_assert(loop_iterate(loop, -1));
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    clock_read(&now);
    before_ms = now.now_ms;
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    ck_assert(loop_iterate(loop, -1));
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    ck_assert_uint_ge(now.now_ms, before_ms + 29);
}
END_TEST

static uint64_t
counter(size_t index)
{
    const struct stat_entry *entry = &busy_poll_stats.entries[index];

    return stat_field(entry, loop_busy_poll(loop));
}

enum { SPINS, FOUND, SPUN_US };

START_TEST(what_is_there_is_found_by_the_first_look)
{
    loop_set_busy_poll(loop, 100);
    ck_assert(loop_want(loop, &ends[0].watch, WATCH_IN));
    ck_assert_int_eq((int)write(ends[1].watch.fd, "x", 1), 1);
    ck_assert(loop_iterate(loop, -1));
    ck_assert_int_eq(ends[0].events, 1);
    ck_assert_uint_eq(counter(SPINS), 1);
    ck_assert_uint_eq(counter(FOUND), 1);
}
END_TEST

START_TEST(it_sleeps_when_it_found_nothing)
{
    struct timer timer;

    loop_set_busy_poll(loop, 100);
    timer_init(&timer, stop_at_time);
    timer_set(loop_timers(loop), &timer, loop_now_ms(loop) + 20);
    ck_assert(loop_run(loop));
    ck_assert_uint_ge(loop_now_ms(loop), timer.at_ms);
    ck_assert_uint_ge(counter(SPINS), 1);
    ck_assert_uint_ge(counter(SPUN_US), 100);
    ck_assert_uint_eq(counter(FOUND), 0);
}
END_TEST

/* Where there is work, or the caller may not wait, no time is spent. */
START_TEST(it_spins_only_before_a_sleep)
{
    loop_set_busy_poll(loop, LOOP_BUSY_POLL_MAX_US);
    iterate();
    busy = true;
    ck_assert(loop_iterate(loop, -1));
    ck_assert_uint_eq(counter(SPINS), 0);
}
END_TEST

START_TEST(a_signal_ends_a_spin)
{
    const struct itimerval soon = {{0, 1000}, {0, 1000}}, never = {.it_value = {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm};

    loop_set_busy_poll(loop, LOOP_BUSY_POLL_MAX_US);
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    ck_assert(loop_iterate(loop, -1)); /* by one in the spin, or in the sleep behind it */
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    ck_assert_int_eq(begun, 1);
}
END_TEST

START_TEST(settings_say_what_it_came_to)
{
    const struct stat_entry *entry = &busy_poll_setting_stats.entries[0];
    struct stat_value value;

    entry->get(entry, loop_busy_poll(loop), &value);
    ck_assert_str_eq(value.text, "off");
    loop_set_busy_poll(loop, 70);
    entry->get(entry, loop_busy_poll(loop), &value);
    ck_assert_ptr_nonnull(strstr(value.text, "up to 70 us; the kernel: "));
    loop_set_busy_poll(loop, 0);
    entry->get(entry, loop_busy_poll(loop), &value);
    ck_assert_str_eq(value.text, "off");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("loop");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_turn_has_its_parts);
    tcase_add_test(tc, reading_is_level_triggered);
    tcase_add_test(tc, with_edge_input_is_told_once);
    tcase_add_test(tc, with_edge_input_is_told_again_when_it_begins_to_be_wanted);
    tcase_add_test(tc, with_edge_the_end_is_told_with_what_comes_before_it);
    tcase_add_test(tc, with_edge_writing_is_asked_for_as_ever);
    tcase_add_test(tc, nothing_wanted_nothing_delivered);
    tcase_add_test(tc, hang_up_comes_as_what_was_wanted);
    tcase_add_test(tc, writing_is_asked_for);
    tcase_add_test(tc, stale_event_is_not_served);
    tcase_add_test(tc, no_system_call_without_change);
    tcase_add_test(tc, busy_user_keeps_it_from_sleeping);
    tcase_add_test(tc, work_that_comes_last_is_not_overlooked);
    tcase_add_test(tc, work_that_a_timer_brings_is_not_overlooked);
    tcase_add_test(tc, quiet_is_registered_and_says_nothing);
    tcase_add_test(tc, timers_end_the_sleep);
    tcase_add_test(tc, timers_end_the_sleep_without_a_descriptor);
    tcase_add_test(tc, a_timer_that_was_due_wakes_once);
    tcase_add_test(tc, what_is_there_is_found_by_the_first_look);
    tcase_add_test(tc, it_sleeps_when_it_found_nothing);
    tcase_add_test(tc, it_spins_only_before_a_sleep);
    tcase_add_test(tc, a_signal_ends_a_spin);
    tcase_add_test(tc, settings_say_what_it_came_to);
    return leak_run(tc, "event/loop");
}
