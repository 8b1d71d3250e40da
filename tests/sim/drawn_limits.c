/* The limits that worlds draw, as they usually are. */
#include "../../src/conn/limits.h"

#define USUAL                                                                                  \
    {                                                                                          \
        BATCH_REQUESTS, GROUP_CONNS, FIRST_REQUESTS, SLICE_BYTES, LONG_SLICE_BYTES,            \
            LIGHT_REQUESTS, COPY_BYTES_MAX, COPY_LONG_MAX, QUEUED_BYTES_MAX,                   \
            QUEUED_REQUESTS_MAX, QUEUED_ALL_BYTES_MAX, RING_RECEIVES_MIN, RING_SENDS_MIN,      \
            STASH_BYTES_MAX, SMALL_BODY_BYTES,                                                 \
    }

struct drawn_limits drawn_limits = USUAL;
const struct drawn_limits usual_limits = USUAL;
