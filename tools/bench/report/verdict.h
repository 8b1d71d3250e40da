/*
 * tools/bench/report/verdict.h - whether a result may be relied on, and the exit status that says so.
 */
#pragma once

#include "run/bench.h"

/* Exit statuses: each has one meaning. 128 + N: ended by signal N, what was measured is reported. */
enum status {
    STATUS_VALID = 0,   /* measured as asked */
    STATUS_WRONG = 1,   /* a value was wrong, or a reply unreadable */
    STATUS_NOT_RUN = 2, /* nothing was measured: a bad option, an unreadable file, no server */
    STATUS_NOT_VALID = 3, /* measured, but not what was asked for */
    STATUS_NO_REPORT = 4, /* measured, but a report could not be written */
    STATUS_SIGNAL = 128,
};

enum { VERDICT_REASONS_MAX = 16, VERDICT_REASON_BYTES = 320 };
enum { VERDICT_WARNINGS_MAX = 4 * BENCH_TARGETS_MAX };

struct verdict {
    int status;
    unsigned count; /* of reasons; those for which there is no room are left out */
    char reasons[VERDICT_REASONS_MAX][VERDICT_REASON_BYTES];
    unsigned warning_count; /* they do not change the status */
    char warnings[VERDICT_WARNINGS_MAX][VERDICT_REASON_BYTES];
};

/* Judge what B has measured. */
void verdict_reach(const struct bench *b, struct verdict *out);
/* Of 100 keys that were read after --fill had stored all of them, how many were missing; not a
 * number where there was no such fill, or where keys may be missing as they were deleted or have
 * expired. */
double verdict_missed_percent(const struct target *t);
/* "valid", or what its status means otherwise. */
const char *verdict_name(const struct verdict *v);
