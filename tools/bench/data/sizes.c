/* Reads lists of sizes with weights, and draws from them. */
#include "data/sizes.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUT_ONE (UINT64_C(1) << 32)

/* What a list is while its weights are not yet summed. */
struct draft {
    uint32_t count;
    uint32_t limit;
    struct size_class classes[SIZES_MAX];
    double weights[SIZES_MAX];
};

/* "4096", "4k", "1m"; *TEXT moves behind it. */
static bool
take_size(const char **text, uint32_t limit, uint32_t *out)
{
    uint64_t v = 0;
    const char *p = *text;

    if (!isdigit((unsigned char)*p))
        return false;
    for (; isdigit((unsigned char)*p); p++) {
        v = v * 10 + (uint64_t)(*p - '0');
        if (v > limit)
            return false;
    }
    if (*p == 'k' || *p == 'K') {
        v <<= 10;
        p++;
    } else if (*p == 'm' || *p == 'M') {
        v <<= 20;
        p++;
    }
    if (v > limit)
        return false;
    *out = (uint32_t)v;
    *text = p;
    return true;
}

/* "100" or "100-200", a new class with weight 1. */
static bool
draft_range(struct draft *d, const char **text)
{
    struct size_class *class = &d->classes[d->count];

    if (d->count == SIZES_MAX || !take_size(text, d->limit, &class->min))
        return false;
    class->max = class->min;
    if (**text == '-') {
        (*text)++;
        if (!take_size(text, d->limit, &class->max) || class->max < class->min)
            return false;
    }
    d->weights[d->count++] = 1;
    return true;
}

static bool
draft_weight(struct draft *d, const char **text)
{
    char *end;
    double w = strtod(*text, &end);

    if (end == *text || !isfinite(w) || w <= 0)
        return false;
    d->weights[d->count - 1] = w;
    *text = end;
    return true;
}

static bool
draft_finish(const struct draft *d, struct sizes *out)
{
    double total = 0;
    double sum = 0;

    if (d->count == 0)
        return false;
    memset(out, 0, sizeof(*out));
    out->count = d->count;
    out->min = UINT32_MAX;
    for (uint32_t i = 0; i < d->count; i++)
        total += d->weights[i];
    for (uint32_t i = 0; i < d->count; i++) {
        struct size_class *class = &out->classes[i];

        *class = d->classes[i];
        sum += d->weights[i];
        class->cut = (uint64_t)(sum / total * (double)CUT_ONE);
        if (class->min < out->min)
            out->min = class->min;
        if (class->max > out->max)
            out->max = class->max;
    }
    out->classes[d->count - 1].cut = CUT_ONE;
    return true;
}

bool
sizes_parse(const char *text, uint32_t limit, struct sizes *out)
{
    struct draft d = {.limit = limit};

    for (;;) {
        if (!draft_range(&d, &text))
            return false;
        if (*text == ':') {
            text++;
            if (!draft_weight(&d, &text))
                return false;
        }
        if (*text == '\0')
            return draft_finish(&d, out);
        if (*text++ != ',')
            return false;
    }
}

static const char *
skip_spaces(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return p;
}

bool
sizes_load(const char *path, uint32_t limit, struct sizes *out)
{
    struct draft d = {.limit = limit};
    char line[256];
    bool ok = true;
    FILE *f = fopen(path, "r");

    if (f == NULL)
        return false;
    while (ok && fgets(line, sizeof(line), f) != NULL) {
        const char *p = skip_spaces(line);

        if (*p == '\0' || *p == '#')
            continue;
        ok = draft_range(&d, &p);
        p = skip_spaces(p);
        if (ok && *p != '\0' && *p != '#')
            ok = draft_weight(&d, &p);
    }
    (void)fclose(f);
    return ok && draft_finish(&d, out);
}

uint32_t
sizes_pick(const struct sizes *s, uint64_t word)
{
    uint64_t choice = word >> 32;
    uint64_t within = word & UINT32_MAX;
    const struct size_class *class = s->classes;

    if (s->min == s->max)
        return s->min;
    while (choice >= class->cut)
        class ++;
    return class->min + (uint32_t)((within * ((uint64_t) class->max - class->min + 1)) >> 32);
}

double
sizes_mean(const struct sizes *s)
{
    double mean = 0;
    uint64_t before = 0;

    for (uint32_t i = 0; i < s->count; i++) {
        const struct size_class *class = &s->classes[i];

        mean += (double)(class->cut - before) / (double)CUT_ONE *
                ((double)class->min + (double)class->max) / 2;
        before = class->cut;
    }
    return mean;
}

void
sizes_name(const struct sizes *s, char *dst, uint32_t bytes)
{
    size_t used = 0;
    uint64_t before = 0;

    dst[0] = '\0';
    for (uint32_t i = 0; i < s->count && used < bytes; i++) {
        const struct size_class *class = &s->classes[i];
        char weight[32] = "";
        char max[16] = "";
        int n;

        if (s->count > 1)
            (void)snprintf(weight, sizeof(weight), ":%.4g",
                           100 * (double)(class->cut - before) / (double)CUT_ONE);
        if (class->max != class->min)
            (void)snprintf(max, sizeof(max), "-%u", class->max);
        n = snprintf(dst + used, bytes - used, "%s%u%s%s", i == 0 ? "" : ",", class->min, max,
                     weight);
        used += n < 0 ? 0 : (size_t)n;
        before = class->cut;
    }
}
