/* Counts processors that processes may use. */
#include "host/cores.h"

#include <sched.h>

void
cores_give_way(void)
{
    struct sched_param none = {0};

    (void)sched_setscheduler(0, SCHED_BATCH, &none);
}

unsigned
cores_of(pid_t other)
{
    cpu_set_t both;
    cpu_set_t others;
    int count;

    CPU_ZERO(&both);
    CPU_ZERO(&others);
    if (sched_getaffinity(0, sizeof(both), &both) != 0)
        return 1; /* more than a cpu_set_t has */
    if (other != 0 && sched_getaffinity(other, sizeof(others), &others) == 0)
        CPU_OR(&both, &both, &others);
    count = CPU_COUNT(&both);
    return count > 0 ? (unsigned)count : 1;
}
