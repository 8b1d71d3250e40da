/*
 * tests/sim/rig.h - the server under test, put together on the simulated kernel.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/clock.h"
#include "lombard/base/log.h"
#include "lombard/cmd/cmd.h"
#include "lombard/conn/server.h"
#include "lombard/store/store.h"

#include "drawn_limits.h"

/* What differs between worlds; zeroes are replaced by the defaults. */
struct rig_config {
    uint32_t max_conns;                /* 1000 */
    uint32_t requests_a_turn;          /* 0: no limit */
    uint32_t buffers;                  /* 4096: --buffer-memory, as a number of them */
    uint32_t stall_ms;                 /* 0: none is an event */
    uint32_t idle_timeout_s;           /* 0: none */
    uint32_t send_timeout_s;           /* 0: none */
    uint64_t limit_bytes;              /* 64 MB */
    uint64_t item_bytes_max;           /* 1 MB */
    uint64_t join_bytes;               /* CMD_JOIN_BYTES */
    bool keep_buffers;                 /* --loan=off */
    const struct passwords *passwords; /* NULL: no client has to authenticate */
    uint32_t auth_timeout_s;           /* 0: none */
    bool no_eviction;                  /* -M */
    bool no_batch_io;                  /* --batch-io=off */
    uint32_t busy_poll_us;             /* 0: --busy-poll=0 */
    bool in_file;                      /* the store: so that rig_hand_over() can be called */
    bool other_lasts;                  /* the other process does not end with that */
    struct drawn_limits limits;
};

struct rig {
    struct clock clock;
    struct store *store;
    struct stat_registry *stats; /* one of registries */
    struct stat_registry registries[2];
    struct rig_config config;
    struct store_file file; /* -1: none */
    struct cmd *cmd;
    struct server *server;
    int listen_fd;
    enum log_level log_level; /* LOG_ERROR */
    int *other_fds;           /* connections that another process still has */
    uint32_t other_count;
    uint32_t sends_early; /* in every other handover connections go ahead of the rest */
    bool
        is_impatient; /* rig_hand_over(): it takes the store back when the other process has made all */
};

/* False when memory was refused; then nothing is left of it. */
bool rig_start(struct rig *rig, const struct rig_config *config) MUST_USE;
/* Take all down and end the world: dies if something is left. */
void rig_stop(struct rig *rig);

/* One iteration, and the invariants. Dies when one is broken. */
void rig_iterate(struct rig *rig);
/* The same, and where nothing happens it waits as long as the server would. */
void rig_sleep(struct rig *rig);
void rig_iterations(struct rig *rig, int count);
void rig_check(struct rig *rig);
/*
 * As to another process: everything is described, and made anew of that, at other addresses. False: it was
 * refused, for want of memory, and the server that was there goes on. RIG's server is another one then.
 */
bool rig_hand_over(struct rig *rig) MUST_USE;
/* With other_lasts: now it ends. Nothing where there is none. */
void rig_end_other(struct rig *rig);
