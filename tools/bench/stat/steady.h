/*
 * tools/bench/stat/steady.h - whether a run was the same all the time.
 *
 * Looks for the one moment that divides the blocks into two parts whose latencies (the means of their
 * logarithms, so that a single long stall does not count as a change) differ most, compared with how
 * much they vary within the parts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "stat/series.h"

struct steady {
    bool known; /* there was enough to tell */
    bool changed;
    uint32_t at;   /* CHANGED: the first block of the second part */
    double factor; /* by which latencies changed there */
};

struct steady steady_look(const struct moment *blocks, uint32_t count);
/* The same of the values themselves. */
struct steady steady_look_at(const double *logs, uint32_t count);
