/*
 * tools/bench/stat/series.h - what happened when: a run in moments of equal time.
 *
 *     start |--moment 0--|--moment 1--|-- ... --|   each `width_ns` = 1/512 s * 2^k
 *
 * Slices are so short that a run of known length has 512 to 1024 of them; one of unknown length
 * begins with 1/64 s, and neighbours are merged whenever SERIES_MAX is reached.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/hist.h"

enum {
    SERIES_MAX = 2048,
    MOMENT_BUCKETS = HIST_BUCKET_COUNT / 8, /* eight buckets of a struct hist: within 3 % */
};

struct moment {
    uint64_t requests;
    uint64_t errors;
    uint64_t hits;
    uint64_t misses;
    uint64_t timed;  /* requests with a latency */
    uint64_t sum_ns; /* of their latencies */
    uint64_t max_ns;
    uint32_t buckets[MOMENT_BUCKETS];
};

/* The server's process at a moment. */
struct series_look {
    uint64_t at_ns;
    uint64_t cpu_ns;
    uint64_t rss_bytes;
};

struct series {
    uint64_t start_ns;
    uint64_t width_ns;
    uint64_t end_ns;    /* of the moment that is being filled */
    struct moment *now; /* that moment; NULL: nothing is recorded */
    struct moment *list;
    uint32_t count;
    uint32_t size;
    struct series_look *looks; /* SERIES_MAX of them, once there is one */
    uint32_t look_count;
};

/* Forget what there was, and record from START_NS on; DURATION_NS 0: not known. */
void series_begin(struct series *s, uint64_t start_ns, uint64_t duration_ns);
/* Record nothing. */
void series_pause(struct series *s);
void series_fini(struct series *s);
/* Go on to the moment of NOW_NS. */
void series_advance(struct series *s, uint64_t now_ns);
/* Note how the server's process is. */
void series_note_look(struct series *s, const struct series_look *look);

/* The moment of NOW_NS, which is no earlier than those before; NULL: nothing is recorded. */
static inline struct moment *
series_at(struct series *s, uint64_t now_ns)
{
    if (UNLIKELY(s->now != NULL && now_ns >= s->end_ns))
        series_advance(s, now_ns);
    return s->now;
}

static inline void
moment_add_latency(struct moment *s, uint64_t ns)
{
    s->timed++;
    s->sum_ns += ns;
    if (ns > s->max_ns)
        s->max_ns = ns;
    s->buckets[hist_index(ns) / 8]++;
}

void moment_merge(struct moment *into, const struct moment *from);
/* Quantile Q of its latencies, within 3 %; 0 when there are none. */
uint64_t moment_quantile(const struct moment *s, double q);
/* Mean of the logarithms of its latencies; not a number when there are none. */
double moment_mean_log(const struct moment *s);

/* The moments that were filled before UNTIL_NS, as BLOCKS blocks of (nearly) equal time: how many
 * there are, fewer where there are fewer moments. DST has room for BLOCKS. */
uint32_t series_blocks(const struct series *s, uint64_t until_ns, struct moment *dst,
                       uint32_t blocks);
