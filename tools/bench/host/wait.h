/*
 * tools/bench/host/wait.h - waiting for events, as finely as the kernel can.
 *
 * A file of its own, so that tests put simulated time in its place.
 *
 *     |<--------------- limit_ns --------------->|
 *     | sleeps                    |<- spin_ns -->|    asks again and again: a process that sleeps wakes up
 *                                                     late by what its machine takes to (here some 20 us)
 */
#pragma once

#include <stdint.h>

#include "lombard/base/attr.h"

struct epoll_event;

struct wait_time {
    uint64_t limit_ns; /* below a second */
    uint64_t spin_ns;  /* the last part of it in which nothing sleeps; may be above the limit */
    uint64_t spun_ns;  /* how long that was is added here */
};

/* epoll_wait(2) for at most TIME. */
int wait_finely(int epfd, struct epoll_event *events, int max, struct wait_time *time) MUST_USE;
