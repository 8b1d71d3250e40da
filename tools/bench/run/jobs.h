/*
 * tools/bench/run/jobs.h - one load made by several processes, for servers that one core cannot load.
 *
 *     job 0: this process        job 1, 2, ...: children, each with connections of its own
 *       |-- go: the order -------------->|
 *       |   measures                     |   measures
 *       |<-- done: the result -----------|   tally and moments lie in shared memory
 *
 * Connections, requests and rates are divided. All jobs write the same keys, and know of each what all
 * have written (data/together.h). This process leads: when it begins anew because of a warm-up, or is
 * precise enough, the others do the same. Histograms are merged; the time is that of this process.
 *
 * Of a trace each job replays the keys that are its own. With a server for each job (options->each) nothing is
 * known of the others' keys: each job fills its own server.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/net.h"
#include "lombard/base/attr.h"
#include "data/placement.h"
#include "run/driver.h"

struct job_result; /* in shared memory */

struct job {
    pid_t pid; /* 0: none */
    int fd;
    struct job_result *result;
};

struct jobs {
    uint32_t count;                 /* of children */
    struct driver_signals *signals; /* shared with the children */
    struct job list[JOBS_MAX - 1];
};

/* What all are to measure. */
struct job_order {
    uint64_t round;
    uint64_t rate;     /* of all of them together; 0: a closed loop */
    uint64_t trial_ns; /* not the round's measurement, but a run of so long; or 0 */
};

/* The part of job number I of N of what OPTIONS ask for. */
void jobs_divide(const struct options *options, uint64_t i, struct options *out);
/* Start the children of OPTIONS (undivided), which connect to ADDR and know what FIRST, the driver of this
 * process, knows. False: one could not. */
bool jobs_start(struct jobs *j, const struct options *options, const struct net_addr *addr,
                struct driver *first) MUST_USE;
/* The part of job number I of N of ALL. */
uint64_t jobs_part(uint64_t all, uint64_t i, uint64_t n);
/* They begin. */
void jobs_go(const struct jobs *j, const struct job_order *order);
/* Wait for them, and add what they measured to D. The first result that is not DRIVER_OK. */
enum driver_result jobs_collect(struct jobs *j, struct driver *d) MUST_USE;
void jobs_stop(struct jobs *j);
