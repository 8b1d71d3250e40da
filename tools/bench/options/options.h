/*
 * tools/bench/options/options.h - what the user asked for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/dist.h"
#include "data/placement.h"
#include "data/query.h"
#include "data/replay.h"
#include "data/sizes.h"
#include "data/times.h"
#include "data/trace.h"
#include "lombard/base/attr.h"
#include "wire/login.h"

enum { JOBS_MAX = 64 };
enum { SIMULATE_MAX = 16 };
enum { OPTIONS_ROUNDS_MAX = 1000, OPTIONS_VALUE_MAX_BYTES = 1 << 30 };
/* Of a time to live: what is more is a date in memcached's protocol. */
enum { OPTIONS_TTL_MAX_S = 30 * 24 * 3600 };

enum { OPTIONS_PHASES_MAX = 64, OPTIONS_SLOTS_MAX = 4096 };

/* Of --phase: a part of a run with a mix, and perhaps a rate, of its own. */
struct options_phase {
    const char *name; /* as it was given */
    uint64_t duration_ns;
    uint64_t rate; /* 0: closed loop */
    double weights[QUERY_KIND_COUNT];
    bool has_mix;
};

/* PARETO: generalized, with the shape that the paper of --preset meta-etc found. */
enum arrivals { ARRIVALS_CONSTANT, ARRIVALS_POISSON, ARRIVALS_PARETO };
#define ARRIVALS_PARETO_SHAPE 0.154971

/* Of --spin: find out whether there is a core for it; and how long then. */
#define OPTIONS_SPIN_AUTO UINT64_MAX
/* An open loop has as many on a connection, where nothing else is said. */
enum { OPTIONS_OPEN_PIPELINE = 16 };

#define OPTIONS_SPIN_NS     UINT64_C(100000)
#define OPTIONS_SPIN_MAX_NS UINT64_C(1000000000)

struct options {
    const char *server;
    const char *compare;             /* other servers, separated by commas, or NULL */
    enum placement_kind placement;   /* of keys on several servers */
    const struct placement *servers; /* those; NULL: there is one */
    const struct placement *each;    /* those, where each has a job, and all keys; else NULL */
    const char *protocol;
    const char *login_path; /* who each connection says it is; or NULL */
    struct login login;
    const char *port;        /* of the server, where its address has none; or NULL */
    const char *json_path;   /* or NULL; "-" is standard output */
    const char *csv_path;    /* likewise */
    const char *html_path;   /* a page with pictures */
    const char *svg_path;    /* a folder for the pictures */
    const char *hgrm_path;   /* HdrHistogram: percentiles */
    const char *hdr_path;    /* HdrHistogram: its log */
    const char *series_path; /* what happened in each second, as CSV */
    char **argv;             /* of the command line */
    int argc;
    uint64_t server_pid; /* 0: find it */
    uint64_t connections;
    uint64_t jobs; /* processes that make the load */
    uint64_t job;  /* which of them this is */
    uint64_t rounds;
    uint64_t rate; /* requests a second to begin, over all connections; 0: closed loop */
    enum arrivals arrivals;
    uint64_t spin_ns;     /* open loop: before a request is due, so long it does not sleep */
    uint64_t duration_ns; /* 0: until `requests` */
    uint64_t requests;    /* 0: until `duration_ns` */
    uint64_t warmup_ns;
    double until_reach; /* measure until intervals reach no farther than this; 0: no such end */
    double until_quantile; /*   that of this quantile; 0: those of p50, p99 and the rate */
    uint64_t
        timeout_ns; /* a request that takes longer is given up; 0: PATIENCE without a byte */
    uint64_t keys;
    uint64_t pipeline; /* requests in flight on a connection */
    uint64_t
        open_pipeline; /* the same in an open loop, where all others have as many; 0: as `pipeline` */
    uint64_t multiget; /* keys of a get */
    struct sizes ttl;  /* seconds; each key has one of them */
    uint64_t seed;
    const char *trace_path; /* hitratio, replay: of these requests; or NULL */
    enum trace_format trace_format;
    uint64_t loop_keys;   /* hitratio: the range that is scanned, over and over */
    double loop_share;    /*   of all requests */
    double one_hit_share; /* hitratio: of all requests, for keys asked for only once */
    uint64_t shift_every; /* hitratio: requests until other keys are popular; 0: never */
    uint64_t simulate[SIMULATE_MAX]; /* hitratio: no server, but caches of these bytes */
    unsigned simulate_count;         /*   0: a server */
    uint64_t item_overhead;          /*   bytes of an item there besides key and value */
    double shift_by;                 /*   by how much of all keys popularity then moves on */
    uint64_t idle;                   /* idle connections in the background */
    uint64_t slow_readers;  /* connections that ask for large values and do not read them */
    uint64_t slow_rate;     /*   more than this many bytes a second */
    uint64_t half_commands; /* connections that have sent a partial command */
    uint64_t churn;         /* clients that connect, ask once and disconnect, repeatedly */
    bool beside_first;      /* these five are there at the first server only */
    double sweep_low, sweep_high; /* measure at rates from one to the other */
    uint64_t sweep_steps;         /*   so many of them; 0: no sweep */
    struct options_phase phases[OPTIONS_PHASES_MAX];
    uint64_t phase_count; /* 0: the run is one */
    uint64_t find_max_ns; /* find the highest rate with this latency */
    double find_max_quantile;
    double weights[QUERY_KIND_COUNT]; /* of the mix; they need not sum to anything */
    struct dist_config dist;
    struct sizes key_size;
    struct sizes value_size;
    double speed;                     /* replay: times as fast as it was recorded */
    const struct replay *replay_plan; /* what is replayed; or NULL */
    struct times think;               /* a client waits between its batches; or not given */
    uint64_t session_requests;        /* a client leaves after as many; 0: it stays */
    uint64_t session_gap_ns;          /* until the next one comes */
    struct times database;            /* a simulated one behind the cache; or not given */
    uint64_t database_slots;          /* queries that it serves at a time; 0: any number */
    uint64_t lease_wait_ns;           /* until a client asks again for what another one fills */
    uint64_t recache_s; /* the server names one who refreshes what expires within so many */
    bool leases;        /* the server says who fills a missing key */
    bool replay;        /* a trace is replayed at its own times */
    bool hitratio;      /* the hit ratio of a cache is measured, not its speed */
    bool refill;        /* what a get misses is stored */
    bool noreply;       /* stores ask for no answer */
    bool self_test;
    bool stream; /* a request goes out as soon as one is answered */
    bool fill;
    bool item_flags;    /* items have flags of their own */
    bool find_warmup;   /* begin a measurement anew while its latencies still change */
    bool histogram;     /* also as bars */
    bool kernel_stamps; /* how long replies lay in the socket */
    bool stats;         /* also what the server's counters did */
    bool quiet;
    bool silent;   /* mismatches are not described: the self-test causes them */
    bool looks;    /* a report shows the server's CPU and memory over time */
    bool shared;   /* two of the servers are the same one */
    bool progress; /* even if standard error is no terminal */
    bool strict;   /* errors and lost connections make the run fail too */
    bool help;
    bool list_presets;
    const char *preset;       /* or NULL */
    const char *preset_words; /* what it is */
    const char *topic;        /* of --help, or part of --self-test; or NULL */
    bool version;
};

