/* Figures of single rounds: their medians, spreads and ratios between servers. */
#include "run/bench.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const struct figure figures[FIGURE_COUNT] = {
    {"requests/s", "requests_per_s", offsetof(struct round, per_s), false},
    {"server CPU, us", "server_cpu_us_per_request", offsetof(struct round, server_us), true},
    {"client CPU, us", "client_cpu_us_per_request", offsetof(struct round, client_us), true},
    {"mean, us", "mean_us", offsetof(struct round, mean_us), true},
    {"p50, us", "p50_us", offsetof(struct round, p50_us), true},
    {"p99, us", "p99_us", offsetof(struct round, p99_us), true},
    {"p99.9, us", "p999_us", offsetof(struct round, p999_us), true},
    {"hits, %", "hit_percent", offsetof(struct round, hit_percent), false},
};

double
figure_of(const struct round *r, const struct figure *f)
{
    double v;

    memcpy(&v, (const char *)r + f->off, sizeof(v));
    return v;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* The mean and its interval; of ratios of their logarithms. */
static void
note_interval(struct spread *s, const double *values, uint32_t n, bool logarithms)
{
    double used[OPTIONS_ROUNDS_MAX] = {0};
    struct interval i;
    double sum = 0;

    for (uint32_t k = 0; k < n; k++) {
        used[k] = logarithms ? log(values[k]) : values[k];
        sum += used[k];
    }
    i = interval_mean(used, n);
    s->mean = logarithms ? exp(sum / n) : sum / n;
    s->low = logarithms ? exp(i.low) : i.low;
    s->high = logarithms ? exp(i.high) : i.high;
}

/* VALUES without those that are no numbers; not a number when none is left. */
static struct spread
spread_of(double *values, size_t count, bool logarithms)
{
    struct spread s = {NAN, NAN, NAN, NAN, NAN, NAN};
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i]))
            values[n++] = values[i];
    }
    if (n == 0)
        return s;
    qsort(values, n, sizeof(*values), compare);
    note_interval(&s, values, (uint32_t)n, logarithms);
    s.min = values[0];
    s.max = values[n - 1];
    s.median = n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
    return s;
}

struct spread
figure_spread(const struct target *t, const struct figure *f)
{
    double values[OPTIONS_ROUNDS_MAX];
    size_t n = 0;

    for (uint64_t i = 0; i < t->rounds_done; i++) {
        if (t->rounds[i].sound)
            values[n++] = figure_of(&t->rounds[i], f);
    }
    return spread_of(values, n, false);
}

/* Within round number I; not a number where one of the two is not sound. */
static double
ratio_in(const struct target *first, const struct target *second, uint64_t i,
         const struct figure *f)
{
    const struct round *a = &first->rounds[i];
    const struct round *b = &second->rounds[i];

    return a->sound && b->sound ? figure_of(a, f) / figure_of(b, f) : NAN;
}

struct spread
figure_ratio(const struct bench *b, unsigned other, const struct figure *f)
{
    const struct target *first = &b->targets[0];
    const struct target *second = &b->targets[other];
    double values[OPTIONS_ROUNDS_MAX];
    uint64_t n =
        first->rounds_done < second->rounds_done ? first->rounds_done : second->rounds_done;
    size_t count = 0;

    if (n == 1)
        values[count++] = ratio_in(first, second, 0, f);
    for (uint64_t i = 0; i + 1 < n; i += 2)
        values[count++] =
            sqrt(ratio_in(first, second, i, f) * ratio_in(first, second, i + 1, f));
    return spread_of(values, count, true);
}
