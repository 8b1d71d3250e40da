/*
 * src/conn/linger.h - rejected peers, until they have received the answer.
 *
 * Closing a socket while its peer still sends resets the connection, and may
 * take our answer with it. So the descriptor is half-closed, and what still
 * comes is dropped until the peer closes as well, for LINGER_MS at most. There
 * are LINGERS_MAX slots; when all are taken, the oldest peer is closed. Such peers
 * count neither as connections nor against -c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/conn/server.h"
#include "lombard/event/loop.h"

enum {
    LINGERS_MAX = SERVER_LINGERS_MAX,
    LINGER_MS = 1000,
    LINGER_SCRAP_BYTES = 4096, /* dropped with one call */
};

struct lingerer {
    struct watch watch; /* fd -1: this slot is free */
    struct lingerers *all;
    uint64_t until_ms;
    uint64_t number; /* the lowest is the oldest */
};

struct lingerers {
    struct loop *loop;
    uint32_t count;
    uint64_t begun; /* ever */
    struct lingerer slots[LINGERS_MAX];
    char scrap[LINGER_SCRAP_BYTES]; /* what is received here is never looked at */
};

void linger_init(struct lingerers *all, struct loop *loop);
/* Half-close FD, and close it when its peer has closed, too. FD is in no watch; linger owns it now. */
void linger_begin(struct lingerers *all, int fd);
/* FD is half-closed already; linger owns it now. False when there is no free slot, or it cannot be watched: FD stays the caller's. */
bool linger_adopt(struct lingerers *all, int fd) MUST_USE;
/* Close the ones whose time is over. */
void linger_sweep(struct lingerers *all);
void linger_fini(struct lingerers *all);
