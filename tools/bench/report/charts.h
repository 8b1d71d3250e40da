/*
 * tools/bench/report/charts.h - the pictures of a run.
 *
 * Each writes one SVG. Some need what not every run has: chart_exists() says so.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "run/bench.h"

enum chart {
    CHART_PERCENTILES,
    CHART_CDF,
    CHART_HEAT, /* of the first server */
    CHART_THROUGHPUT,
    CHART_CPU,
    CHART_MEMORY,
    CHART_RATIOS,
    CHART_SWEEP,
    CHART_PHASES,
};

enum { CHART_COUNT = CHART_PHASES + 1 };

/* Also the name of its file, without the ending. */
const char *chart_name(enum chart chart);
const char *chart_help(enum chart chart);
bool chart_exists(const struct bench *b, enum chart chart);
void chart_draw(FILE *f, const struct bench *b, enum chart chart);

/* The latencies that are shown of a server: response times in an open loop, else service times. */
void chart_latencies(const struct target *t, struct hist *out);

/* Of the files below. */
void chart_percentiles(FILE *f, const struct bench *b);
void chart_cdf(FILE *f, const struct bench *b);
void chart_heat(FILE *f, const struct bench *b);
void chart_over_time(FILE *f, const struct bench *b, enum chart chart);
void chart_ratios(FILE *f, const struct bench *b);
void chart_sweep(FILE *f, const struct bench *b);
void chart_phases(FILE *f, const struct bench *b);
