/*
 * tools/bench/data/trace_keys.h - all keys of a trace in memory: a distribution.
 */
#pragma once

#include <stdint.h>

#include "data/trace.h"
#include "lombard/base/attr.h"

struct trace_keys {
    uint32_t *ids; /* in the order of the trace */
    uint64_t count;
    uint64_t distinct; /* ids are below this */
};

/* Read the whole trace. NULL, or what is wrong; then there is nothing to free. */
const char *trace_keys_load(struct trace_keys *k, const char *path,
                            enum trace_format format) MUST_USE;
void trace_keys_free(struct trace_keys *k);
