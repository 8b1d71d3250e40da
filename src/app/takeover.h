/*
 * src/app/takeover.h - the new process of a takeover: --takeover=PATH.
 *
 *     takeover_begin()    ask the server at PATH for what does not change, and check it
 *     takeover_store()    where the cache will be
 *     takeover_finish()   everything else is made: take connections while they are served there, then the rest;
 *                         claim the store, and all is this process's
 *     takeover_ready()    the service manager knows: the old process may end
 *
 * Until the third has come back nothing of the old server is changed, and it goes on if this process ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/clock.h"
#include "lombard/base/slice.h"
#include "lombard/store/store.h"
#include "passing.h"

struct process;

struct takeover {
    const char *path; /* NULL: this is none */
    bool done;        /* all is this process's */
    int fd;           /* -1: it is over, or has not begun */
    struct pass_fds offer;
    int offer_used; /* of these, from the first on */
    struct takeover_image {
        void *mem; /* mapped */
        size_t len;
    } constant, rest;
    int *fds; /* that came with the rest: of connections */
    uint32_t fd_count;
    /* Of the images: */
    uint64_t pid;
    uint64_t begun_ns;
    uint64_t clock_start_ns;
    uint64_t clock_unix_s;
    uint64_t clock_first_s;
    uint64_t item_max;
    uint64_t wants_auth;
    uint64_t kept_file;
    uint64_t watchdog_ms;
    uint64_t lease;
    struct slice version;
    struct slice listeners;
    struct slice server;
    struct slice counters;
    uint32_t conns;
};

void takeover_init(struct takeover *takeover, const char *path);
/*
 * PROCESS gets the sockets, the files and the memory of the server at its path. False, logged: that
 * server was told, and goes on.
 */
bool takeover_begin(struct process *process) MUST_USE;
/* A store that it will lend, also PROCESS's; CLOCK is as there. NULL, likewise. */
struct store *takeover_store(struct process *process, struct clock *clock) MUST_USE;
/* False, likewise. True: it is all this process's, which must serve now. */
bool takeover_finish(struct process *process) MUST_USE;
/* Whether the cache and the files are this process's: it began with them, or has taken them over. */
static inline bool
takeover_owns(const struct takeover *takeover)
{
    return takeover->path == NULL || takeover->done;
}
void takeover_ready(struct process *process);
