/* Computes 95 % intervals of quantiles, ratios and means. */
#include "stat/interval.h"

#include <math.h>
#include <stddef.h>

#include "lombard/base/attr.h"

double
interval_t(uint32_t freedom)
{
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
                                   2.306,  2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
                                   2.131,  2.120, 2.110, 2.101, 2.093, 2.086};

    if (freedom <= ARRAY_LEN(table))
        return table[freedom > 0 ? freedom - 1 : 0];
    return 1.96 + 2.5 / (double)freedom; /* within 0.001 */
}

/* Half the width of the interval of a ratio, from blocks of STEP parts each. */
static double
half_width(const struct interval_part *parts, uint32_t count, uint32_t step)
{
    uint32_t blocks = count / step;
    double over = 0;
    double under = 0;
    double squares = 0;
    double ratio;

    for (uint32_t i = 0; i < blocks * step; i++) {
        over += parts[i].over;
        under += parts[i].under;
    }
    if (blocks < 2 || under <= 0)
        return NAN;
    ratio = over / under;
    for (uint32_t b = 0; b < blocks; b++) {
        double off = 0;

        for (uint32_t i = b * step; i < (b + 1) * step; i++)
            off += parts[i].over - ratio * parts[i].under;
        squares += off * off;
    }
    return interval_t(blocks - 1) * sqrt(squares * (double)blocks / (double)(blocks - 1)) /
           under;
}

/* The widest of what blocks of one, two, four and eight parts say, as long as there are four blocks. */
static double
widest(const struct interval_part *parts, uint32_t count)
{
    double most = half_width(parts, count, 1);

    for (uint32_t step = 2; step <= 8 && count / step >= 4; step *= 2)
        most = fmax(most, half_width(parts, count, step));
    return most;
}

struct interval
interval_ratio(const struct interval_part *parts, uint32_t count)
{
    double half = widest(parts, count);
    double over = 0;
    double under = 0;

    for (uint32_t i = 0; i < count; i++) {
        over += parts[i].over;
        under += parts[i].under;
    }
    /* What is counted is not below 0, however little is known of it. */
    return (struct interval){over / under < half ? 0 : over / under - half,
                             over / under + half};
}

/* How many latencies of S lie below bucket number END. */
static double
below(const struct moment *s, uint32_t end)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < end; i++)
        n += s->buckets[i];
    return (double)n;
}

static double
share_below(const struct moment *blocks, uint32_t count, uint32_t end)
{
    double n = 0;
    double all = 0;

    for (uint32_t b = 0; b < count; b++) {
        n += below(&blocks[b], end);
        all += (double)blocks[b].timed;
    }
    return all > 0 ? n / all : NAN;
}

/* How many independent values would say as much of the share Q as the blocks do. */
static double
effective_count(const struct hist *all, const struct moment *blocks, uint32_t count, double q)
{
    struct interval_part parts[INTERVAL_PARTS_MAX];
    uint32_t edge = hist_index(hist_quantile(all, q)) / 8;
    double share = share_below(blocks, count, edge);
    double next = share_below(blocks, count, edge + 1);
    double half;
    double n;

    /* Of the two bounds between buckets the nearer one, unless it lies beyond all values. */
    if (next < 1 && (fabs(next - q) < fabs(share - q) || !(share > 0))) {
        share = next;
        edge++;
    }
    if (!(share > 0 && share < 1) || count > ARRAY_LEN(parts))
        return (double)all->count;
    for (uint32_t b = 0; b < count; b++)
        parts[b] = (struct interval_part){below(&blocks[b], edge), (double)blocks[b].timed};
    half = widest(parts, count) / 1.96;
    n = share * (1 - share) / (half * half);
    return n < (double)all->count ? n : (double)all->count;
}

struct interval
interval_quantile(const struct hist *all, const struct moment *blocks, uint32_t count, double q)
{
    double z2 = 1.96 * 1.96;
    struct interval out = {NAN, NAN};
    double n;
    double middle;
    double half;

    if (all->count < 2)
        return out;
    n = effective_count(all, blocks, count, q);
    middle = (q + z2 / (2 * n)) / (1 + z2 / n);
    half = sqrt(z2 * (q * (1 - q) / n + z2 / (4 * n * n))) / (1 + z2 / n);
    /* The bounds are values that were seen: of too few, none may lie so far out. */
    if (n * (middle - half) >= 0.5)
        out.low = (double)hist_quantile(all, middle - half);
    if (n * (1 - middle - half) >= 0.5)
        out.high = (double)hist_quantile(all, middle + half);
    return out;
}

struct interval
interval_mean(const double *values, uint32_t count)
{
    double sum = 0;
    double squares = 0;
    double half;

    if (count < 2)
        return (struct interval){NAN, NAN};
    for (uint32_t i = 0; i < count; i++)
        sum += values[i];
    for (uint32_t i = 0; i < count; i++)
        squares += (values[i] - sum / count) * (values[i] - sum / count);
    half = interval_t(count - 1) * sqrt(squares / (count - 1) / count);
    return (struct interval){sum / count - half, sum / count + half};
}

double
interval_reach(struct interval i, double value)
{
    return value > 0 ? fmax(i.high - value, value - i.low) / value : NAN;
}
