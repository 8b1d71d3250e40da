/*
 * src/app/activation.h - sockets that a service manager has opened: sd_listen_fds(3), by hand.
 *
 * The manager keeps them while the server is restarted: clients wait instead of being refused.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/attr.h"
#include "daemon.h"

/*
 * Take the LISTEN_FDS descriptors from 3 on, if LISTEN_PID is this process, and forget these
 * variables: those that LISTEN_FDNAMES calls "admin" are for operators, "http" for HTTP, all others
 * for clients. SOCKETS stay empty where there are none. False when one of them is of no use here,
 * which was logged with its name, or when the variables are malformed.
 */
bool activation_take(struct daemon_sockets *sockets) MUST_USE;
