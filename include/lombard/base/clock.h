/*
 * include/lombard/base/clock.h - the time of one iteration of the loop.
 *
 * Read once an iteration; everything in that iteration happens at that time.
 * The cache counts seconds from its own start (`uptime_s`), which never jumps; a cache that was
 * kept goes on where it was. Absolute times of the protocol are translated with `start_unix_s`.
 */
#pragma once

#include <stdint.h>

struct clock {
    uint64_t start_ns;    /* monotonic time of clock_init() */
    int64_t start_unix_s; /* wall clock at clock_init(), in seconds */
    uint64_t now_ns;      /* monotonic time of the last clock_read() */
    uint64_t now_ms;      /* since clock_init() */
    uint32_t
        first_s; /* uptime_s at clock_init(): CLOCK_EPOCH_S, but of a cache that was kept */
    uint32_t uptime_s; /* whole seconds since clock_init(), plus first_s */
};

/*
 * uptime_s starts here, not at 0: so that "two seconds ago" and "expired
 * already" are positive numbers from the first second on, as in memcached.
 */
enum { CLOCK_EPOCH_S = 2 };

void clock_init(struct clock *clock);
/* The cache is one that was kept, and has this second now. Before anything is served. */
void clock_continue(struct clock *clock, uint32_t now_s);
/* Refresh now_ns, now_ms and uptime_s. */
void clock_read(struct clock *clock);
/* Seconds since the epoch at this iteration: start_unix_s plus what has passed since. */
int64_t clock_unix_s(const struct clock *clock);
