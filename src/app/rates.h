/*
 * src/app/rates.h - how many a second: of some counters, in the last 1, 10 and 60 seconds.
 *
 * Once a second the counters are read from the registry, like any renderer does, and what they
 * grew by is kept for a minute. Which ones: rates.def.
 */
#pragma once

#include <stdint.h>

#include "lombard/base/clock.h"
#include "lombard/base/stats.h"
#include "lombard/event/timer.h"

enum rate_kind {
#define RATE(name, unit, sources, help) RATE_##name,
#include "rates.def"
#undef RATE
};

enum {
    RATES = 0
#define RATE(name, unit, sources, help) +1
#include "rates.def"
#undef RATE
    ,
    RATE_SECONDS = 60,
    RATE_SOURCES_MAX = 16, /* counters of one rate */
};

/* One counter. */
struct rate_source {
    struct stat_cursor cursor; /* where the registry has it */
    uint64_t last;
};

struct rates {
    struct timer timer;
    struct timers *timers;
    const struct clock *clock;
    const struct stat_registry *registry;
    struct rate_source sources[RATES][RATE_SOURCES_MAX];
    uint32_t source_counts[RATES];
    uint64_t read_at_ns;
    uint32_t second;                     /* the one that was read last, of: */
    uint64_t ns[RATE_SECONDS];           /* how long it was */
    uint64_t grown[RATES][RATE_SECONDS]; /* by how much the counters grew in it */
};

/*
 * Add `stats rates` to REGISTRY, which has all that it will have of plain `stats`. All arguments outlive RATES, or
 * none is used any more.
 */
void rates_init(struct rates *rates, const struct clock *clock, struct stat_registry *registry);
/* Begin to read, once a second of TIMERS. What was counted before, by another process, is of no second. */
void rates_start(struct rates *rates, struct timers *timers);
/* Read now. For the timer, and tests. */
void rates_read(struct rates *rates);
