/*
 * tools/bench/host/observed.h - what the server costs: its process, seen from outside.
 *
 * Works when the server runs on this machine and its process may be looked at.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/net.h"
#include "lombard/base/attr.h"

/* One look at the process. */
struct process_sample {
    uint64_t cpu_ns; /* user and system time of all its threads, since it started */
    uint64_t rss_bytes;
    uint64_t socket_bytes; /* of kernel memory in TCP buffers, all of the machine */
    uint64_t slab_bytes;   /* of kernel objects, sockets among them, all of the machine */
};

/*
 * The process that serves ADDR: the one that listens there, or else the pid in its
 * `stats`. 0 when it is on another machine or cannot be found.
 */
pid_t process_find(const struct net_addr *addr) MUST_USE;
/* False when PID is gone, or hidden. */
bool process_look(pid_t pid, struct process_sample *out) MUST_USE;
/* The same, with memory to the page: the kernel keeps its own count only roughly. It stops the
 * server for some milliseconds. */
bool process_look_closely(pid_t pid, struct process_sample *out) MUST_USE;
