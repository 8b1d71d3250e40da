/* Samples the gaps between requests, and tests them against what was intended. */
#include "stat/arrivals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GAPS_MAX = ARRIVALS_BURST * ARRIVALS_BURSTS, GAPS_MIN = 64 };

/* Exceeded in one of 1000 good runs. */
#define ANDERSON_MAX 6.0
/* Correlations: as many standard errors. */
#define ERRORS_MAX 3.9
/* Constant: more than this share of uneven gaps is no constant rate. */
#define UNEVEN_MAX 0.1

void
arrivals_begin(struct arrivals_log *a)
{
    memset(a, 0, sizeof(*a));
    rng_init(&a->rng, 1);
}

/* Keep the burst, or not, such that each of all has the same chance. */
static void
keep_burst(struct arrivals_log *a)
{
    uint64_t slot = a->bursts < ARRIVALS_BURSTS ? a->bursts : rng_below(&a->rng, a->bursts + 1);

    a->bursts++;
    a->fill = 0;
    if (slot < ARRIVALS_BURSTS)
        memcpy(a->kept[slot], a->burst, sizeof(a->burst));
}

void
arrivals_note(struct arrivals_log *a, uint64_t now_ns)
{
    if (a->last_ns != 0) {
        a->burst[a->fill++] = (double)(now_ns - a->last_ns);
        if (a->fill == ARRIVALS_BURST)
            keep_burst(a);
    }
    a->last_ns = now_ns;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Of N values that have to be uniform in 0 to 1. */
static double
anderson_darling(const double *u, uint32_t n)
{
    double sorted[GAPS_MAX];
    double sum = 0;

    memcpy(sorted, u, n * sizeof(*u));
    qsort(sorted, n, sizeof(*sorted), compare);
    for (uint32_t i = 0; i < n; i++) {
        double low = fmin(fmax(sorted[i], 1e-12), 1 - 1e-12);
        double high = fmin(fmax(sorted[n - 1 - i], 1e-12), 1 - 1e-12);

        sum += (2 * i + 1) * (log(low) + log1p(-high));
    }
    return -(double)n - sum / n;
}

/* Of each value with the next one in its burst. */
static double
correlation(const double *v, uint32_t n)
{
    double mean = 0;
    double variance = 0;
    double product = 0;
    uint32_t pairs = 0;

    for (uint32_t i = 0; i < n; i++)
        mean += v[i] / n;
    for (uint32_t i = 0; i < n; i++) {
        variance += (v[i] - mean) * (v[i] - mean) / n;
        if (i % ARRIVALS_BURST == ARRIVALS_BURST - 1 || i + 1 == n)
            continue;
        product += (v[i] - mean) * (v[i + 1] - mean);
        pairs++;
    }
    return variance > 0 && pairs > 0 ? product / pairs / variance : 0;
}

static double
short_gap(const double *gaps, uint32_t n)
{
    double sorted[GAPS_MAX];

    memcpy(sorted, gaps, n * sizeof(*gaps));
    qsort(sorted, n, sizeof(*sorted), compare);
    return sorted[n / 20];
}

/* The rank of each value; equal ones share theirs. */
static void
rank_all(const double *v, uint32_t n, double *ranks)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t less = 0;
        uint32_t same = 0;

        for (uint32_t j = 0; j < n; j++) {
            less += v[j] < v[i];
            same += v[j] == v[i];
        }
        ranks[i] = less + (same - 1) / 2.0;
    }
}

/* The share of all gaps that should be below GAP, which is in means. */
static double
share_below(double gap, double shape)
{
    if (shape <= 0)
        return -expm1(-gap);
    return 1 - pow(1 + shape / (1 - shape) * gap, -1 / shape);
}

static void
judge_random(const double *gaps, uint32_t n, double mean_gap_ns, double shape,
             struct arrivals_verdict *out)
{
    double u[GAPS_MAX];
    double ranks[GAPS_MAX];
    double limit = ERRORS_MAX / sqrt(n);

    for (uint32_t i = 0; i < n; i++)
        u[i] = share_below(gaps[i] / mean_gap_ns, shape);
    rank_all(u, n, ranks);
    out->anderson = anderson_darling(u, n);
    out->lag1 = correlation(gaps, n);
    out->spearman = correlation(ranks, n);
    out->good = out->anderson <= ANDERSON_MAX && fabs(out->lag1) <= limit &&
                fabs(out->spearman) <= limit;
}

struct arrivals_verdict
arrivals_judge(const struct arrivals_log *a, double mean_gap_ns, bool random, double shape)
{
    uint64_t bursts = a->bursts < ARRIVALS_BURSTS ? a->bursts : ARRIVALS_BURSTS;
    struct arrivals_verdict out = {.gaps = (uint32_t)bursts * ARRIVALS_BURST};
    const double *gaps = &a->kept[0][0];
    uint32_t uneven = 0;

    out.known = out.gaps >= GAPS_MIN;
    out.good = true;
    if (!out.known)
        return out;
    out.short_ns = short_gap(gaps, out.gaps);
    if (random) {
        judge_random(gaps, out.gaps, mean_gap_ns, shape, &out);
        return out;
    }
    for (uint32_t i = 0; i < out.gaps; i++)
        uneven += fabs(gaps[i] / mean_gap_ns - 1) > 0.5;
    out.uneven = (double)uneven / out.gaps;
    out.good = out.uneven <= UNEVEN_MAX;
    return out;
}
