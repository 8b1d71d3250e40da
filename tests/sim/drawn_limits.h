/*
 * tests/sim/drawn_limits.h - limits of the conn layer that each world may draw anew.
 *
 * Compiled for the simulator, the layer asks here where it otherwise has a constant. Each
 * is at most that constant, which sizes what is sized by it.
 */
#pragma once

#include <stdint.h>

/* The members are called as the constants of src/conn/limits.h are. */
struct drawn_limits {
    uint32_t BATCH_REQUESTS;
    uint32_t GROUP_CONNS;
    uint32_t FIRST_REQUESTS;
    uint32_t SLICE_BYTES;
    uint32_t LONG_SLICE_BYTES;
    uint32_t LIGHT_REQUESTS;
    uint32_t COPY_BYTES_MAX;
    uint32_t COPY_LONG_MAX;
    uint32_t QUEUED_BYTES_MAX;
    uint32_t QUEUED_REQUESTS_MAX;
    uint32_t QUEUED_ALL_BYTES_MAX;
    uint32_t RING_RECEIVES_MIN;
    uint32_t RING_SENDS_MIN;
    uint32_t STASH_BYTES_MAX;
    uint32_t SMALL_BODY_BYTES;
};

/* What the server has now, and what it has usually. */
extern struct drawn_limits drawn_limits;
extern const struct drawn_limits usual_limits;

#define DRAWN(limit) (drawn_limits.limit)
