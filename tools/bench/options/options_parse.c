/* Reads the arguments that have a form of their own: ratios, mixes, sizes, durations. */
#include "options/options_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/keys.h"
#include "wire/wire.h"

bool
options_duration(const char *text, uint64_t *ns)
{
    static const struct {
        const char *suffix;
        double ns;
    } units[] = {{"", 1e9}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    char *end;
    double v = strtod(text, &end);

    if (end == text || !isfinite(v) || v < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(end, units[i].suffix) == 0) {
            v *= units[i].ns;
            if (v >= 0x1p63)
                return false;
            *ns = (uint64_t)v;
            return true;
        }
    }
    return false;
}

bool
option_ratio(struct options *o, const char *arg)
{
    char *end;
    double get = strtod(arg, &end);
    double set;

    if (end == arg || *end != ':')
        return false;
    arg = end + 1;
    set = strtod(arg, &end);
    if (end == arg || *end != '\0' || !isfinite(get) || !isfinite(set) || get < 0 || set < 0 ||
        get + set <= 0)
        return false;
    memset(o->weights, 0, sizeof(o->weights));
    o->weights[QUERY_GET] = get;
    o->weights[QUERY_SET] = set;
    return true;
}

bool
option_distribution(struct options *o, const char *arg)
{
    return dist_parse(arg, &o->dist);
}

bool
option_key_size(struct options *o, const char *arg)
{
    struct sizes s;

    if (!sizes_parse(arg, KEY_TEXT_MAX, &s) || s.min == 0)
        return false;
    o->key_size = s;
    return true;
}

bool
option_value_size(struct options *o, const char *arg)
{
    if (arg[0] == '@')
        return sizes_load(arg + 1, OPTIONS_VALUE_MAX_BYTES, &o->value_size);
    return sizes_parse(arg, OPTIONS_VALUE_MAX_BYTES, &o->value_size);
}

/* "60", "60:3,300-600:1". */
bool
option_ttl(struct options *o, const char *arg)
{
    return strpbrk(arg, "kKmM") == NULL && sizes_parse(arg, OPTIONS_TTL_MAX_S, &o->ttl);
}

const char *
options_arrivals_name(enum arrivals arrivals)
{
    switch (arrivals) {
    case ARRIVALS_CONSTANT: return "constant";
    case ARRIVALS_POISSON: return "poisson";
    case ARRIVALS_PARETO: return "pareto";
    }
    BUG("arrivals out of range");
}

bool
option_think(struct options *o, const char *arg)
{
    return times_parse(arg, options_duration, &o->think);
}

bool
option_database(struct options *o, const char *arg)
{
    return times_parse(arg, options_duration, &o->database);
}

bool
option_arrivals(struct options *o, const char *arg)
{
    for (int i = ARRIVALS_CONSTANT; i <= ARRIVALS_PARETO; i++) {
        if (strcmp(arg, options_arrivals_name((enum arrivals)i)) == 0) {
            o->arrivals = (enum arrivals)i;
            return true;
        }
    }
    return false;
}

bool
option_placement(struct options *o, const char *arg)
{
    return placement_find(arg, &o->placement);
}

bool
option_protocol(struct options *o, const char *arg)
{
    /* As memtier names them. */
    if (strcmp(arg, "memcache_text") == 0)
        arg = "text";
    else if (strcmp(arg, "memcache_binary") == 0)
        arg = "binary";
    if (wire_find(arg) == NULL)
        return false;
    o->protocol = arg;
    return true;
}

/* One "name=weight" of a mix; *TEXT moves behind it. */
static bool
parse_weight(struct options *o, const char **text)
{
    const char *equals = strchr(*text, '=');
    char *end;
    double weight;

    if (equals == NULL)
        return false;
    weight = strtod(equals + 1, &end);
    if (end == equals + 1 || !isfinite(weight) || weight < 0)
        return false;
    for (int i = 0; i < QUERY_KIND_COUNT; i++) {
        const char *name = query_kind_name((enum query_kind)i);

        if (strlen(name) == (size_t)(equals - *text) &&
            memcmp(name, *text, strlen(name)) == 0) {
            o->weights[i] = weight;
            *text = end;
            return true;
        }
    }
    return false;
}

bool
option_mix(struct options *o, const char *arg)
{
    struct options draft = *o;
    double total = 0;

    memset(draft.weights, 0, sizeof(draft.weights));
    for (;; arg++) {
        if (!parse_weight(&draft, &arg))
            return false;
        if (*arg == '\0')
            break;
        if (*arg != ',')
            return false;
    }
    for (int i = 0; i < QUERY_KIND_COUNT; i++)
        total += draft.weights[i];
    if (total <= 0)
        return false;
    *o = draft;
    return true;
}

