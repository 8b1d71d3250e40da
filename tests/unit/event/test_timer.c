#include "lombard/base/attr.h"
#include "lombard/event/timer.h"
#include "leak.h"

struct alarm {
    struct timer timer;
    int rang;
};

static struct timers timers;
static struct alarm alarms[4];
static int order[8];
static int rung;
static uint64_t rearm_at; /* alarms[3] arms itself again for then */

static void
on_time(struct timer *timer)
{
    struct alarm *alarm = CONTAINER_OF(timer, struct alarm, timer);

    alarm->rang++;
    order[rung++ % 8] = (int)(alarm - alarms);
    if (alarm == &alarms[3] && rearm_at > 0)
        timer_set(&timers, timer, rearm_at);
}

static void
setup(void)
{
    timers_init(&timers);
    rung = 0;
    rearm_at = 0;
    for (int i = 0; i < 4; i++) {
        timer_init(&alarms[i].timer, on_time);
        alarms[i].rang = 0;
    }
}

START_TEST(rings_in_order_of_time)
{
    timer_set(&timers, &alarms[0].timer, 30);
    timer_set(&timers, &alarms[1].timer, 10);
    timer_set(&timers, &alarms[2].timer, 20);
    timers_run(&timers, 9);
    ck_assert_int_eq(rung, 0);
    timers_run(&timers, 100);
    ck_assert_int_eq(rung, 3);
    ck_assert_int_eq(order[0], 1);
    ck_assert_int_eq(order[1], 2);
    ck_assert_int_eq(order[2], 0);
}
END_TEST

START_TEST(equal_times_ring_in_order_of_arming)
{
    for (int i = 0; i < 3; i++)
        timer_set(&timers, &alarms[i].timer, 5);
    timers_run(&timers, 5);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(order[i], i);
}
END_TEST

START_TEST(arming_anew_moves_it)
{
    timer_set(&timers, &alarms[0].timer, 10);
    timer_set(&timers, &alarms[0].timer, 20);
    timers_run(&timers, 15);
    ck_assert_int_eq(alarms[0].rang, 0);
    timers_run(&timers, 20);
    ck_assert_int_eq(alarms[0].rang, 1);
    timers_run(&timers, 30);
    ck_assert_int_eq(alarms[0].rang, 1);
}
END_TEST

START_TEST(cancelled_does_not_ring)
{
    timer_set(&timers, &alarms[0].timer, 10);
    timer_cancel(&alarms[0].timer);
    timer_cancel(&alarms[0].timer);
    timers_run(&timers, 10);
    ck_assert_int_eq(alarms[0].rang, 0);
}
END_TEST

START_TEST(rearming_for_now_waits_for_the_next_run)
{
    rearm_at = 10;
    timer_set(&timers, &alarms[3].timer, 10);
    timers_run(&timers, 10);
    ck_assert_int_eq(alarms[3].rang, 1);
    timers_run(&timers, 10);
    ck_assert_int_eq(alarms[3].rang, 2);
}
END_TEST

START_TEST(says_how_long_to_wait)
{
    ck_assert_int_eq(timers_wait_ms(&timers, 0), -1);
    timer_set(&timers, &alarms[0].timer, 50);
    ck_assert_int_eq(timers_wait_ms(&timers, 20), 30);
    ck_assert_int_eq(timers_wait_ms(&timers, 50), 0);
    ck_assert_int_eq(timers_wait_ms(&timers, 51), 0);
    timer_set(&timers, &alarms[0].timer, UINT64_C(1) << 40);
    ck_assert_int_eq(timers_wait_ms(&timers, 0), 0x7fffffff);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("timer");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, rings_in_order_of_time);
    tcase_add_test(tc, equal_times_ring_in_order_of_arming);
    tcase_add_test(tc, arming_anew_moves_it);
    tcase_add_test(tc, cancelled_does_not_ring);
    tcase_add_test(tc, rearming_for_now_waits_for_the_next_run);
    tcase_add_test(tc, says_how_long_to_wait);
    return leak_run(tc, "event/timer");
}
