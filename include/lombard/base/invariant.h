/*
 * include/lombard/base/invariant.h - invariants that stay alive in release builds.
 *
 * BROKEN(cond) is for a programmer's mistake that can be noticed cheaply and survived:
 *
 *     if (BROKEN(seg->pins == 0))
 *         return;
 *
 * In debug and test builds it aborts, like BUG_ON(). In a release build (NDEBUG) it is true
 * and counted, and the caller refuses the operation in a way that leaves everything else
 * usable: a miss, "not stored", one connection closed. Input never reaches it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"

#define BROKEN(cond) (UNLIKELY(cond) && invariant_broken(__FILE__, __LINE__, #cond))

struct invariants {
    uint64_t broken;  /* times, since the start: `internal_errors` */
    const char *file; /* of the last one; NULL while there was none */
    int line;
    const char *what; /* the condition, as it is written */
};

const struct invariants *invariants(void);
struct stat_registry;
/* Add `internal_errors` to plain `stats`. */
void invariants_add_stats(struct stat_registry *registry);
/* For BROKEN(): count it, or abort. Always true. */
bool invariant_broken(const char *file, int line, const char *what)
    __attribute__((cold, noinline)) MUST_USE;
/* For tests: whether to go on where one is broken, as a release build does. */
void invariants_survive(bool survive);
