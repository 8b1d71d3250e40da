/*
 * tools/bench/report.h - the results of a run, for people and for programs.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "options.h"
#include "tally.h"

/* One measured server. */
struct result {
    const char *server;
    const struct tally *tally;
};

/* The quantiles that every report shows. */
struct report_quantile {
    const char *name;
    double q;
};

extern const struct report_quantile report_quantiles[];
extern const unsigned report_quantile_count;

/* Numbers, hit ratio and latencies as a table. */
void report_text(FILE *f, const struct options *o, const struct result *r);
/* The same as one JSON object. */
void report_json(FILE *f, const struct options *o, const struct result *r);
