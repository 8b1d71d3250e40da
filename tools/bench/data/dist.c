/* Draws keys: uniformly, by Zipf's law, with hot keys, in sequence or from a trace. */
#include "data/dist.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A finite number at the start of TEXT; REST points behind it. */
static bool
take_real(const char *text, double *out, const char **rest)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || !isfinite(v))
        return false;
    *out = v;
    *rest = end;
    return true;
}

static bool
parse_zipf(const char *text, struct dist_config *out)
{
    struct dist_config c = {.kind = DIST_ZIPF, .alpha = 0.99};

    if (*text == ':' && (!take_real(text + 1, &c.alpha, &text) || c.alpha <= 0 || c.alpha > 10))
        return false;
    if (*text != '\0')
        return false;
    *out = c;
    return true;
}

static bool
parse_hotspot(const char *text, struct dist_config *out)
{
    struct dist_config c = {.kind = DIST_HOTSPOT, .hot_keys = 0.1, .hot_share = 0.9};

    if (*text == ':') {
        if (!take_real(text + 1, &c.hot_keys, &text) || *text != ':' ||
            !take_real(text + 1, &c.hot_share, &text))
            return false;
    }
    if (*text != '\0' || c.hot_keys <= 0 || c.hot_keys > 1 || c.hot_share < 0 ||
        c.hot_share > 1)
        return false;
    *out = c;
    return true;
}

bool
dist_parse(const char *text, struct dist_config *out)
{
    if (strcmp(text, "uniform") == 0) {
        *out = (struct dist_config){.kind = DIST_UNIFORM};
        return true;
    }
    if (strcmp(text, "sequential") == 0) {
        *out = (struct dist_config){.kind = DIST_SEQUENTIAL};
        return true;
    }
    if (strncmp(text, "zipf", 4) == 0)
        return parse_zipf(text + 4, out);
    if (strncmp(text, "hotspot", 7) == 0)
        return parse_hotspot(text + 7, out);
    return false;
}

void
dist_name(const struct dist_config *config, char *dst, uint32_t bytes)
{
    switch (config->kind) {
    case DIST_UNIFORM: (void)snprintf(dst, bytes, "uniform"); return;
    case DIST_ZIPF: (void)snprintf(dst, bytes, "zipf:%g", config->alpha); return;
    case DIST_HOTSPOT:
        (void)snprintf(dst, bytes, "hotspot:%g:%g", config->hot_keys, config->hot_share);
        return;
    case DIST_SEQUENTIAL: (void)snprintf(dst, bytes, "sequential"); return;
    case DIST_TRACE: (void)snprintf(dst, bytes, "as in the trace"); return;
    }
    BUG("dist_kind out of range");
}

/*
 * Zipf by rejection-inversion: W. Hörmann and G. Derflinger, "Rejection-
 * inversion to generate variates from monotone discrete distributions", ACM
 * TOMACS 6(3), 1996. H is an antiderivative of x^-alpha; alpha = 1 needs the
 * logarithm.
 */
static double
zipf_h(const struct dist *d, double x)
{
    return d->one_minus == 0 ? log(x) : exp(d->one_minus * log(x)) / d->one_minus;
}

static double
zipf_h_inverse(const struct dist *d, double y)
{
    return d->one_minus == 0 ? exp(y) : exp(log(d->one_minus * y) / d->one_minus);
}

static void
zipf_init(struct dist *d)
{
    double alpha = d->config.alpha;

    /* Next to 1 the powers lose their digits: take exactly 1 there. */
    d->one_minus = fabs(1 - alpha) < 1e-9 ? 0 : 1 - alpha;
    d->h_low = zipf_h(d, 1.5) - 1;
    d->h_high = zipf_h(d, (double)d->n + 0.5);
    d->easy = 2 - zipf_h_inverse(d, zipf_h(d, 2.5) - exp(-alpha * log(2)));
}

static uint64_t
zipf_rank(const struct dist *d, struct rng *rng)
{
    for (;;) {
        double u = d->h_high + rng_unit(rng) * (d->h_low - d->h_high);
        double x = zipf_h_inverse(d, u);
        double k = floor(x + 0.5);

        if (k < 1)
            k = 1;
        else if (k > (double)d->n)
            k = (double)d->n;
        /* Nearly all pass the first test, which costs no logarithm. */
        if (k - x <= d->easy || u >= zipf_h(d, k + 0.5) - exp(-d->config.alpha * log(k)))
            return (uint64_t)k - 1;
    }
}

/*
 * What ranks are multiplied by, modulo N: near the golden section, so that
 * neighbours fall far apart, and coprime to N, so that no two fall together.
 */
static uint64_t
spread_factor(uint64_t n)
{
    uint64_t factor = (uint64_t)((double)n * 0.6180339887498949);

    for (;; factor++) {
        uint64_t a = n;
        uint64_t b = factor;

        while (b != 0) {
            uint64_t rest = a % b;

            a = b;
            b = rest;
        }
        if (a == 1)
            return factor;
    }
}

void
dist_init(struct dist *d, const struct dist_config *config, uint64_t n)
{
    memset(d, 0, sizeof(*d));
    d->config = *config;
    d->n = n;
    d->factor = spread_factor(n);
    switch (config->kind) {
    case DIST_UNIFORM:
    case DIST_SEQUENTIAL:
    case DIST_TRACE: return;
    case DIST_ZIPF: zipf_init(d); return;
    case DIST_HOTSPOT:
        d->hot_n = (uint64_t)((double)n * config->hot_keys);
        if (d->hot_n == 0)
            d->hot_n = 1;
        /* 2^64 itself does not fit; a share of 1 misses one word in 2^53. */
        d->hot_cut =
            config->hot_share >= 1 ? UINT64_MAX : (uint64_t)(config->hot_share * 0x1p64);
        return;
    }
    BUG("dist_kind out of range");
}

void
dist_seed(struct dist *d, uint64_t seed)
{
    d->shift = rng_scale(rng_mix(~seed), d->n);
}

uint64_t
dist_rank(struct dist *d, struct rng *rng)
{
    switch (d->config.kind) {
    case DIST_UNIFORM: return rng_below(rng, d->n);
    case DIST_ZIPF: return zipf_rank(d, rng);
    case DIST_HOTSPOT:
        if (rng_next(rng) < d->hot_cut || d->hot_n == d->n)
            return rng_below(rng, d->hot_n);
        return d->hot_n + rng_below(rng, d->n - d->hot_n);
    case DIST_SEQUENTIAL:
        if (d->next >= d->n)
            d->next = 0;
        return d->next++;
    case DIST_TRACE:
        if (d->next >= d->config.trace_count)
            d->next = 0;
        return d->config.trace[d->next++];
    }
    BUG("dist_kind out of range");
}

void
dist_skip(struct dist *d, double share)
{
    uint64_t n = d->config.kind == DIST_TRACE ? d->config.trace_count : d->n;

    d->next = (uint64_t)((double)n * share);
}

uint64_t
dist_spread(const struct dist *d, uint64_t rank)
{
    rank += d->shift;
    if (rank >= d->n)
        rank -= d->n;
    return rank * d->factor % d->n;
}

uint64_t
dist_draw(struct dist *d, struct rng *rng)
{
    uint64_t rank = dist_rank(d, rng);

    switch (d->config.kind) {
    case DIST_UNIFORM: /* these are the same after any permutation */
    case DIST_SEQUENTIAL:
    case DIST_TRACE: return rank;
    case DIST_ZIPF:
    case DIST_HOTSPOT: return dist_spread(d, rank);
    }
    BUG("dist_kind out of range");
}
