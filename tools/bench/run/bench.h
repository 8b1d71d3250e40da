/*
 * tools/bench/run/bench.h - a whole benchmark: one server or a few, some rounds.
 *
 * With several servers each round measures all of them, every second round in reverse order, and
 * ratios are taken over pairs of rounds (AB, BA): drift of the machine (clock speed, other load)
 * affects all alike. Where connections to all of them would exceed the limit of open files, each
 * server is connected to only while it is measured.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "builtin/floor.h"
#include "host/counters.h"
#include "host/observed.h"
#include "load/tally.h"
#include "options/options.h"
#include "roles/roles.h"
#include "run/certain.h"
#include "run/driver.h"
#include "run/findmax.h"
#include "run/jobs.h"

enum { BENCH_TARGETS_MAX = 8, ROUND_PARTS = 24 };

/* The figures of one round. Not a number where it was not measured. Latencies are service times,
 * in the open loop response times. */
struct round {
    bool
        sound; /* the server answered, and was connected throughout: it counts in the spreads */
    uint64_t rate; /* that was planned; 0: a closed loop */
    uint64_t requests;
    uint64_t errors;
    uint64_t lost_connections;
    uint64_t lost_requests;
    uint64_t wrong; /* values and replies */
    double seconds;
    double per_s;
    double server_us; /* CPU of the server, a request */
    double client_us; /* CPU of this process, a request */
    double mean_us;
    double p50_us;
    double p99_us;
    double p999_us;
    double hit_percent;
    double p99_low_us; /* of --sweep and --phase: the 95 % interval of p99 */
    double p99_high_us;
    double course[ROUND_PARTS]; /* of --phase: requests a second in equal parts of it */
    uint32_t parts;             /* how many there are */
};

struct target {
    struct options options; /* the user's, adapted where the target is the floor */
    struct floor floor;     /* where the target is the floor */
    struct driver *driver;
    struct jobs jobs; /* the other processes that make the load */
    struct net_addr addr;
    pid_t pid;                         /* 0: the process is not known */
    struct process_sample before_open; /* these where pid is known */
    struct process_sample after_open;
    struct process_sample end;
    struct process_sample before_roles; /* these where roles are played */
    struct process_sample after_roles;
    struct process_sample without_roles; /* after they have left */
    struct roles roles;
    struct counters counters_before; /* of the measured rounds, where asked for */
    struct counters counters;        /* what they changed by */
    struct findmax findmax;          /* where it was asked for */
    uint64_t server_cpu_ns;          /* in all measured rounds */
    uint64_t rounds_done;
    uint64_t rate; /* planned for all jobs in the round that is measured; 0: a closed loop */
    struct round rounds[OPTIONS_ROUNDS_MAX];
    struct tally total;                /* of the measured rounds */
    struct certain certain;            /* likewise: how sure its figures are */
    struct process_sample round_start; /* of this round, as far as it was not cut */
    struct tally fill;                 /* of the fill, where asked for */
    uint64_t fill_missing;             /* keys that could not be stored */
    uint64_t fill_again;               /* stores that were sent once more */
    enum driver_result result;         /* why no more was measured */
    bool wrong;                        /* wrong data outside of the measured rounds, too */
};

struct bench {
    const struct options *options;
    unsigned target_count;
    bool by_turns;           /* connected only while measured */
    int64_t began_s;         /* since the epoch */
    struct target targets[]; /* target_count of them */
};

/* COUNT is at most BENCH_TARGETS_MAX; an address of no length is the floor. NULL when memory is
 * short. */
struct bench *bench_create(const struct options *options, const struct net_addr *addrs,
                           unsigned count) MUST_USE;
void bench_destroy(struct bench *b);
/* Connect, fill, warm up, measure. False: not all of it could be done, and a message says why. */
bool bench_run(struct bench *b) MUST_USE;

/* One figure of a round, by its offset in the struct. */
struct figure {
    const char *name;
    const char *json_name;
    size_t off;
    bool low_is_good;
};

enum { FIGURE_COUNT = 8 };
extern const struct figure figures[FIGURE_COUNT];

/* The median, minimum and maximum of a figure over the sound rounds. MEAN (of ratios the geometric
 * one) and its 95 % interval LOW to HIGH, where there are two rounds, or pairs, at least. */
struct spread {
    double median, min, max;
    double mean, low, high;
};

double figure_of(const struct round *r, const struct figure *f);
struct spread figure_spread(const struct target *t, const struct figure *f);
/* Of the first server's over that of server number OTHER, by pairs of rounds. */
struct spread figure_ratio(const struct bench *b, unsigned other, const struct figure *f);
