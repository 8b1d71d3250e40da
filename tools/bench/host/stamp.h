/*
 * tools/bench/host/stamp.h - when the kernel received what is read.
 *
 * Tells how long a reply lay in this machine's socket before lombard-bench came to read it: what is the
 * client's own queueing, and not the server's or the network's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lombard/base/attr.h"

/* Ask for it on a TCP socket. False with errno. */
bool stamp_enable(int fd) MUST_USE;
/* recv(2). *WAITED_NS is how long the last of these bytes has lain there; 0: not known. */
ssize_t stamp_recv(int fd, void *dst, size_t bytes, uint64_t *waited_ns) MUST_USE;
