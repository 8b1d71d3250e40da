/*
 * tools/bench/data/times.h - times that are drawn: of a simulated database, or of a client that thinks.
 *
 *     20ms            always
 *     5ms-50ms        uniform
 *     exp:20ms        exponential, with this mean
 *     lognormal:20ms:0.5   with this median, and this standard deviation of the logarithm
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/rng.h"
#include "lombard/base/attr.h"

enum times_kind { TIMES_UNIFORM, TIMES_EXPONENTIAL, TIMES_LOGNORMAL };

struct times {
    enum times_kind kind;
    double low, high; /* ns; UNIFORM: bounds; else LOW is the mean or the median, */
    double sigma;     /* and this of a LOGNORMAL */
};

/* PARSE reads one time. False: TEXT is none of the forms above, or 0. */
bool times_parse(const char *text, bool (*parse)(const char *text, uint64_t *ns),
                 struct times *out) MUST_USE;
uint64_t times_draw(const struct times *t, struct rng *rng);
/* Whether it was ever set. */
static inline bool
times_given(const struct times *t)
{
    return t->low > 0;
}
