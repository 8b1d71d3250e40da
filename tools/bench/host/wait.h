/*
 * tools/bench/host/wait.h - waiting for events, as finely as the kernel can.
 *
 * A file of its own, so that tests put simulated time in its place.
 */
#pragma once

#include <stdint.h>

#include "lombard/base/attr.h"

struct epoll_event;

/* epoll_wait(2) for at most LIMIT_NS, which is below a second. */
int wait_finely(int epfd, struct epoll_event *events, int max, uint64_t limit_ns) MUST_USE;
