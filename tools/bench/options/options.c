/* Reads the command line: words to fields, and defaults. */
#include "options/options_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/keys.h"
#include "lombard/base/num.h"

static bool
parse_count(const struct option_desc *d, const char *arg, uint64_t *field)
{
    uint64_t v;

    if (!num_parse_u64(slice_make(arg, strlen(arg)), &v) || v < d->min || v > d->max)
        return false;
    *field = v;
    return true;
}

static bool
parse_duration(const struct option_desc *d, const char *arg, uint64_t *field)
{
    uint64_t ns;

    if (!options_duration(arg, &ns) || ns < d->min)
        return false;
    *field = ns;
    return true;
}

/* "0.3" or "30%": from 0 to 1. */
static bool
parse_share(const char *arg, double *field)
{
    char *end;
    double v = strtod(arg, &end);

    if (end == arg || !isfinite(v))
        return false;
    if (*end == '%') {
        v /= 100;
        end++;
    }
    if (*end != '\0' || v < 0 || v > 1)
        return false;
    *field = v;
    return true;
}

/* False when ARG does not suit. */
static bool
apply(const struct option_desc *d, const char *arg, struct options *o)
{
    void *field = (char *)o + d->off;

    switch (d->kind) {
    case ARG_NONE: *(bool *)field = true; return true;
    case ARG_TEXT: *(const char **)field = arg; return true;
    case ARG_COUNT: return parse_count(d, arg, field);
    case ARG_DURATION: return parse_duration(d, arg, field);
    case ARG_SHARE: return parse_share(arg, field);
    case ARG_CUSTOM: return d->parse(o, arg);
    }
    BUG("arg_kind out of range");
}

/* The option that WORD ("--name", "--name=value", "-x", "-xvalue") names, or NULL. */
static const struct option_desc *
find(const char *word, const char **inline_arg)
{
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);

    *inline_arg = NULL;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_desc *d = &option_descs[i];

        if (d->name == NULL)
            continue;
        if (len > 2 && word[1] == '-' && strlen(d->name) == len - 2 &&
            strncmp(d->name, word + 2, len - 2) == 0) {
            *inline_arg = equals != NULL ? equals + 1 : NULL;
            return d;
        }
        if (d->letter != 0 && word[1] == d->letter) {
            *inline_arg = word[2] != '\0' ? word + 2 : NULL;
            return d;
        }
    }
    return NULL;
}

void
options_without_roles(struct options *o)
{
    o->idle = 0;
    o->slow_readers = 0;
    o->half_commands = 0;
    o->churn = 0;
}

/* ARG does not suit: in one line, with what would. */
static enum options_result
cannot_be(const struct option_desc *d, const char *arg)
{
    if (d->kind == ARG_COUNT)
        return options_bad("option '--%s' cannot be '%s': '--%s' is a number from %llu to %llu",
                           d->name, arg, d->name, (unsigned long long)d->min,
                           (unsigned long long)d->max);
    if (d->kind == ARG_DURATION)
        return options_bad(
            "option '--%s' cannot be '%s': '--%s' is a time%s, such as 10s, 500ms, 250us or 2m",
            d->name, arg, d->name, d->min > 0 ? " above 0" : "");
    if (d->parse == preset_apply)
        return options_bad(
            "option '--%s' cannot be '%s': there is no preset '%s'; --preset list shows all",
            d->name, arg, arg);
    if (d->parse == option_ttl)
        return options_bad(
            "option '--%s' cannot be '%s': '--%s' is a number from 0 to %d, or several "
            "with weights",
            d->name, arg, d->name, OPTIONS_TTL_MAX_S);
    return options_bad("option '--%s' cannot be '%s'", d->name, arg);
}

/* The commands that the first word may be. */
static bool
is_command(const char *word)
{
    return strcmp(word, "hitratio") == 0 || strcmp(word, "replay") == 0 ||
           strcmp(word, "herd") == 0;
}