/* What a command line turned out to be. */
enum options_result {
    OPTIONS_OK,
    OPTIONS_BAD, /* a message names the option and what is wrong with it */
};

enum options_result options_parse(int argc, char **argv, struct options *out) MUST_USE;
/* All of it; or of TOPIC, words of a heading. */
void options_help(const char *topic);
/* All presets, with their sources. */
void preset_list(void);
/* Ask for no background clients. */
void options_without_roles(struct options *o);

/* Rate number I of --sweep: each is the one before times the same factor. */
uint64_t options_sweep_rate(const struct options *o, uint64_t i);

/* What round number ROUND is to be. */
struct options_plan {
    uint64_t rate; /* of all jobs; 0: closed loop */
    uint64_t duration_ns;
    const double *weights; /* QUERY_KIND_COUNT of them */
    const char *name;      /* of its phase, or NULL */
};

struct options_plan options_plan(const struct options *o, uint64_t round);
/* All options are known: what a phase does not say is as without phases; the mix of the run becomes that of
 * all phases together. */
void options_mix_phases(struct options *o);
/* The requests, keys and sizes are those of a trace, which must outlive the options. */
void options_replay(struct options *o, const struct replay *replay);
/* SERVERS are loaded by a job each (--placement each). */
enum options_result options_check_each(struct options *o,
                                       const struct placement *servers) MUST_USE;
/* Whether requests have a time when they are due: in some round at least. */
bool options_is_open(const struct options *o);
/* Requests in flight on a connection of an open loop, at most. */
static inline uint64_t
options_open_pipeline(const struct options *o)
{
    return o->open_pipeline > 0 ? o->open_pipeline : o->pipeline;
}

const char *options_arrivals_name(enum arrivals arrivals);

/* "250ms", "10s", "2m", "1.5" (seconds); also us. False when it is none, or negative. */
bool options_duration(const char *text, uint64_t *ns) MUST_USE;
