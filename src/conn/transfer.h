/*
 * src/conn/transfer.h - what a group receives or sends: in one system call where that pays.
 *
 *     server_create()   transfer_open()    is there a ring?
 *     a group           transfer_many()    one call, or plain ones
 *     the ring fails    what it did not make is made by plain calls, as is everything from then on
 *
 * A transfer is made, or fails, before transfer_many() returns: nothing is under way then, and no
 * buffer is the kernel's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/stats.h"
#include "lombard/base/sys.h"

enum transfer_kind { TRANSFER_RECEIVE, TRANSFER_SEND };

/* Part of the server. */
struct transfers {
    bool on;   /* the ring is used */
    int error; /* why it is not: an errno; 0: --batch-io=off */
    uint64_t batches;
    uint64_t batched_receives;
    uint64_t batched_sends;
    uint64_t failures; /* of the ring: at most one */
};

/* Make the ring if it is WANTED. Where there can be none, plain calls are used. */
void transfer_open(struct transfers *transfers, bool wanted);
void transfer_close(struct transfers *transfers);
/* Make COUNT transfers, at most SYS_MANY_MAX; each has a result afterwards. */
void transfer_many(struct transfers *transfers, enum transfer_kind kind,
                   struct sys_transfer *list, unsigned count);

/* For stats_add(), with the struct transfers: of `stats`, and of `stats settings`. */
extern const struct stat_section transfer_stats, transfer_setting_stats;
