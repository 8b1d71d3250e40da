/*
 * src/conn/limits.h - the bounds of the conn layer: how much, how long, how many.
 */
#pragma once

enum {
    BATCH_REQUESTS = 32, /* parsed, hashed and prefetched together */
    VALUES_AHEAD = 4,    /* of which so many values are prefetched at once, where */
    /* replies are longer than this in the mean, in one of so many batches: else items are in two lines. */
    SHORT_REPLY_BYTES = 100,
    LONG_BATCHES = 64,
    GROUP_CONNS = 16, /* at most, whose first requests make one batch */
    /*
     * How the thread is shared. A connection that just had an event is served before the ones
     * that have more to do, with a short slice; and the loop looks for events between slices, so
     * that such a connection waits for one slice at most, however many have more to do.
     */
    FIRST_REQUESTS = 128,     /* of a first slice: a multiget of usual length */
    SLICE_BYTES = 256 * 1024, /* of any slice, in and out: some 75 us; less costs more calls */
    SHORT_SLICE_BYTES =
        96 * 1024, /* of those with more to do, while light clients come and go; */
    LONG_SLICE_BYTES =
        1024 * 1024,           /* while none do, to send a reply of more than SLICE_BYTES */
    SLICE_NS = 200 * 1000,     /* of any slice: longer spares no more cache misses */
    HTTP_SLICE_NS = 10 * 1000, /* of those of HTTP */
    ARRIVED_NS = 200 * 1000,   /* of first slices in a row, while others have more to do */
    LOOK_NS = 10 * 1000,       /* of slices between two looks for events; */
    LOOK_RARE_NS = 100 * 1000, /* after LOOKS_IN_VAIN that found no light client: */
    LOOKS_IN_VAIN = 16,        /* in a row: a look costs as much as some commands */
    LIGHT_REQUESTS = 8,        /* a dispatch of no more, */
    LIGHT_BYTES = 16 * 1024,   /* nor of more bytes, in and out, is a light client's: else */
    PIPELINES_NS = 50 * 1000,  /* between two looks for events; or, where many are ready, */
    PIPELINES_LOOK_NS = 1600,  /* for each of them, of which the kernel may tell again; */
    PIPELINES_RARE_NS = 1000 * 1000, /* after LOOKS_IN_VAIN */
    WORK_NS = 500 * 1000,            /* between pieces of background work, while clients wait */
    STREAM_LINES_MAX = 32,           /* of a stream in one step: some 10 us */
    COPY_BYTES_MAX = 512,            /* such a value is copied into the write buffer, */
    COPY_LONG_MAX = 8192,        /* one of these as well, if it leaves this much room there: */
    COPY_LEAVES_BYTES = 3072,    /* others are sent from where they lie */
    STASH_BYTES_MAX = 4096,      /* what an idle connection may keep */
    SMALL_BODY_BYTES = 2048,     /* a shorter command is waited for as a whole */
    STALL_PROGRESS_BYTES = 1024, /* less in a row than this is no progress */
    NEWCOMERS_MAX = 64, /* an iteration, who wait until others were served: see admission.c */
    OPERATOR_WAIT_MS = 300,  /* over -c: time to say a command that only looks */
    SHED_AFTER_MS = 100,     /* no connection that stalled for less is shed */
    SHED_A_REQUEST = 64,     /* connections closed for one request, at most */
    SHED_AT_ONCE = 16,       /* looked at for one piece of memory, at most */
    SHED_A_TICK = 64,        /* connections closed in one tick for one reason, at most */
    RELIEF_MS = 5,           /* how often buffers are freed for waiting connections */
    STALL_LINES = 20,        /* events of a minute that say that the thread was held up */
    TICK_MS = 100,           /* sweeps and background work */
    LAPSE_MS = 2 * TICK_MS,  /* between iterations: what is more, the process stood still */
    VANISHED_LOOKS = 64,     /* a tick, at what the kernel knows of a silent peer */
    SWEEP_PARTS = 10,        /* all connections are looked at in as many ticks, */
    SWEEP_SLOTS_MAX = 16384, /* or more, so that one tick looks at no more than these */
};

/* Of groups: transfer.c, send.c. Linux 6.18, measured with the sandbox on. */
enum {
    QUEUED_BYTES_MAX = 32 * 1024, /* of one connection, to be sent with others */
    /* What is queued is sent when it has waited for so many requests, or is so many bytes. */
    QUEUED_REQUESTS_MAX = 256,
    QUEUED_ALL_BYTES_MAX = 128 * 1024,
    RING_RECEIVES_MIN = 4, /* with fewer, the ring costs more than it spares */
    RING_SENDS_MIN = 2,
};

_Static_assert((int)FIRST_REQUESTS >= (int)BATCH_REQUESTS, "a first slice has a whole batch");
_Static_assert((int)SHED_AT_ONCE <= (int)SHED_A_REQUEST, "one look is within the limit");
_Static_assert((int)LAPSE_MS > (int)TICK_MS, "a tick is no lapse");

/*
 * The simulator draws some of these for each world, up to the values here. In the program they
 * are constants.
 */
#ifdef LOMBARD_DRAWN_LIMITS
#include "drawn_limits.h"
#else
#define DRAWN(limit) (limit)
#endif
