/* Reads and draws times. */
#include "data/times.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TIMES_MAX_NS 60e9

enum { WORD_BYTES = 32 };

static bool
take(const char *text, size_t len, bool (*parse)(const char *, uint64_t *), double *ns)
{
    char word[WORD_BYTES];
    uint64_t v;

    if (len == 0 || len >= sizeof(word))
        return false;
    memcpy(word, text, len);
    word[len] = '\0';
    if (!parse(word, &v) || v == 0 || (double)v > TIMES_MAX_NS)
        return false;
    *ns = (double)v;
    return true;
}

bool
times_parse(const char *text, bool (*parse)(const char *, uint64_t *), struct times *out)
{
    struct times t = {.kind = TIMES_UNIFORM};
    const char *dash = strchr(text, '-');
    const char *colon;
    char *end;

    if (strncmp(text, "exp:", 4) == 0) {
        t.kind = TIMES_EXPONENTIAL;
        if (!take(text + 4, strlen(text + 4), parse, &t.low))
            return false;
    } else if (strncmp(text, "lognormal:", 10) == 0) {
        t.kind = TIMES_LOGNORMAL;
        colon = strchr(text + 10, ':');
        if (colon == NULL || !take(text + 10, (size_t)(colon - text) - 10, parse, &t.low))
            return false;
        t.sigma = strtod(colon + 1, &end);
        if (end == colon + 1 || *end != '\0' || !(t.sigma >= 0 && t.sigma <= 5))
            return false;
    } else {
        size_t len = dash != NULL ? (size_t)(dash - text) : strlen(text);

        if (!take(text, len, parse, &t.low))
            return false;
        t.high = t.low;
        if (dash != NULL &&
            (!take(dash + 1, strlen(dash + 1), parse, &t.high) || t.high < t.low))
            return false;
    }
    *out = t;
    return true;
}

uint64_t
times_draw(const struct times *t, struct rng *rng)
{
    double u = rng_unit(rng);
    double ns = 0;

    switch (t->kind) {
    case TIMES_UNIFORM: ns = t->low + (t->high - t->low) * u; break;
    case TIMES_EXPONENTIAL: ns = -t->low * log(u); break;
    case TIMES_LOGNORMAL:
        ns = t->low * exp(t->sigma * sqrt(-2 * log(u)) * cos(2 * M_PI * rng_unit(rng)));
        break;
    }
    return ns < TIMES_MAX_NS ? (uint64_t)ns : (uint64_t)TIMES_MAX_NS;
}
