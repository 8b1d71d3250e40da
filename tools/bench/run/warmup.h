/*
 * tools/bench/run/warmup.h - what a measurement looks at while it runs: its warm-up, its end, the server.
 *
 * Warm-up is found, not guessed: as long as no more than half of the time is over, latencies are
 * looked at 16 times, and if they have changed since the measurement began, it begins anew, with all
 * of its time. `--until 'ci<2%'` ends a measurement as soon as intervals are that narrow.
 */
#pragma once

#include "run/driver.h"

/* A phase begins. */
void warmup_begin(struct driver *d);
/* In every iteration. */
void warmup_tick(struct driver *d);
/* Whether the intervals of what was measured so far are as narrow as `--until` asks. REACH, where not
 * NULL: how wide the widest is, relative to its value. */
bool warmup_is_enough(const struct driver *d, double *reach);