static enum options_result
unknown(const char *word)
{
    const char *instead = option_instead(word);

    if (is_command(word))
        return options_bad("'%s' has to be the first word: lombard-bench %s ...", word, word);
    return instead != NULL
               ? options_bad("there is no '%.*s': %s", (int)strcspn(word, "="), word, instead)
               : options_bad("unknown option '%s'", word);
}

/* Defaults that depend on nothing but the environment. */
static void
set_defaults(struct options *o)
{
    memset(o, 0, sizeof(*o));
    o->protocol = "text";
    o->connections = 50;
    o->keys = 1000000;
    o->pipeline = 0; /* options_check.c */
    o->jobs = 1;
    o->multiget = 1;
    o->seed = 1;
    o->shift_by = 0.1;
    o->speed = 1;
    o->item_overhead = 24;
    o->lease_wait_ns = UINT64_C(5000000);
    o->arrivals = ARRIVALS_POISSON;
    o->find_warmup = true;
    o->spin_ns = OPTIONS_SPIN_AUTO;
    o->weights[QUERY_GET] = 10;
    o->weights[QUERY_SET] = 1;
    o->dist.kind = DIST_UNIFORM;
    if (!sizes_parse("16", KEY_TEXT_MAX, &o->key_size) ||
        !sizes_parse("0", OPTIONS_TTL_MAX_S, &o->ttl) ||
        !sizes_parse("32", OPTIONS_VALUE_MAX_BYTES, &o->value_size))
        BUG("the defaults do not parse");
}

/* `hitratio` measures a cache that is asked by one client, as fast as it goes. */
static void
set_hitratio_defaults(struct options *o)
{
    o->hitratio = true;
    o->refill = true;
    o->connections = 1;
    o->pipeline = 32;
    o->dist = (struct dist_config){.kind = DIST_ZIPF, .alpha = 0.99};
}

/* `herd`: many ask for one key, which is gone every second. */
static void
set_herd_defaults(struct options *o)
{
    o->connections = 200;
    o->keys = 1;
    o->fill = true;
    memset(o->weights, 0, sizeof(o->weights));
    o->weights[QUERY_GET] = 1;
    if (!sizes_parse("1", OPTIONS_TTL_MAX_S, &o->ttl) || !option_database(o, "20ms") ||
        !option_think(o, "exp:10ms"))
        BUG("the defaults do not parse");
}

/* Whether the word behind it belongs to it. */
static bool
takes_topic(const struct option_desc *d)
{
    return d->off == offsetof(struct options, help) ||
           d->off == offsetof(struct options, self_test);
}

enum options_result
options_parse(int argc, char **argv, struct options *out)
{
    struct options o;
    enum options_result result;
    bool herd;

    set_defaults(&o);
    if (argc > 1 && strcmp(argv[1], "hitratio") == 0)
        set_hitratio_defaults(&o);
    o.replay = argc > 1 && strcmp(argv[1], "replay") == 0;
    herd = argc > 1 && strcmp(argv[1], "herd") == 0;
    if (herd)
        set_herd_defaults(&o);
    for (int i = o.hitratio || o.replay || herd ? 2 : 1; i < argc; i++) {
        const char *arg;
        const struct option_desc *d = argv[i][0] == '-' ? find(argv[i], &arg) : NULL;
        const char *word = argv[i];

        if (d == NULL)
            return unknown(word);
        if (d->kind == ARG_NONE && arg != NULL)
            return options_bad("option '--%s' takes no argument, but got '%s'", d->name, arg);
        if (d->kind != ARG_NONE && arg == NULL && ++i < argc)
            arg = argv[i];
        if (d->kind != ARG_NONE && arg == NULL)
            return options_bad("option '--%s' needs an argument", d->name);
        if (takes_topic(d) && i + 1 < argc && argv[i + 1][0] != '-')
            o.topic = argv[++i];
        if (!apply(d, arg, &o))
            return cannot_be(d, arg);
    }
    o.argc = argc;
    o.argv = argv;
    result = options_check(&o);
    if (result == OPTIONS_OK)
        *out = o;
    return result;
}
