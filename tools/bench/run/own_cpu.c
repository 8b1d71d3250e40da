/* Reads the CPU time of this process, and how long it waited for a processor. */
#include "run/own_cpu.h"

#include <stdio.h>
#include <sys/resource.h>

static uint64_t
ns_of(const struct timeval *t)
{
    return (uint64_t)t->tv_sec * UINT64_C(1000000000) + (uint64_t)t->tv_usec * 1000;
}

/* Time on a run queue but not running; 0 where the kernel does not say. */
static uint64_t
waited_ns(void)
{
    FILE *f = fopen("/proc/self/schedstat", "re");
    unsigned long long wait = 0;

    if (f == NULL)
        return 0;
    if (fscanf(f, "%*u %llu", &wait) != 1)
        wait = 0;
    (void)fclose(f);
    return wait;
}

void
own_cpu_count(struct tally *t, bool add)
{
    uint64_t wait = waited_ns();
    struct rusage usage;
    uint64_t user;
    uint64_t both;

    (void)getrusage(RUSAGE_SELF, &usage);
    user = ns_of(&usage.ru_utime);
    both = user + ns_of(&usage.ru_stime);
    /* Modulo 2^64 the order does not matter. */
    t->user_ns += add ? user : 0 - user;
    t->cpu_ns += add ? both : 0 - both;
    t->wait_ns += add ? wait : 0 - wait;
}
