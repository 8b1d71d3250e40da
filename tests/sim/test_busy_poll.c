/* Looking for events before sleeping, in time that nothing but the server's own calls takes. */
#include <string.h>

#include "leak.h"
#include "lombard/event/loop.h"
#include "rig.h"
#include "sim_sys.h"

enum { LIMIT_US = 50, ROOM = 65536, IDLE_SLEEPS = 100 };

static struct rig rig;

static void
setup(void)
{
    const struct rig_config config = {.limit_bytes = 8 << 20, .busy_poll_us = LIMIT_US};

    sim_begin(1);
    ck_assert(rig_start(&rig, &config));
}

static void
teardown(void)
{
    rig_stop(&rig);
}

/* How often one iteration that may sleep asked for events. */
static uint64_t
looks_of_a_sleep(void)
{
    uint64_t before = sim_calls(SIM_EPOLL_WAIT);

    rig_sleep(&rig);
    return sim_calls(SIM_EPOLL_WAIT) - before;
}

START_TEST(at_first_it_looks_for_as_long_as_it_may)
{
    while (loop_wait_ms(server_loop(rig.server)) == 0)
        rig_iterate(&rig);
    ck_assert_uint_eq(looks_of_a_sleep(), LIMIT_US + 1);
}
END_TEST

START_TEST(an_idle_server_only_sleeps)
{
    for (int i = 0; i < IDLE_SLEEPS; i++)
        (void)looks_of_a_sleep();
    for (int i = 0; i < IDLE_SLEEPS; i++)
        ck_assert_uint_eq(looks_of_a_sleep(), 1);
}
END_TEST

START_TEST(a_client_in_use_is_found_without_sleeping)
{
    struct sim_link *link = sim_connect(rig.listen_fd, ROOM, ROOM);
    char got[64];

    for (int i = 0; i < IDLE_SLEEPS; i++)
        (void)looks_of_a_sleep();
    for (int i = 0; i < IDLE_SLEEPS; i++) {
        ck_assert_uint_eq(sim_send(link, "get a\r\n", 7), 7);
        ck_assert_uint_eq(looks_of_a_sleep(), 1);
        ck_assert_uint_eq(sim_recv(link, got, sizeof(got)), 5);
    }
    /* It has learned that something comes soon; and then that nothing comes any more. */
    ck_assert_uint_gt(looks_of_a_sleep(), 1);
    for (int i = 0; i < IDLE_SLEEPS; i++)
        (void)looks_of_a_sleep();
    ck_assert_uint_eq(looks_of_a_sleep(), 1);
    sim_link_free(link);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("busy_poll");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, at_first_it_looks_for_as_long_as_it_may);
    tcase_add_test(tc, an_idle_server_only_sleeps);
    tcase_add_test(tc, a_client_in_use_is_found_without_sleeping);
    return leak_run(tc, "busy_poll");
}
