/*
 * tests/sim/play.h - a world from its beginning to its end.
 *
 * After every iteration the server's invariants are checked, and every byte of every
 * reply. Then faults and stalls end, and all that was asked must be answered;
 * the clients leave, and nothing may be held, lent or waiting any more.
 */
#pragma once

#include <stdint.h>

#include "client.h"
#include "rig.h"
#include "sim_sys.h"

enum { PLAY_CLIENTS_MAX = 200 };

struct play {
    int clients;
    int iterations;
    uint32_t hurry; /* time passes in one of this many iterations */
    uint32_t
        operator_one_in; /* an operator kills connections, in so many iterations once; 0: none */
    uint32_t hand_over_one_in; /* as to another process, in so many iterations once; 0: never */
    bool waits;                /* for events and timers, as it does: time passes */
    bool
        shutdown; /* in the end the server is told to shut down: its replies until then are judged, too */
    uint32_t
        fill_bytes; /* before they come, the store is filled with values like that; 0: it is not */
    struct rig_config rig;
    struct sim_faults faults;
    /* And the Nth call of this kind fails, counted from when the server runs. */
    uint64_t fail_nth; /* 0: none */
    enum sim_call fail_call;
    int fail_err;
};

struct play_totals {
    uint64_t worlds;
    uint64_t iterations;
    struct connection_counts connections;
    uint64_t commands[WIRES];
    uint64_t reply_bytes;
    uint64_t calls;
    uint64_t refused;
    uint64_t handed_over;
    uint64_t kept;   /* handovers that were refused for want of memory */
    uint64_t struck; /* worlds in which the Nth call was reached */
};

/* sim_begin() came before, and WORLD says what clients have to expect. Dies on a violation. */
void play_world(const struct play *play, struct client_world *world,
                struct play_totals *totals);
/* How long it took at most until all was answered, once faults had ended. */
void play_print_worst(void);
/* All clients have left: nothing may be lent, kept, pinned or waiting. Dies if something is. */
void play_check_empty(struct rig *rig);
