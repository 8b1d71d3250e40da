#include "options.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "lombard/base/num.h"

enum { VALUE_LIMIT_BYTES = 1 << 30 };

/* How an option's argument becomes a field. */
enum arg_kind {
    ARG_NONE, /* a flag */
    ARG_TEXT,
    ARG_COUNT,
    ARG_DURATION,
    ARG_CUSTOM,
};

struct option_desc {
    const char *name;
    char letter; /* 0: none */
    enum arg_kind kind;
    size_t off;                                        /* of the field, unless CUSTOM */
    uint64_t min, max;                                 /* COUNT */
    bool (*parse)(struct options *o, const char *arg); /* CUSTOM */
    const char *arg;                                   /* its name in the help */
    const char *help;
};

#define FIELD(f) offsetof(struct options, f)

static bool
parse_ratio(struct options *o, const char *arg)
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
    o->weights[OP_GET] = get;
    o->weights[OP_SET] = set;
    return true;
}

static bool
parse_distribution(struct options *o, const char *arg)
{
    return dist_parse(arg, &o->dist);
}

static bool
parse_key_size(struct options *o, const char *arg)
{
    struct sizes s;

    if (!sizes_parse(arg, KEY_TEXT_MAX, &s) || s.min == 0)
        return false;
    o->key_size = s;
    return true;
}

static bool
parse_value_size(struct options *o, const char *arg)
{
    if (arg[0] == '@')
        return sizes_load(arg + 1, VALUE_LIMIT_BYTES, &o->value_size);
    return sizes_parse(arg, VALUE_LIMIT_BYTES, &o->value_size);
}

static bool
parse_arrivals(struct options *o, const char *arg)
{
    if (strcmp(arg, "constant") == 0)
        o->arrivals = ARRIVALS_CONSTANT;
    else if (strcmp(arg, "poisson") == 0)
        o->arrivals = ARRIVALS_POISSON;
    else
        return false;
    return true;
}

#define MANY UINT32_MAX

/* Order is that of the help; a line without a name is a heading there. */
static const struct option_desc descs[] = {
    {.help = "The server and the load"},
    {"server", 's', ARG_TEXT, FIELD(server), 0, 0, NULL, "ADDR",
     "host:port, [v6]:port or the path of a unix socket (127.0.0.1:11211)"},
    {"connections", 'c', ARG_COUNT, FIELD(connections), 1, 1000000, NULL, "N",
     "active connections (50)"},
    {"duration", 'd', ARG_DURATION, FIELD(duration_ns), 0, 0, NULL, "TIME",
     "measure for so long: 10s, 500ms, 2m (10s)"},
    {"requests", 'n', ARG_COUNT, FIELD(requests), 1, UINT64_MAX, NULL, "N",
     "measure so many requests, instead of a duration"},
    {"ratio", 'r', ARG_CUSTOM, 0, 0, 0, parse_ratio, "G:S", "gets to sets (10:1)"},
    {"pipeline", 0, ARG_COUNT, FIELD(pipeline), 1, 65536, NULL, "N",
     "requests in flight on each connection (1)"},
    {"stream", 0, ARG_NONE, FIELD(stream), 0, 0, NULL, NULL,
     "send as soon as one is answered, instead of whole batches"},
    {"multiget", 0, ARG_COUNT, FIELD(multiget), 1, 65536, NULL, "N", "keys of each get (1)"},
    {"ttl", 0, ARG_COUNT, FIELD(ttl_s), 0, MANY, NULL, "S",
     "time to live of what is stored, in seconds; 0: for ever (0)"},
    {"rate", 0, ARG_COUNT, FIELD(rate), 1, 100000000, NULL, "N",
     "open loop: begin N requests a second, whether or not others are answered"},
    {"arrivals", 0, ARG_CUSTOM, 0, 0, 0, parse_arrivals, "A",
     "of --rate: constant or poisson (poisson)"},
    {.help = "Keys and values"},
    {"keys", 'k', ARG_COUNT, FIELD(keys), 1, DIST_KEYS_MAX, NULL, "N",
     "number of different keys (1000000)"},
    {"key-size", 0, ARG_CUSTOM, 0, 0, 0, parse_key_size, "SIZES", "length of the keys (16)"},
    {"value-size", 0, ARG_CUSTOM, 0, 0, 0, parse_value_size, "SIZES",
     "length of the values (32): 100, 100-1000, 100:70,1k-4k:30 or @FILE"},
    {"distribution", 0, ARG_CUSTOM, 0, 0, 0, parse_distribution, "D",
     "uniform, zipf[:ALPHA], hotspot[:KEYS:SHARE], sequential (uniform)"},
    {"seed", 0, ARG_COUNT, FIELD(seed), 0, UINT64_MAX, NULL, "N",
     "the same seed asks for the same keys (1)"},
    {.help = "Phases"},
    {"fill", 'f', ARG_NONE, FIELD(fill), 0, 0, NULL, NULL, "first store every key once"},
    {"warmup", 'w', ARG_DURATION, FIELD(warmup_ns), 0, 0, NULL, "TIME",
     "load without measuring for so long (0)"},
    {"rounds", 0, ARG_COUNT, FIELD(rounds), 1, OPTIONS_ROUNDS_MAX, NULL, "N",
     "measure so many times, each for the duration; reports median and spread (1)"},
    {"compare", 0, ARG_TEXT, FIELD(compare), 0, 0, NULL, "ADDR",
     "measure a second server in turns with the first; reports ratios (5 rounds)"},
    {.help = "Reports"},
    {"json", 'j', ARG_TEXT, FIELD(json_path), 0, 0, NULL, "FILE",
     "write the results as JSON; - is standard output"},
    {"csv", 0, ARG_TEXT, FIELD(csv_path), 0, 0, NULL, "FILE",
     "append a line a round and server; - is standard output"},
    {"server-pid", 0, ARG_COUNT, FIELD(server_pid), 1, INT32_MAX, NULL, "PID",
     "whose CPU and memory to report (found, when the server is on this machine)"},
    {"quiet", 'q', ARG_NONE, FIELD(quiet), 0, 0, NULL, NULL, "no progress, no table"},
    {"progress", 0, ARG_NONE, FIELD(progress), 0, 0, NULL, NULL,
     "the progress line even where there is no terminal"},
    {"strict", 0, ARG_NONE, FIELD(strict), 0, 0, NULL, NULL,
     "fail on errors and lost connections too, not only on wrong data"},
    {"help", 'h', ARG_NONE, FIELD(help), 0, 0, NULL, NULL, "this text"},
    {"version", 'V', ARG_NONE, FIELD(version), 0, 0, NULL, NULL, "the version"},
};

