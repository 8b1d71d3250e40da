#include "lombard/base/attr.h"
#include "lombard/base/clock.h"
#include "lombard/base/sys.h"
#include "leak.h"

/*
 * The clocks are ours: all of the seam that the linker would otherwise take from
 * the library's sys.o is defined here.
 */
static uint64_t monotonic_ns;
static int64_t realtime_s;

uint64_t
sys_monotonic_ns(void)
{
    return monotonic_ns;
}

int64_t
sys_realtime_s(void)
{
    return realtime_s;
}

static struct clock clk;

static void
setup(void)
{
    monotonic_ns = UINT64_C(123456789012345);
    realtime_s = 1700000000;
    clock_init(&clk);
}

static void
pass_ns(uint64_t ns)
{
    monotonic_ns += ns;
    clock_read(&clk);
}

START_TEST(starts_at_the_epoch)
{
    ck_assert_uint_eq(clk.now_ms, 0);
    ck_assert_uint_eq(clk.uptime_s, CLOCK_EPOCH_S);
    ck_assert_int_eq(clock_unix_s(&clk), 1700000000);
}
END_TEST

static const struct {
    uint64_t ns;
    uint64_t want_ms;
    uint32_t want_s;
} steps[] = {
    {0, 0, 0},
    {1, 0, 0},
    {999999, 0, 0},
    {1000000, 1, 0},
    {999999999, 999, 0},
    {UINT64_C(1000000000), 1000, 1},
    {UINT64_C(1999999999), 1999, 1},
    {UINT64_C(86400) * 1000000000, 86400000, 86400},
    {UINT64_C(86400) * 1000000000 * 3650, UINT64_C(86400000) * 3650, 86400 * 3650},
};

START_TEST(time_passes)
{
    pass_ns(steps[_i].ns);
    ck_assert_uint_eq(clk.now_ns, monotonic_ns);
    ck_assert_uint_eq(clk.now_ms, steps[_i].want_ms);
    ck_assert_uint_eq(clk.uptime_s, steps[_i].want_s + CLOCK_EPOCH_S);
    ck_assert_int_eq(clock_unix_s(&clk), 1700000000 + steps[_i].want_s);
}
END_TEST

/* A cache that was kept goes on where it was; the host's time is what it is. */
START_TEST(a_kept_cache_continues)
{
    clock_continue(&clk, 1000);
    ck_assert_uint_eq(clk.uptime_s, 1000);
    pass_ns(UINT64_C(5000000000));
    ck_assert_uint_eq(clk.uptime_s, 1005);
    ck_assert_uint_eq(clk.first_s, 1000);
    ck_assert_int_eq(clock_unix_s(&clk), 1700000005);
}
END_TEST

/* The host's clock is set: expiry goes on as if nothing had happened. */
START_TEST(a_jump_of_the_wall_clock_changes_nothing)
{
    realtime_s += 1000000;
    pass_ns(UINT64_C(5000000000));
    ck_assert_uint_eq(clk.uptime_s, 5 + CLOCK_EPOCH_S);
    ck_assert_int_eq(clock_unix_s(&clk), 1700000005);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("clock");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, starts_at_the_epoch);
    tcase_add_loop_test(tc, time_passes, 0, (int)ARRAY_LEN(steps));
    tcase_add_test(tc, a_kept_cache_continues);
    tcase_add_test(tc, a_jump_of_the_wall_clock_changes_nothing);
    return leak_run(tc, "clock");
}
