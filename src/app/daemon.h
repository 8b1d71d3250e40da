/*
 * src/app/daemon.h - what a daemon takes from its host: descriptors, sockets, files.
 *
 * Each that returns false has logged what went wrong and what to do.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "lombard/base/attr.h"
#include "lombard/event/listen.h"
#include "lombard/store/store.h"
#include "memory_file.h"
#include "own_file.h"
#include "user.h"

/*
 * Let the process open a descriptor for every connection of max_conns, and what it needs
 * in addition, which includes those of operators. Where the host does not allow that many, max_conns is lowered to what can
 * be had. After everything else that stays open is open. False when hardly any is left.
 */
bool daemon_raise_limits(struct config *config) MUST_USE;
/*
 * The cache, with a hash of its own that no client can know, or the one that FILE has kept: then
 * CLOCK goes on with its seconds. NULL when there is no memory.
 */
struct store *daemon_make_store(const struct config *config, const struct memory_file *file,
                                struct clock *clock) MUST_USE;
/* What listens, by the role of what comes through it. */
struct daemon_sockets {
    struct listen_sockets of[SESSION_ROLES];
    struct own_file
        files[SESSION_ROLES]; /* the unix sockets that were made, to be removed at the end */
};

void daemon_sockets_init(struct daemon_sockets *sockets);
/*
 * Open all sockets of the configuration; for clients only where a service manager has given none,
 * and likewise for operators.
 */
bool daemon_listen(const struct config *config, const struct user *user,
                   struct daemon_sockets *sockets) MUST_USE;
/* Say on which addresses. */
void daemon_log_listening(const struct daemon_sockets *sockets);
/*
 * -P: write the process id. FILE is none, or what the process held whose place this one takes: its file is
 * replaced, or written anew where no other can be made; one at another PATH is removed.
 */
bool daemon_write_pid(const char *path, const struct user *user,
                      struct own_file *file) MUST_USE;
/* MEMCACHED_PORT_FILENAME: which ports were got, a line a socket. */
bool daemon_write_ports(const struct listen_sockets *sockets, const struct user *user) MUST_USE;
/* At the end: remove what is still ours. */
void daemon_remove(struct own_file *file);
