/*
 * tools/bench/roles/roles.h - background clients.
 *
 *     idle            store and read 1 KB, then stay idle
 *     slow readers    ask for 64 values of 100 KB each, and hardly read
 *     half commands   send a part of a get or a set, then stay idle
 *     churn           connect, store, read, disconnect, repeatedly
 *
 * Each kind runs in processes of its own, as many as the limit of open files
 * makes necessary. What they read is verified like everything else. When they are told
 * to stop, the idle ones ask once more, the slow readers read to the end, and the
 * partial commands are completed: every client that is still connected must get
 * the right answer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/net.h"
#include "lombard/base/attr.h"
#include "options/options.h"

enum role_kind { ROLE_IDLE, ROLE_SLOW_READER, ROLE_HALF_COMMAND, ROLE_CHURN };

enum {
    ROLE_KIND_COUNT = ROLE_CHURN + 1,
    ROLE_PROCESSES_MAX = 256,
    ROLE_SOURCES = 250, /* addresses of 127/8 that each process connects from */
};

struct role_report {
    uint64_t opened;     /* connections; of churn: all of them so far */
    uint64_t failed;     /* that could not be opened, or whose first exchange failed */
    uint64_t lost;       /* closed by the server while they were there */
    uint64_t answered;   /* requests */
    uint64_t mismatches; /* wrong data or replies */
    uint64_t bytes;      /* of values, verified */
    uint64_t open_ns;    /* how long it took to open them all */
};

struct role_process {
    pid_t pid;
    enum role_kind kind;
    uint32_t first_source; /* of its addresses (net.h) */
    int control_fd;        /* closing it says: finish */
    int report_fd;         /* a report when all is open, another at the end */
};

struct roles {
    uint32_t count;
    struct role_process list[ROLE_PROCESSES_MAX];
    struct role_report opened[ROLE_KIND_COUNT]; /* when all were open */
    struct role_report final[ROLE_KIND_COUNT];
};

const char *role_name(enum role_kind kind);
/* How many of a kind are asked for. */
uint64_t role_wanted(const struct options *o, enum role_kind kind);

/* How many whole bytes a RATE of bytes a second gives in ELAPSED_NS; *PART keeps the fraction. */
uint64_t role_credit(double *part, uint64_t elapsed_ns, uint64_t rate);

/* Start all that O asks for, and wait until they are connected. False: they could not be started. */
bool roles_start(struct roles *r, const struct options *o,
                 const struct net_addr *addr) MUST_USE;
/* Let them finish, and wait for it. */
void roles_stop(struct roles *r);

/* In the child process: be N clients of a kind, until control_fd is closed. Never returns. */
NORETURN void role_run(const struct role_process *p, const struct options *o,
                       const struct net_addr *addr, uint32_t n);
