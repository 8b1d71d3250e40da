/*
 * tools/bench/load/windows.h - hits and misses over the course of a run.
 *
 * Windows begin with one read each; when WINDOWS_MAX are full, neighbours are merged and further
 * ones are as large. So any part of a run is known to within 1/2048 of its reads.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"

struct window {
    uint64_t hits;
    uint64_t misses;
    uint64_t hit_bytes;  /* of values */
    uint64_t miss_bytes; /* that a hit would have brought */
};

enum { WINDOWS_MAX = 4096 };

struct windows {
    struct window *list;
    uint64_t reads; /* in one window, all but the last */
    uint32_t count;
};

/* Forget everything. */
void windows_fini(struct windows *w);
/* One read. Nothing is noted when memory is short. */
void windows_add(struct windows *w, bool hit, uint64_t bytes);
/* The sum over all windows from FIRST on. */
struct window windows_sum(const struct windows *w, uint32_t first);
/* The sum over the second half of the reads. */
struct window windows_second_half(const struct windows *w);
/* Hits of 100 reads, or of 100 bytes; 0 when there were none. */
double window_hit_percent(const struct window *w);
double window_byte_percent(const struct window *w);
