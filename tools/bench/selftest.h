/*
 * tools/bench/selftest.h - does the tool measure what is there?
 *
 * Against the built-in server: every kind of wrong answer is noticed, and known
 * stalls come back as the latencies they must cause.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "builtin/stub.h"
#include "load/tally.h"
#include "lombard/base/attr.h"
#include "options/options.h"
#include "selftest_judge.h"

/* Run all of it, or only PART (faults, stalls, rates), and print what was found. */
enum selftest_verdict selftest_run(const char *part) MUST_USE;

/* What was noticed, and what the server itself counted meanwhile. */
struct selftest {
    struct tally tally;
    struct stub_counts truth;
};

enum { SELFTEST_PROTOCOLS = 3 };
extern const char *const selftest_protocols[SELFTEST_PROTOCOLS];

struct selftest_case {
    enum stub_fault fault;
    const char *protocol;
    uint64_t pipeline;
};

/* The load that shows a fault, and how often the server makes it. False: out of memory. */
bool selftest_load(const struct selftest_case *c, struct options *o, uint32_t *every) MUST_USE;
/* That load on a built-in server, into OUT. False: it could not be run; what was not is zero. */
bool selftest_fault(const struct selftest_case *c, struct selftest *out) MUST_USE;
/* Whether OUT is what a server with that fault must lead to. */
bool selftest_noticed(const struct selftest_case *c, const struct selftest *out) MUST_USE;
/* A line that says so. */
void selftest_describe(FILE *f, const struct selftest_case *c, const struct selftest *r,
                       bool noticed);
