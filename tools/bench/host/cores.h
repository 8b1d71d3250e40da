/*
 * tools/bench/host/cores.h - the processors that processes may use.
 */
#pragma once

#include <sys/types.h>

/* Where others want the processor, too, let them finish what they are at when this process wakes up. */
void cores_give_way(void);
/* How many processors this process and OTHER (0: none is known) may use together; at least 1. */
unsigned cores_of(pid_t other);
