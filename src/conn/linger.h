/*
 * src/conn/linger.h - peers that were told no, until they have heard it.
 *
 * Closing a socket while its peer still sends resets the connection, and may
 * take our last words with it. So the descriptor is half-closed, and what still
 * comes is dropped until the peer closes as well, for LINGER_MS at most. There
 * are LINGERS_MAX places; when all are taken, the oldest makes room. Such peers
 * count neither as connections nor against -c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/event/loop.h"

enum {
    LINGERS_MAX = 64,
    LINGER_MS = 1000,
    LINGER_SCRAP_BYTES = 4096, /* dropped with one call */
};

struct lingerer {
    struct watch watch; /* fd -1: this place is free */
    struct lingerers *all;
    uint64_t until_ms;
    uint64_t number; /* the lowest is the oldest */
};

struct lingerers {
    struct loop *loop;
    uint32_t count;
    uint64_t begun; /* ever */
    struct lingerer places[LINGERS_MAX];
    char scrap[LINGER_SCRAP_BYTES]; /* what is received here is never looked at */
};

void linger_init(struct lingerers *all, struct loop *loop);
/* Half-close FD, and close it when its peer has heard that. It is in no watch, and ours now. */
void linger_begin(struct lingerers *all, int fd);
/* Close those whose time is over. */
void linger_sweep(struct lingerers *all);
void linger_fini(struct lingerers *all);
