/*
 * tools/bench/report/report.h - the results of a run, for people and for programs.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "run/bench.h"

/* The quantiles that every report shows. */
struct report_quantile {
    const char *name;
    double q;
};

extern const struct report_quantile report_quantiles[];
extern const unsigned report_quantile_count;
/* Quantile number I in microseconds; not a number where there are too few values for it. */
double report_quantile_us(const struct hist *h, unsigned i);

/* The sizes of keys and values and the distribution of a load, as options name them. */
struct report_words {
    char keys[64];
    char values[160];
    char dist[64];
    char pipeline[48]; /* requests in flight on a connection */
};

void report_describe(const struct options *o, struct report_words *out);

/* Numbers, hit ratio and latencies as tables. */
void report_text(FILE *f, const struct bench *b);
/* The same as one JSON object. */
void report_json(FILE *f, const struct bench *b);
/* Part of the text: medians, spreads and ratios over the rounds. */
void report_rounds(FILE *f, const struct bench *b);
/* Part of the text: requests, where they went, and what was read. */
void report_requests(FILE *f, const struct options *o, const struct target *target);
/* Part of the text: latencies, their intervals and a bar for each decade. */
void report_table(FILE *f, const struct target *target);
/* How many values lie in [LOW, HIGH), as far as buckets can tell. */
uint64_t report_count_between(const struct hist *h, uint64_t low, uint64_t high);
/* Part of the JSON object of a server: how sure its figures are, and what happened when. */
void report_json_certain(FILE *f, const struct target *target);
/* A second (or more, of long runs) of the last round. */
struct report_second {
    double at_s; /* its end */
    double seconds;
    struct moment sum;
    double cpu_share; /* of the server; not a number where unknown */
    uint64_t rss_bytes;
};
/* Second number I; false when there are not so many. */
bool report_second(const struct target *t, unsigned i, struct report_second *out);
/* All of them as lines of CSV. */
void report_series(FILE *f, const struct bench *b);
/* One page with pictures; and the latencies of the first server, or of each second of all servers, in
 * the files of HdrHistogram. */
void report_html(FILE *f, const struct bench *b);
void report_hgrm(FILE *f, const struct bench *b);
void report_hdr_log(FILE *f, const struct bench *b);
/* Of --sweep: a line for each rate. */
void report_sweep(FILE *f, const struct bench *b);
/* Of a replay: what it is made of; nothing for other loads. */
void report_replay(FILE *f, const struct options *o);
void report_replay_json(FILE *f, const struct options *o);
void report_replay_html(FILE *f, const struct options *o);
/* Of sessions and of a database behind the cache; nothing for other loads. */
void report_aside(FILE *f, const struct tally *t);
void report_aside_json(FILE *f, const struct tally *t);
void report_aside_html(FILE *f, const struct bench *b);
/* Of --phase: a line, or a row of the page, for each; and what is added to the JSON object of round ROUND. */
void report_phases(FILE *f, const struct bench *b);
void report_phases_html(FILE *f, const struct bench *b);
void report_phase_json(FILE *f, const struct target *t, uint64_t round);
/* A bar for each power of two. */
void report_histogram(FILE *f, const struct hist *h);
/* A heading if F is empty, then a line for each round and server. */
void report_csv(FILE *f, const struct bench *b);
/* Whether the file PATH (NULL: none) has the same heading, or is empty or new; a message if not. */
bool report_csv_fits(const char *path);
