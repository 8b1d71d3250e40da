/*
 * src/event/busy_poll.h - how long the loop looks for events before it sleeps: learned from its waits.
 *
 *     wait begins      mean + 4 spread + limit/8            limit         2 limit
 *     |---- spin ------|------------------ sleep ... -------|-------------|----
 *                      what is spent, if that pays          not found     not found, for sure
 *
 * It pays when at least half of the waits end within the limit, until fewer than a third do: then
 * the loop only sleeps. Waits are timed all the same, so it learns when to begin again. But a thread that
 * slept has to be woken, which may take as long as the limit: a sleep of up to twice as long leaves open
 * whether a spin would have found something, and after BUSY_POLL_DOUBTS of those one spin tries.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { BUSY_POLL_DOUBTS = 16 };

struct busy_poll {
    uint64_t spins;
    uint64_t found;
    uint64_t us;       /* spent on these */
    uint32_t rest_ns;  /* spent as well: less than one of them */
    uint32_t limit_ns; /* 0: it never spins, and nothing below is looked at */
    uint32_t share;    /* of the waits that ended within the limit, of 65536: a decaying mean */
    uint32_t mean_ns;  /* of how long these took; */
    uint32_t spread_ns; /* of how far from that they were */
    uint32_t doubts;    /* sleeps since the last try that left it open */
    int kernel_error;   /* why the kernel does not poll as well: an errno; 0: it does */
    bool pays;
    bool tries; /* the next wait begins with a spin of limit_ns, whether that pays or not */
};

/* Begin anew, with another limit: hopefully. Statistics stay. */
void busy_poll_set(struct busy_poll *poll, uint32_t limit_ns);
/* How long to spin before the next sleep; 0: not at all. */
uint32_t busy_poll_budget_ns(const struct busy_poll *poll);
/* A wait is over: it took WAITED_NS in all, SPUN_NS of them without sleeping; FOUND: and that was enough. */
void busy_poll_learn(struct busy_poll *poll, uint64_t waited_ns, uint64_t spun_ns, bool found);
