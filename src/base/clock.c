#include "lombard/base/clock.h"

#include "lombard/base/sys.h"

void
clock_init(struct clock *clock)
{
    clock->first_s = CLOCK_EPOCH_S;
    clock->start_ns = sys_monotonic_ns();
    clock->start_unix_s = sys_realtime_s();
    clock_read(clock);
}

void
clock_continue(struct clock *clock, uint32_t now_s)
{
    clock->first_s = now_s;
    clock->uptime_s = (uint32_t)(clock->now_ms / 1000) + now_s;
}

void
clock_read(struct clock *clock)
{
    clock->now_ns = sys_monotonic_ns();
    clock->now_ms = (clock->now_ns - clock->start_ns) / 1000000;
    clock->uptime_s = (uint32_t)(clock->now_ms / 1000) + clock->first_s;
}

int64_t
clock_unix_s(const struct clock *clock)
{
    return clock->start_unix_s + (int64_t)(clock->now_ms / 1000);
}
