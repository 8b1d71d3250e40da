/*
 * include/lombard/event/listen.h - sockets that listen: opened, or taken over.
 *
 * At start-up, before the loop runs. What accepts from them then is event/listener.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

struct sockaddr_un;

enum listen_result {
    LISTEN_OK,
    LISTEN_BAD_ADDRESS, /* the name does not resolve; it is no socket that listens */
    LISTEN_FAILED,      /* errno says why: EADDRINUSE, EACCES, ... */
};

enum {
    LISTEN_SOCKETS_MAX = 32,
    LISTEN_UNSENT_BYTES_MAX = 64 * 1024, /* of one accepted socket, in the kernel */
    LISTEN_UNREAD_BYTES_MAX = 64 * 1024, /* likewise, see listen_limit_unread() */
};

/* Open sockets, in the order in which they were opened. */
struct listen_sockets {
    int fd[LISTEN_SOCKETS_MAX];
    int count;
};

/*
 * Listen on every address that HOST has (NULL: any), IPv4 and IPv6. PORT 0: the
 * kernel picks one, the same for all of them. Appended to SOCKETS; on an error
 * what was appended by this call is closed again.
 */
enum listen_result listen_open_tcp(const char *host, uint16_t port, int backlog,
                                   struct listen_sockets *sockets) MUST_USE;
/* Listen on a unix socket at PATH with MODE; a dead socket there is replaced. */
enum listen_result listen_open_unix(const char *path, unsigned mode, int backlog,
                                    struct listen_sockets *sockets) MUST_USE;
/*
 * Take over FD, on which another process has begun to listen: TCP or unix, for streams. Only on
 * LISTEN_OK it belongs to SOCKETS.
 */
enum listen_result listen_adopt(int fd, struct listen_sockets *sockets) MUST_USE;
/*
 * Let the kernel give up on peers of these sockets that vanished while nothing was under way to
 * them: that acknowledge no probe for SECONDS. 0: the kernel's own time, which is hours. What is
 * under way hinders these probes: see sys_peer_state().
 */
void listen_set_peer_timeout(const struct listen_sockets *sockets, uint32_t seconds);
/* Likewise of FD alone, whether it listens or is connected; 0: what Linux has, where none is set. */
void listen_change_peer_timeout(int fd, uint32_t seconds);
/*
 * Keep the kernel from taking more and more for what a peer sends, by TCP and before it is read: it would be
 * megabytes of a peer that first sends fast, and then asks without reading.
 */
void listen_limit_unread(const struct listen_sockets *sockets);
/* The port that a TCP socket got; 0 for others. */
uint16_t listen_port(int fd);
/* Whether it is a unix socket: what it accepts inherits none of its options. */
bool listen_is_unix(int fd);
/*
 * Remove the socket at ADDRESS if no process listens on it any more: it is left over from a crash. TYPE is
 * that of its kind. Any other file stays.
 */
void listen_remove_dead(const struct sockaddr_un *address, int type);
