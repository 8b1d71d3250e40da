/*
 * tools/bench/builtin/child.h - what the built-in servers have in common: a process of their own.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "lombard/base/attr.h"
#include "host/net.h"

/*
 * Fork a process that calls SERVE, which never returns, with a socket that listens on a free port of
 * 127.0.0.1; OUT is where. The process keeps no other descriptor above 2, and ends with this one. Its
 * pid; -1 when it could not be started.
 */
pid_t child_start(void (*serve)(int listen_fd, const void *context), const void *context,
                  struct net_addr *out);
/* Kill it, and wait until it has ended; *PID becomes 0. Nothing for one that was not started. */
void child_stop(pid_t *pid);

/* Accept a connection whose sends may block, and watch it with EPFD; -1 when there is none, or its
 * descriptor is FD_COUNT or above. */
int child_accept(int listen_fd, int epfd, uint64_t fd_count);
