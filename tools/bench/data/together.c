/* Shares memory with child processes, and locks parts of it. */
#include "data/together.h"

#include <sched.h>
#include <sys/mman.h>

/* One that holds a lock for as long is dead. */
enum { TRIES_MAX = 1000000 };

void *
together_map(size_t bytes)
{
    void *p = mmap(NULL, bytes > 0 ? bytes : 1, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

void
together_unmap(void *p, size_t bytes)
{
    if (p != NULL)
        (void)munmap(p, bytes > 0 ? bytes : 1);
}

void
together_lock_slowly(uint32_t *lock)
{
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        if (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) == 0)
            return;
        (void)sched_yield();
    }
}
