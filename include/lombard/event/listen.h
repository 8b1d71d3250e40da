/*
 * include/lombard/event/listen.h - sockets that listen, and accepting from them.
 *
 * Opening happens at start-up, before the loop runs. A listener then accepts in
 * batches. When the process or the host has no descriptor or memory left, it
 * pauses, and resumes when its user says that something was freed, or after a while:
 * it never spins, and the clients wait in the kernel's queue meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/event/loop.h"

enum listen_result {
    LISTEN_OK,
    LISTEN_BAD_ADDRESS, /* the name does not resolve; it is no socket that listens */
    LISTEN_FAILED,      /* errno says why: EADDRINUSE, EACCES, ... */
};

enum { LISTEN_SOCKETS_MAX = 32 };

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
/* The port that a TCP socket got; 0 for others. */
uint16_t listen_port(int fd);

struct listener;

/* What takes the connections that come in. */
struct listener_user {
    void (*on_accept)(void *ctx, int fd); /* owns FD from now on */
    void (*on_pause)(void *ctx, int err); /* no descriptor could be had: errno */
    void *ctx;
};

struct listener {
    struct watch watch;
    struct timer resume;
    struct loop *loop;
    struct listener_user user;
    uint64_t pauses;       /* since the start */
    uint64_t paused_ms;    /* in all, of pauses that are over */
    uint64_t paused_at_ms; /* of the pause now, while `paused` */
    bool paused;
    bool is_unix;
};

/* Begin to accept from FD, which the listener owns from now on. False when the loop refuses. */
bool listener_start(struct listener *listener, struct loop *loop, int fd,
                    const struct listener_user *user) MUST_USE;
/* Something was freed: if paused, try again now. */
void listener_resume(struct listener *listener);
/* Stop accepting, and close. */
void listener_stop(struct listener *listener);
