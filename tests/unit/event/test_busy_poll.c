#include <string.h>

#include "../../../src/event/busy_poll.h"
#include "leak.h"
#include "lombard/event/loop.h"

enum { US = 1000, LIMIT = 100 * US };

static struct busy_poll poll;

static void
setup(void)
{
    memset(&poll, 0, sizeof(poll));
    busy_poll_set(&poll, LIMIT);
}

/* COUNT waits, each ended by something that came EVERY_NS after its beginning. WAKE_NS: to end a sleep. */
static void
wait_for(int count, uint64_t every_ns, uint64_t wake_ns)
{
    for (int i = 0; i < count; i++) {
        uint64_t budget_ns = busy_poll_budget_ns(&poll);

        ck_assert_uint_le(budget_ns, LIMIT);
        if (budget_ns >= every_ns)
            busy_poll_learn(&poll, every_ns, every_ns, true);
        else
            busy_poll_learn(&poll, every_ns + wake_ns, budget_ns, false);
    }
}

START_TEST(begins_hopefully)
{
    ck_assert_uint_eq(busy_poll_budget_ns(&poll), LIMIT);
}
END_TEST

START_TEST(without_a_limit_nothing_is_spent)
{
    busy_poll_set(&poll, 0);
    ck_assert_uint_eq(busy_poll_budget_ns(&poll), 0);
    ck_assert(!poll.pays);
}
END_TEST

START_TEST(idle_it_shrinks_to_nothing)
{
    uint64_t us;

    wait_for(50, 100 * 1000 * US, 10 * US);
    ck_assert_uint_eq(busy_poll_budget_ns(&poll), 0);
    ck_assert_uint_eq(poll.found, 0);
    us = poll.us;
    ck_assert_uint_le(us, 50 * 100);
    wait_for(10000, 100 * 1000 * US, 10 * US);
    ck_assert_uint_eq(poll.us, us);
}
END_TEST

START_TEST(what_comes_soon_is_found)
{
    wait_for(1000, 40 * US, 10 * US);
    ck_assert_uint_eq(poll.found, 1000);
    ck_assert_uint_eq(poll.spins, 1000);
    ck_assert_uint_eq(poll.us, 1000 * 40);
}
END_TEST

START_TEST(it_spins_no_longer_than_it_usually_takes)
{
    uint64_t us;

    wait_for(200, 10 * US, 0);
    ck_assert_uint_ge(busy_poll_budget_ns(&poll), 10 * US);
    ck_assert_uint_le(busy_poll_budget_ns(&poll), 30 * US);
    us = poll.us;
    wait_for(1, 1000 * US, 0); /* in vain, but not for the whole limit */
    ck_assert_uint_le(poll.us - us, 30);
    ck_assert_uint_le(busy_poll_budget_ns(&poll), 30 * US); /* nor for longer after that */
}
END_TEST

START_TEST(one_long_wait_is_forgiven)
{
    wait_for(100, 30 * US, 0);
    wait_for(3, 1000 * US, 0);
    ck_assert_uint_ge(busy_poll_budget_ns(&poll), 30 * US);
}
END_TEST

START_TEST(it_begins_again)
{
    wait_for(1000, 100 * 1000 * US, 0);
    ck_assert_uint_eq(busy_poll_budget_ns(&poll), 0);
    wait_for(12, 20 * US, 10 * US); /* also with what waking takes within the limit */
    ck_assert_uint_ge(busy_poll_budget_ns(&poll), 20 * US);
}
END_TEST

/* To be woken takes so long that no sleep ends within the limit. */
START_TEST(it_begins_again_where_sleeping_hides_it)
{
    wait_for(1000, 100 * 1000 * US, 0);
    wait_for(BUSY_POLL_DOUBTS * 12, 80 * US, 50 * US);
    ck_assert_uint_ge(busy_poll_budget_ns(&poll), 80 * US);
    wait_for(1000, 80 * US, 50 * US);
    ck_assert_uint_ge(poll.found, 1000);
}
END_TEST

/* What sleeping may have hidden is not there: it is tried in one wait of 16. */
START_TEST(doubts_cost_little)
{
    uint64_t us;

    wait_for(1000, 100 * 1000 * US, 0);
    us = poll.us;
    wait_for(1600, 150 * US, 10 * US);
    ck_assert_uint_le(poll.us - us, 100 * 100);
    ck_assert_uint_gt(poll.us, us);
}
END_TEST

/* The same share of waits, on either side, does not turn it on and off. */
START_TEST(it_does_not_waver)
{
    int changes = 0;
    bool before = poll.pays;

    for (int i = 0; i < 6000; i++) {
        wait_for(1, i % 5 < 2 ? 20 * US : 1000 * US, 0); /* two in five */
        changes += poll.pays != before;
        before = poll.pays;
    }
    ck_assert_int_le(changes, 1);
}
END_TEST

START_TEST(a_new_limit_begins_anew)
{
    wait_for(1000, 100 * 1000 * US, 0);
    busy_poll_set(&poll, 7 * US);
    ck_assert_uint_eq(busy_poll_budget_ns(&poll), 7 * US);
    ck_assert_uint_gt(poll.spins, 0);
}
END_TEST

/* Waits of any length, and the largest limit. */
START_TEST(extremes)
{
    busy_poll_set(&poll, LOOP_BUSY_POLL_MAX_US * US);
    for (int i = 0; i < 100; i++) {
        busy_poll_learn(&poll, UINT64_MAX, 0, false);
        busy_poll_learn(&poll, 0, 0, true);
        busy_poll_learn(&poll, UINT32_MAX, UINT32_MAX, false);
        busy_poll_learn(&poll, LOOP_BUSY_POLL_MAX_US * US, LOOP_BUSY_POLL_MAX_US * US, true);
        ck_assert_uint_le(busy_poll_budget_ns(&poll), LOOP_BUSY_POLL_MAX_US * US);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("busy_poll");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, begins_hopefully);
    tcase_add_test(tc, without_a_limit_nothing_is_spent);
    tcase_add_test(tc, idle_it_shrinks_to_nothing);
    tcase_add_test(tc, what_comes_soon_is_found);
    tcase_add_test(tc, it_spins_no_longer_than_it_usually_takes);
    tcase_add_test(tc, one_long_wait_is_forgiven);
    tcase_add_test(tc, it_begins_again);
    tcase_add_test(tc, it_begins_again_where_sleeping_hides_it);
    tcase_add_test(tc, doubts_cost_little);
    tcase_add_test(tc, it_does_not_waver);
    tcase_add_test(tc, a_new_limit_begins_anew);
    tcase_add_test(tc, extremes);
    return leak_run(tc, "event/busy_poll");
}
