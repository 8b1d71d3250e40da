/*
 * src/app/ledger.h - `stats memory`: who has which part of the process's resident memory.
 *
 *     resident = items + index + buffers + connections + heap + program + other
 *
 * items, index, buffers and connections are what the layers have taken; heap is what malloc() took from the
 * kernel since the start; program is what was there when the server was ready: code, libraries, stack,
 * tables of a fixed size. What they do not explain is other: it may be negative, because memory
 * that was never touched is in no process, and what was swapped out is not resident.
 */
#pragma once

#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/stats.h"
#include "lombard/conn/server.h"
#include "lombard/store/store.h"

struct ledger {
    const struct store *store;
    const struct server *server;
    int statm_fd;         /* /proc/self/statm; -1: not to be had, and nothing is known */
    uint64_t program;     /* as above */
    uintptr_t heap_start; /* where the heap ended when the server was ready */
};

/* Nothing is open. */
void ledger_init(struct ledger *ledger);
/* Show it. LEDGER, STORE and SERVER outlive the registry's use. */
void ledger_add_stats(struct ledger *ledger, const struct store *store,
                      const struct server *server, struct stat_registry *registry);
/* In the process that serves, before it has a store: what is resident is the program. */
void ledger_open(struct ledger *ledger);
/* When it is ready, before the sandbox is entered: likewise all that no other part explains. */
void ledger_begin(struct ledger *ledger);
void ledger_close(struct ledger *ledger);
