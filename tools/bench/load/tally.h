/*
 * tools/bench/load/tally.h - what happened in one phase.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/placement.h"
#include "data/query.h"
#include "load/aside.h"
#include "lombard/base/hist.h"

enum { TALLY_ERROR_KINDS = 16, TALLY_ERROR_TEXT = 80 };

/* Server errors with the same words. The last entry collects what found no place. */
struct tally_error {
    char text[TALLY_ERROR_TEXT];
    uint64_t count;
};

struct tally {
    uint64_t start_ns;
    uint64_t end_ns; /* of the measured time: when it was up, or the last answer, or given up */
    double seconds_before; /* of what was merged into it */
    uint32_t processes;    /* that made the load; 0: one */
    uint64_t cpu_ns;       /* this process's own, utime + stime */
    uint64_t user_ns;      /* of that, outside the kernel */
    uint64_t spun_ns;    /* of that, asking again and again instead of sleeping (host/wait.h) */
    uint64_t wait_ns;    /* it could have run, but other processes did */
    uint64_t requests;   /* answered, without those that follow from an answer */
    uint64_t follow_ups; /* answered, and made necessary by the answer to another one */
    uint64_t hits;       /* keys */
    uint64_t misses;
    uint64_t verified_bytes;
    uint64_t sharp; /* values that would have been noticed, had they been one version too old */
    uint64_t foreign;    /* sound values of another run */
    uint64_t early;      /* keys that were missing long before they expire */
    uint64_t grown;      /* values that append and prepend have made, and that were read */
    uint64_t mismatches; /* wrong data: all kinds of it */
    uint64_t garbled;    /* replies that could not be read */
    uint64_t errors;     /* error replies, by kind below */
    uint64_t not_stored;
    uint64_t not_found;
    uint64_t lost_connections;
    uint64_t lost_requests; /* sent, and never answered: censored in the latencies */
    uint64_t timed_out;     /* of these, given up by --timeout or at the end */
    uint64_t unsent;        /* begun, and not sent before their connection was lost */
    uint64_t skipped;       /* of several servers: begun, and its server was not connected */
    uint64_t down_ns;       /* without any connection */
    uint64_t conn_down_ns;  /* without a connection, over all of them */
    uint64_t held;    /* hitratio: waited until an earlier request for their key was over */
    uint64_t crowded; /* open loop: requests that waited for a connection to be free */
    uint64_t unbegun; /* open loop: had come due, but were never begun */
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t placed[PLACEMENT_SERVERS_MAX]; /* where several servers share the keys: for each */
    uint64_t answered[QUERY_KIND_COUNT];
    uint64_t stored[QUERY_KIND_COUNT];  /* of them, done as asked */
    uint64_t refused[QUERY_KIND_COUNT]; /* of them, answered with an error */
    uint64_t stored_bytes;              /* of values */
    struct tally_error error_kinds[TALLY_ERROR_KINDS];
    struct hist service[QUERY_KIND_COUNT]; /* from when sent */
    struct hist
        response; /* from when due, all kinds; what was never sent or answered counts with the
                           * age at which it was given up */
    struct hist
        unread; /* --kernel-timestamps: how long replies lay in the socket, each read once */
    struct aside aside; /* think time, sessions, a database behind the cache */
    struct hist lag;    /* open loop: how late this process was, where a connection was free */
};

void tally_reset(struct tally *t);
/* Add all of FROM, its time included. */
void tally_merge(struct tally *into, const struct tally *from);
void tally_note_error(struct tally *t, const char *text, size_t len);
/* All kinds of requests together, into OUT. */
void tally_service(const struct tally *t, struct hist *out);

double tally_seconds(const struct tally *t);
/* All that was answered. */
uint64_t tally_answers(const struct tally *t);
/* These are not a number where there was nothing to take the mean of. */
double tally_read_bytes(const struct tally *t);
double tally_stored_bytes(const struct tally *t);
/* Not a number when nothing was answered or no time has passed. */
double tally_rate(const struct tally *t);
double tally_client_us(const struct tally *t);
/* What it took this process to make the load: its time without what it spent waiting for the next
 * request's. */
uint64_t tally_work_ns(const struct tally *t);
/* Hits of 100 reads; 0 when nothing was read. */
double tally_hit_percent(const struct tally *t);
/* Of its time, how much this process was running, and waiting for a processor: 0 to 1. */
double tally_busy_share(const struct tally *t);
double tally_wait_share(const struct tally *t);
/* The rest that it did not sleep. */
double tally_spun_share(const struct tally *t);
/* Whether it could hardly have done more: it was running or waiting for a processor. */
bool tally_was_bottleneck(const struct tally *t);
/* Whether something came that no working server sends. */
bool tally_is_wrong(const struct tally *t);
