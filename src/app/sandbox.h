/*
 * src/app/sandbox.h - what the process gives up once it serves.
 *
 * Whoever takes it over by a bug finds no capability, no new right through any program, a
 * short list of system calls (sandbox_calls.def), and no file but those that the options name:
 *
 *     no_new_privs    always
 *     capabilities    none, and none to come
 *     Landlock        since Linux 5.13: files by where they lie; TCP by port; signals to others
 *     seccomp         x86-64 and arm64: system calls, and their arguments
 *
 * What a kernel does not have, or forbids, is left out, and said: the server serves all the same.
 *
 * Files are opened by name after that in three cases: SIGHUP opens -Y's file and --log-file again, and
 * the pid file and the unix socket are removed at the end. Their names lie on sealed pages
 * (sealed.h), and the filter allows exactly these. Landlock allows what lies in their directories.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/stats.h"

enum {
    SANDBOX_FILES_MAX = 8,
    SANDBOX_FILE_MODE = 0640, /* of a file that is made */
};

/* What may be done to a name. */
enum sandbox_use {
    SANDBOX_READ,   /* sandbox_open() */
    SANDBOX_APPEND, /* likewise; it is made where it does not exist */
    SANDBOX_REMOVE, /* unlinkat(dir, name, 0), and fstatat() */
};

#define SANDBOX_READ_FLAGS   (O_RDONLY | O_CLOEXEC | O_NONBLOCK)
#define SANDBOX_APPEND_FLAGS (O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

struct sandbox_file {
    enum sandbox_use use;
    int dir;          /* of SANDBOX_REMOVE */
    const char *name; /* sealed */
};

/* How far it went. */
struct sandbox_state {
    bool no_new_privs;
    bool no_capabilities;
    bool filter;
    int landlock; /* the version of its interface; 0: none */
};

struct sandbox {
    struct sandbox_file files[SANDBOX_FILES_MAX];
    int file_count;
    int notify_fd;              /* the service manager's; -1: none */
    const void *notify_address; /* sealed */
    bool notify_is_abstract;
    bool core_dumps; /* -r: the kernel makes a core file with the rights of the process */
    int null_fd;     /* may become standard error, once; -1: nothing may */
    struct sandbox_state state;
};

/* Nothing is allowed yet, and nothing given up. */
void sandbox_init(struct sandbox *sandbox);
/* Allow USE of NAME, which is sealed; in the directory DIR, or -1. Beyond SANDBOX_FILES_MAX it stays refused. */
void sandbox_add(struct sandbox *sandbox, enum sandbox_use use, int dir, const char *name);
/*
 * Open NAME with the flags of USE, which is not SANDBOX_REMOVE, from the root: the only way that the
 * filter allows, and before it is in force one like another. A descriptor, or -1 with errno.
 */
int sandbox_open(enum sandbox_use use, const char *name) MUST_USE;
/* Give up the right to get capabilities back by a program. While there is CAP_SETPCAP. */
void sandbox_drop_bounding(void);
/*
 * Give up all that. At the end of the start, by the user that the server is from then on. *SANDBOX
 * and the sealed pages do not change any more. Logs one line: what is in force, and what is missing.
 */
void sandbox_enter(struct sandbox *sandbox);
/* Once a second: say which system calls were refused. */
void sandbox_tick(void);
/* `stats settings`: what is in force; `stats`: the system calls that were refused. */
void sandbox_add_stats(const struct sandbox *sandbox, struct stat_registry *registry);

/* --- sandbox_landlock.c --- */

/* The version of its interface that is in force from now on; 0, with errno: none. */
int landlock_enter(const struct sandbox *sandbox);
