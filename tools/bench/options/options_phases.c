/* Reads --phase: a time, and what is different in it; and says what each round of a run is to be. */
#include "options/options_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/keys.h"

/* "rate=N" among the weights. False: it is none. */
static bool
take_phase_rate(const char *word, size_t len, uint64_t *rate)
{
    char *end;
    double v;

    if (len < 6 || strncmp(word, "rate=", 5) != 0)
        return false;
    v = strtod(word + 5, &end);
    if (end == word + 5 || !(v >= 1 && v <= 1e8))
        return false;
    if (*end == 'k' || *end == 'm')
        v *= *end++ == 'k' ? 1e3 : 1e6;
    *rate = (uint64_t)v;
    return end == word + len && v <= 1e8;
}

/* The weights of LIST, and its rate; all of the mix is as before where it has none. */
static bool
take_phase_mix(const struct options *o, const char *list, struct options_phase *phase)
{
    struct options draft = *o;
    char weights[256] = "";
    size_t used = 0;

    while (*list != '\0') {
        size_t len = strcspn(list, ",");

        if (strncmp(list, "rate=", 5) == 0) {
            if (!take_phase_rate(list, len, &phase->rate))
                return false;
        } else {
            if (used + len + 2 > sizeof(weights))
                return false;
            if (used > 0)
                weights[used++] = ',';
            memcpy(weights + used, list, len);
            used += len;
            weights[used] = '\0';
        }
        list += len;
        if (*list == ',' && *++list == '\0')
            return false;
    }
    phase->has_mix = used > 0;
    if (phase->has_mix && !option_mix(&draft, weights))
        return false;
    memcpy(phase->weights, draft.weights, sizeof(phase->weights));
    return true;
}

/* "30s:get=90,set=10", "10s:get=1,rate=20k", "5s". */
bool
option_phase(struct options *o, const char *arg)
{
    struct options_phase phase = {.name = arg};
    size_t len = strcspn(arg, ":");
    char time[32];

    if (o->phase_count == OPTIONS_PHASES_MAX || len >= sizeof(time))
        return false;
    memcpy(time, arg, len);
    time[len] = '\0';
    if (!options_duration(time, &phase.duration_ns) || phase.duration_ns == 0 ||
        (arg[len] == ':' && arg[len + 1] == '\0') ||
        !take_phase_mix(o, arg[len] == ':' ? arg + len + 1 : "", &phase))
        return false;
    o->phases[o->phase_count++] = phase;
    return true;
}

void
options_mix_phases(struct options *o)
{
    double all[QUERY_KIND_COUNT] = {0};

    for (uint64_t i = 0; i < o->phase_count; i++) {
        struct options_phase *p = &o->phases[i];
        double total = 0;

        if (!p->has_mix)
            memcpy(p->weights, o->weights, sizeof(p->weights));
        if (p->rate == 0)
            p->rate = o->rate;
        for (int k = 0; k < QUERY_KIND_COUNT; k++)
            total += p->weights[k];
        for (int k = 0; k < QUERY_KIND_COUNT; k++)
            all[k] += p->weights[k] / total * (double)p->duration_ns;
    }
    memcpy(o->weights, all, sizeof(o->weights));
}

struct options_plan
options_plan(const struct options *o, uint64_t round)
{
    const struct options_phase *p;

    if (o->sweep_steps > 0)
        return (struct options_plan){options_sweep_rate(o, round), o->duration_ns, o->weights,
                                     NULL};
    if (o->phase_count == 0)
        return (struct options_plan){o->rate, o->duration_ns, o->weights, NULL};
    p = &o->phases[round % o->phase_count];
    return (struct options_plan){p->rate, p->duration_ns, p->weights, p->name};
}

void
options_replay(struct options *o, const struct replay *replay)
{
    char text[32];
    uint32_t low = KEY_TEXT_MAX;
    uint32_t high = 0;

    for (uint64_t i = 0; i < replay->keys; i++) {
        low = replay->key_bytes[i] < low ? replay->key_bytes[i] : low;
        high = replay->key_bytes[i] > high ? replay->key_bytes[i] : high;
    }
    (void)snprintf(text, sizeof(text), "%u-%u", low, high);
    if (!option_key_size(o, text))
        BUG("sizes of keys that are none");
    for (int i = 0; i < QUERY_KIND_COUNT; i++)
        o->weights[i] = (double)replay->kinds[i];
    o->keys = replay->keys;
    o->replay_plan = replay;
    o->requests = 0;
    o->duration_ns = 0;
}

bool
options_is_open(const struct options *o)
{
    bool open = o->rate > 0 || o->replay || o->find_max_ns > 0 || o->sweep_steps > 0;

    for (uint64_t i = 0; i < o->phase_count; i++)
        open |= o->phases[i].rate > 0;
    return open;
}
