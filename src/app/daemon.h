/*
 * src/app/daemon.h - what a daemon owes to its host: descriptors, users, files.
 *
 * Each returns false after having logged what went wrong and what to do.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "lombard/base/attr.h"
#include "lombard/event/listen.h"

/*
 * Let the process open a descriptor for every connection of max_conns, and some
 * more. Where the host does not allow that many, max_conns is lowered.
 */
void daemon_raise_limits(struct config *config);
/* Open all sockets of the configuration. */
bool daemon_listen(const struct config *config, struct listen_sockets *sockets) MUST_USE;
/* Whether -u is given where it is needed, and names somebody. Before anything else. */
bool daemon_check_user(const struct config *config) MUST_USE;
/* Become -u's user. After everything that needs root: sockets, files. */
bool daemon_drop_privileges(const struct config *config) MUST_USE;
/* Leave the terminal; the parent exits. */
bool daemon_detach(void) MUST_USE;
/* -P: write the process id. */
bool daemon_write_pid(const char *path) MUST_USE;
/* MEMCACHED_PORT_FILENAME: which ports were got, a line a socket. */
bool daemon_write_ports(const struct listen_sockets *sockets) MUST_USE;
