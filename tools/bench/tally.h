/*
 * tools/bench/tally.h - what happened in one phase.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/hist.h"
#include "op.h"

enum { TALLY_ERROR_KINDS = 16, TALLY_ERROR_TEXT = 80 };

/* Server errors with the same words. The last entry collects what found no place. */
struct tally_error {
    char text[TALLY_ERROR_TEXT];
    uint64_t count;
};

struct tally {
    uint64_t start_ns;
    uint64_t end_ns;       /* the last answer */
    double seconds_before; /* of what was merged into it */
    uint64_t cpu_ns;       /* this process's own, utime + stime */
    uint64_t user_ns;      /* of that, outside the kernel */
    uint64_t wait_ns;      /* it could have run, but other processes did */
    uint64_t requests;     /* answered */
    uint64_t hits;         /* keys */
    uint64_t misses;
    uint64_t verified_bytes;
    uint64_t foreign;    /* sound values of another run */
    uint64_t mismatches; /* wrong data: all kinds of it */
    uint64_t garbled;    /* replies that could not be read */
    uint64_t errors;     /* error replies, by kind below */
    uint64_t not_stored;
    uint64_t not_found;
    uint64_t lost_connections;
    uint64_t lost_requests; /* sent, and never answered */
    uint64_t crowded;       /* open loop: requests that waited for a connection to be free */
    uint64_t unbegun;       /* open loop: due, but never sent before the run was given up */
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t ops[OP_KIND_COUNT];
    uint64_t stored[OP_KIND_COUNT]; /* of them, done as asked */
    struct tally_error error_kinds[TALLY_ERROR_KINDS];
    struct hist service[OP_KIND_COUNT]; /* from when sent */
    struct hist
        response;    /* from when due, all kinds; what was never sent counts until the end */
    struct hist lag; /* open loop: how late this process was, where a connection was free */
};

void tally_reset(struct tally *t);
/* Add all of FROM, its time included. */
void tally_merge(struct tally *into, const struct tally *from);
void tally_note_error(struct tally *t, const char *text, size_t len);
/* All kinds of requests together, into OUT. */
void tally_service(const struct tally *t, struct hist *out);

double tally_seconds(const struct tally *t);
/* Hits of 100 reads; 0 when nothing was read. */
double tally_hit_percent(const struct tally *t);
/* Of its time, how much this process was running, and waiting for a processor: 0 to 1. */
double tally_busy_share(const struct tally *t);
double tally_wait_share(const struct tally *t);
/* Whether it could hardly have done more: it was running or waiting for a processor. */
bool tally_was_bottleneck(const struct tally *t);
/* Whether something came that no working server sends. */
bool tally_is_wrong(const struct tally *t);
