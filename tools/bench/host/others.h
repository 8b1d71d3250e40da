/*
 * tools/bench/host/others.h - how much of this machine's processors others took.
 *
 * What the kernel counts as running in all processes, and what a host took away from a virtual machine (steal),
 * less what this process and its children used that have ended. Interrupts count for no process: those of the
 * loopback device are our own. Counted in ticks of some milliseconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct others_look {
    uint64_t at_ns;
    uint64_t busy_ns; /* of all, and stolen */
    uint64_t own_ns;
    bool known;
};

void others_look(struct others_look *out);
/* Processors that others took since FROM, on average: 0.5 is half of one. Not a number where the kernel does not
 * say. */
double others_since(const struct others_look *from);
