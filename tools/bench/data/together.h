/*
 * tools/bench/data/together.h - what several processes know of the same keys: memory that they share,
 * and locks for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

enum { TOGETHER_LOCKS = 1024, TOGETHER_LOCK_STEP = 16 }; /* a cache line each */

struct together {
    uint32_t locks[TOGETHER_LOCKS * TOGETHER_LOCK_STEP];
};

/* BYTES of zeros that children of this process share with it; NULL when memory is short. */
void *together_map(size_t bytes) MUST_USE;
void together_unmap(void *p, size_t bytes);

/* Nothing for T NULL: one process. Held for some dozens of instructions; not recursive. */
void together_lock_slowly(uint32_t *lock);

static inline uint32_t *
together_lock_of(struct together *t, uint64_t key)
{
    return &t->locks[key % TOGETHER_LOCKS * TOGETHER_LOCK_STEP];
}

static inline void
together_lock(struct together *t, uint64_t key)
{
    if (UNLIKELY(t != NULL))
        together_lock_slowly(together_lock_of(t, key));
}

static inline void
together_unlock(struct together *t, uint64_t key)
{
    if (UNLIKELY(t != NULL))
        __atomic_store_n(together_lock_of(t, key), 0, __ATOMIC_RELEASE);
}