void
options_help(void)
{
    (void)printf(
        "usage: lombard-bench [options]\n\n"
        "Loads a server of the memcached protocol, checks every value that comes back,\n"
        "and reports throughput and latency. Defaults are in parentheses.\n");
    for (size_t i = 0; i < ARRAY_LEN(descs); i++) {
        const struct option_desc *d = &descs[i];
        char left[64];

        if (d->name == NULL) {
            (void)printf("\n%s:\n", d->help);
            continue;
        }
        (void)snprintf(left, sizeof(left), "%c%c%s --%s %s", d->letter ? '-' : ' ',
                       d->letter ? d->letter : ' ', d->letter ? "," : " ", d->name,
                       d->arg ? d->arg : "");
        (void)printf("  %-24s %s\n", left, d->help);
    }
    (void)printf(
        "\nExit status: 0 all well; 1 a value was wrong or a reply unreadable; 2 the run\n"
        "could not be done; 3 errors under --strict; 64 a bad option.\n");
}

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

static bool
parse_count(const struct option_desc *d, const char *arg, uint64_t *field)
{
    uint64_t v;

    if (!num_parse_u64(slice_make(arg, strlen(arg)), &v) || v < d->min || v > d->max)
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
    case ARG_DURATION: return options_duration(arg, field);
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
    for (size_t i = 0; i < ARRAY_LEN(descs); i++) {
        const struct option_desc *d = &descs[i];

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

PRINTF_LIKE(1, 2) static enum options_result bad(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("lombard-bench: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputs(" (see --help)\n", stderr);
    va_end(args);
    return OPTIONS_BAD;
}

/* Defaults that depend on nothing. */
static void
set_defaults(struct options *o)
{
    memset(o, 0, sizeof(*o));
    o->server = "127.0.0.1:11211";
    o->protocol = "text";
    o->connections = 50;
    o->keys = 1000000;
    o->pipeline = 1;
    o->multiget = 1;
    o->seed = 1;
    o->arrivals = ARRIVALS_POISSON;
    o->weights[OP_GET] = 10;
    o->weights[OP_SET] = 1;
    o->dist.kind = DIST_UNIFORM;
    if (!sizes_parse("16", KEY_TEXT_MAX, &o->key_size) ||
        !sizes_parse("32", VALUE_LIMIT_BYTES, &o->value_size))
        BUG("the defaults do not parse");
}

/* What only shows when all options are known. */
static enum options_result
check(struct options *o)
{
    if (o->requests == 0 && o->duration_ns == 0)
        o->duration_ns = UINT64_C(10000000000);
    if (o->rounds == 0)
        o->rounds = o->compare != NULL ? 5 : 1;
    if (o->key_size.min < keys_digits(o->keys))
        return bad("--key-size is too small for so many --keys");
    return OPTIONS_OK;
}

enum options_result
options_parse(int argc, char **argv, struct options *out)
{
    struct options o;
    enum options_result result;

    set_defaults(&o);
    for (int i = 1; i < argc; i++) {
        const char *arg;
        const struct option_desc *d = argv[i][0] == '-' ? find(argv[i], &arg) : NULL;
        const char *word = argv[i];

        if (d == NULL)
            return bad("unknown option '%s'", word);
        if (d->kind == ARG_NONE && arg != NULL)
            return bad("option '--%s' takes no argument, but got '%s'", d->name, arg);
        if (d->kind != ARG_NONE && arg == NULL && ++i < argc)
            arg = argv[i];
        if (d->kind != ARG_NONE && arg == NULL)
            return bad("option '--%s' needs an argument", d->name);
        if (!apply(d, arg, &o))
            return bad("option '--%s' cannot be '%s'", d->name, arg);
    }
    result = check(&o);
    if (result == OPTIONS_OK)
        *out = o;
    return result;
}
