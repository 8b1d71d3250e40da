/*
 * tools/bench/selftest.h - does the tool measure what is there?
 *
 * Against the built-in server: every kind of wrong answer is noticed, and known
 * stalls come back as the latencies they must cause.
 */
#pragma once

#include <stdbool.h>

#include "builtin/stub.h"
#include "load/tally.h"
#include "lombard/base/attr.h"

/* Run all of it and print what was found. False when something was missed. */
bool selftest_run(void) MUST_USE;

/* What was noticed, and what the server itself counted meanwhile. */
struct selftest {
    struct tally tally;
    struct stub_counts truth;
};

/* One short load on a server with FAULT, into OUT. False: it could not be run. */
bool selftest_fault(enum stub_fault fault, uint64_t pipeline, struct selftest *out) MUST_USE;
/* Whether OUT is what a server with FAULT must lead to. */
bool selftest_noticed(enum stub_fault fault, uint64_t pipeline,
                      const struct selftest *out) MUST_USE;