bool
option_simulate(struct options *o, const char *arg)
{
    unsigned count = 0;

    for (;;) {
        char *end;
        double v = strtod(arg, &end);

        if (*end == 'k' || *end == 'm' || *end == 'g') {
            v *= *end == 'k' ? 0x1p10 : *end == 'm' ? 0x1p20 : 0x1p30;
            end++;
        }
        if (end == arg || !(v >= 1 && v < 0x1p53) || count == SIMULATE_MAX ||
            (*end != ',' && *end != '\0'))
            return false;
        o->simulate[count++] = (uint64_t)v;
        if (*end == '\0')
            break;
        arg = end + 1;
    }
    o->simulate_count = count;
    return true;
}

bool
option_trace_format(struct options *o, const char *arg)
{
    static const char *const names[] = {
        [TRACE_TEXT] = "text",       [TRACE_ORACLE] = "oracle",
        [TRACE_CACHE2K] = "cache2k", [TRACE_CACHE2K_LONG] = "cache2k-long",
        [TRACE_TWITTER] = "twitter", [TRACE_META] = "meta",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(arg, names[i]) == 0) {
            o->trace_format = (enum trace_format)i;
            return true;
        }
    }
    return false;
}

/* "p99<1ms", "p99.9<500us". */
bool
option_find_max(struct options *o, const char *arg)
{
    char *end;
    double percent;
    uint64_t ns;

    if (arg[0] != 'p')
        return false;
    percent = strtod(arg + 1, &end);
    if (end == arg + 1 || *end != '<' || !(percent > 0 && percent < 100) ||
        !options_duration(end + 1, &ns) || ns == 0)
        return false;
    o->find_max_quantile = percent / 100;
    o->find_max_ns = ns;
    return true;
}

bool
option_warmup(struct options *o, const char *arg)
{
    uint64_t ns = 0;

    o->find_warmup = strcmp(arg, "auto") == 0;
    if (!o->find_warmup && !options_duration(arg, &ns))
        return false;
    o->warmup_ns = ns;
    return true;
}

bool
option_spin(struct options *o, const char *arg)
{
    uint64_t ns = OPTIONS_SPIN_AUTO;

    if (strcmp(arg, "auto") != 0 && (!options_duration(arg, &ns) || ns > OPTIONS_SPIN_MAX_NS))
        return false;
    o->spin_ns = ns;
    return true;
}

/* "ci<2%", or "p99.9 ci<2%". */
bool
option_until(struct options *o, const char *arg)
{
    double quantile = 0;
    double percent;
    char *end;

    if (arg[0] == 'p') {
        quantile = strtod(arg + 1, &end) / 100;
        if (end == arg + 1 || !(quantile > 0 && quantile < 1) || (*end != ' ' && *end != ':'))
            return false;
        arg = end + 1;
    }
    if (strncmp(arg, "ci<", 3) != 0)
        return false;
    percent = strtod(arg + 3, &end);
    if (end == arg + 3 || strcmp(end, "%") != 0 || !(percent > 0 && percent < 100))
        return false;
    o->until_reach = percent / 100;
    o->until_quantile = quantile;
    return true;
}

bool
option_speed(struct options *o, const char *arg)
{
    char *end;
    double speed = strtod(arg, &end);

    if (end == arg || *end != '\0' || !(speed >= 1e-6 && speed <= 1e6))
        return false;
    o->speed = speed;
    return true;
}

/* A number that may end in k or m. */
static bool
take_rate(const char **p, double *rate)
{
    char *end;

    *rate = strtod(*p, &end);
    if (end == *p || !(*rate >= 1))
        return false;
    if (*end == 'k' || *end == 'm')
        *rate *= *end++ == 'k' ? 1e3 : 1e6;
    *p = end;
    return *rate <= 1e8;
}

/* "rates=1k:100k:10". */
bool
option_sweep(struct options *o, const char *arg)
{
    double low;
    double high;
    double steps;

    if (strncmp(arg, "rates=", 6) == 0)
        arg += 6;
    if (!take_rate(&arg, &low) || *arg++ != ':' || !take_rate(&arg, &high) || *arg++ != ':' ||
        !take_rate(&arg, &steps) || *arg != '\0')
        return false;
    if (high <= low || steps < 2 || steps > OPTIONS_ROUNDS_MAX || steps != floor(steps))
        return false;
    o->sweep_low = low;
    o->sweep_high = high;
    o->sweep_steps = (uint64_t)steps;
    return true;
}

uint64_t
options_sweep_rate(const struct options *o, uint64_t i)
{
    double share = (double)i / (double)(o->sweep_steps - 1);

    return (uint64_t)llround(o->sweep_low * pow(o->sweep_high / o->sweep_low, share));
}

/* A number of seconds, as other tools take it. */
bool
option_seconds(struct options *o, const char *arg)
{
    uint64_t ns;

    if (!options_duration(arg, &ns) || ns == 0)
        return false;
    o->duration_ns = ns;
    return true;
}
