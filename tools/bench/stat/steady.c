/* Finds the moment where latencies changed. */
#include "stat/steady.h"

#include <math.h>
#include <stddef.h>

enum {
    BLOCKS_MIN = 8,
    BLOCKS_MAX = 128,
    TIMED_MIN = 20, /* of a block */
};

/* So far apart, in standard errors, and by this factor: no accident, and worth a word. */
#define ERRORS_APART   6.0
#define FACTOR_MATTERS 1.05

/* How far apart the means before and from AT on are, in standard errors. */
static double
distance(const double *y, uint32_t count, uint32_t at, double *difference)
{
    double sums[2] = {0, 0};
    double n[2] = {at, count - at};
    double squares = 0;

    for (uint32_t i = 0; i < count; i++)
        sums[i >= at] += y[i];
    for (uint32_t i = 0; i < count; i++) {
        double off = y[i] - sums[i >= at] / n[i >= at];

        squares += off * off;
    }
    *difference = sums[1] / n[1] - sums[0] / n[0];
    return fabs(*difference) / sqrt(fmax(squares, 1e-9) / (count - 2) * (1 / n[0] + 1 / n[1]));
}

struct steady
steady_look_at(const double *logs, uint32_t count)
{
    struct steady out = {.known = count >= BLOCKS_MIN, .factor = 1};
    double most = ERRORS_APART;

    for (uint32_t at = 2; out.known && at + 2 <= count; at++) {
        double difference;
        double apart = distance(logs, count, at, &difference);

        if (apart <= most || fabs(difference) < log(FACTOR_MATTERS))
            continue;
        most = apart;
        out.changed = true;
        out.at = at;
        out.factor = exp(difference);
    }
    return out;
}

struct steady
steady_look(const struct moment *blocks, uint32_t count)
{
    double logs[BLOCKS_MAX];

    if (count > BLOCKS_MAX)
        count = BLOCKS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (blocks[i].timed < TIMED_MIN)
            return (struct steady){.factor = 1};
        logs[i] = moment_mean_log(&blocks[i]);
    }
    return steady_look_at(logs, count);
}
