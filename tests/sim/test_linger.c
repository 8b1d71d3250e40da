/* A connection that is closed still delivers its last reply, within a bounded time. */
#include <errno.h>
#include <string.h>

#include "leak.h"
#include "rig.h"
#include "sim_sys.h"

/*
 * A client that is refused reads the refusal, although it goes on sending: on a host where a
 * reset takes with it what was not read yet.
 */

enum { ROOM = 65536 };

static const char rejection[] = "ERROR Too many open connections\r\n";

static struct rig rig;

static void
setup(void)
{
    const struct rig_config config = {.max_conns = 1, .limit_bytes = 8 << 20};

    sim_begin(1);
    sim_lose_on_reset(true);
    ck_assert(rig_start(&rig, &config));
}

static void
teardown(void)
{
    rig_stop(&rig);
}

static void
say(struct sim_link *link, const char *text)
{
    ck_assert_uint_eq(sim_send(link, text, strlen(text)), strlen(text));
}

static void
hears(struct sim_link *link, const char *want)
{
    char got[1024];
    size_t len = sim_recv(link, got, sizeof(got));

    ck_assert_uint_eq(len, strlen(want));
    ck_assert_mem_eq(got, want, len);
}

/* One that has the only connection, and one too many. */
static struct sim_link *
connect_two(struct sim_link **first)
{
    *first = sim_connect(rig.listen_fd, ROOM, ROOM);
    rig_iterations(&rig, 2);
    return sim_connect(rig.listen_fd, ROOM, ROOM);
}

START_TEST(one_too_many_hears_so_and_sends_on)
{
    struct sim_link *first, *second = connect_two(&first);

    rig_iterations(&rig, 2);
    say(second, "get a\r\n");
    rig_iterations(&rig, 2);
    say(second, "get b\r\n");
    rig_iterations(&rig, 2);
    hears(second, rejection);
    ck_assert_int_eq(sim_link_state(second), SIM_LINK_EOF);
    sim_link_free(second);
    sim_link_free(first);
    rig_iterations(&rig, 2);
}
END_TEST

START_TEST(nonsense_is_answered_and_sends_on)
{
    struct sim_link *link = sim_connect(rig.listen_fd, ROOM, ROOM);

    for (int i = 0; i < 50; i++)
        say(link, "a word and another, in a line that is far longer than any command can be, "
                  "and goes on and on and on ");
    rig_iterations(&rig, 3);
    say(link, "and on");
    rig_iterations(&rig, 3);
    say(link, "and on");
    hears(link, "CLIENT_ERROR line too long\r\n");
    ck_assert_int_eq(sim_link_state(link), SIM_LINK_EOF);
    sim_link_free(link);
    rig_iterations(&rig, 2);
}
END_TEST

START_TEST(nobody_lingers_for_ever)
{
    struct sim_link *first, *second = connect_two(&first);

    rig_iterations(&rig, 2);
    for (int i = 0; i < 10; i++) {
        sim_advance_ms(200);
        (void)sim_send(second, "x", 1);
        rig_iterate(&rig);
    }
    ck_assert_int_eq(sim_link_state(second), SIM_LINK_RESET);
    sim_link_free(second);
    sim_link_free(first);
    rig_iterations(&rig, 2);
}
END_TEST

/* The oldest is closed early; the others still read their refusal. */
START_TEST(there_are_not_too_many_who_linger)
{
    enum { MANY = 70, LINGER_MAX = 64 };
    struct sim_link *first, *link[MANY];

    link[0] = connect_two(&first);
    for (int i = 1; i < MANY; i++)
        link[i] = sim_connect(rig.listen_fd, ROOM, ROOM);
    rig_iterations(&rig, 4);
    for (int i = 0; i < MANY; i++)
        (void)sim_send(link[i], "x", 1);
    rig_iterations(&rig, 2);
    for (int i = 0; i < MANY; i++) {
        if (i < MANY - LINGER_MAX) {
            (void)sim_send(link[i], "x", 1); /* which only one that was closed is reset for */
            ck_assert_int_eq(sim_link_state(link[i]), SIM_LINK_RESET);
        } else {
            hears(link[i], rejection);
        }
        sim_link_free(link[i]);
    }
    sim_link_free(first);
    rig_iterations(&rig, 2);
}
END_TEST

/* Where the loop takes no further descriptor, it is closed immediately. */
START_TEST(a_refused_watch_ends_it)
{
    struct sim_link *first, *second = connect_two(&first);

    sim_fail_nth(SIM_EPOLL_CTL, 1, ENOMEM);
    rig_iterations(&rig, 2);
    ck_assert(sim_fail_struck());
    hears(second, rejection);
    ck_assert_int_eq(sim_link_state(second), SIM_LINK_EOF);
    sim_link_free(second);
    sim_link_free(first);
    rig_iterations(&rig, 2);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("linger");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, one_too_many_hears_so_and_sends_on);
    tcase_add_test(tc, nonsense_is_answered_and_sends_on);
    tcase_add_test(tc, nobody_lingers_for_ever);
    tcase_add_test(tc, there_are_not_too_many_who_linger);
    tcase_add_test(tc, a_refused_watch_ends_it);
    return leak_run(tc, "linger");
}
