/*
 * tools/bench/run/own_cpu.h - what this process itself has used.
 */
#pragma once

#include <stdbool.h>

#include "load/tally.h"

/* Add this process's times so far (cpu_ns, user_ns, wait_ns), or take them away: once before and
 * once after something. */
void own_cpu_count(struct tally *t, bool add);
