/* Reads the command line: words to fields, defaults, and what does not go together. */
#include "options/options_priv.h"

#include <math.h>
#include <stdarg.h>
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
        return bad("option '--%s' cannot be '%s': '--%s' is a number from %llu to %llu",
                   d->name, arg, d->name, (unsigned long long)d->min,
                   (unsigned long long)d->max);
    if (d->kind == ARG_DURATION)
        return bad(
            "option '--%s' cannot be '%s': '--%s' is a time%s, such as 10s, 500ms, 250us or 2m",
            d->name, arg, d->name, d->min > 0 ? " above 0" : "");
    if (d->parse == preset_apply)
        return bad(
            "option '--%s' cannot be '%s': there is no preset '%s'; --preset list shows all",
            d->name, arg, arg);
    if (d->parse == option_ttl)
        return bad("option '--%s' cannot be '%s': '--%s' is a number from 0 to %d, or several "
                   "with weights",
                   d->name, arg, d->name, OPTIONS_TTL_MAX_S);
    return bad("option '--%s' cannot be '%s'", d->name, arg);
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
        return bad("'%s' has to be the first word: lombard-bench %s ...", word, word);
    return instead != NULL
               ? bad("there is no '%.*s': %s", (int)strcspn(word, "="), word, instead)
               : bad("unknown option '%s'", word);
}

/* The first of MEMCACHED_SERVERS, where that is set. */
static const char *
default_server(void)
{
    static char first[128];
    const char *list = getenv("MEMCACHED_SERVERS");

    if (list == NULL || strcspn(list, ", ") == 0 || strcspn(list, ", ") >= sizeof(first))
        return "127.0.0.1:11211";
    (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(list, ", "), list);
    return first;
}

/* Defaults that depend on nothing but the environment. */
static void
set_defaults(struct options *o)
{
    memset(o, 0, sizeof(*o));
    o->protocol = "text";
    o->connections = 50;
    o->keys = 1000000;
    o->pipeline = 1;
    o->jobs = 1;
    o->multiget = 1;
    o->seed = 1;
    o->shift_by = 0.1;
    o->speed = 1;
    o->item_overhead = 24;
    o->lease_wait_ns = UINT64_C(5000000);
    o->arrivals = ARRIVALS_POISSON;
    o->find_warmup = true;
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

static enum options_result
check_hitratio(struct options *o)
{
    if (o->multiget > 1)
        return bad("hitratio reads one key at a time: --multiget is not possible");
    if (o->trace_path != NULL) {
        if (o->requests == 0 && o->duration_ns == 0)
            o->requests = UINT64_MAX;
        return OPTIONS_OK;
    }
    if (o->requests == 0 && o->duration_ns == 0)
        o->requests = 1000000;
    if (o->loop_share > 0 && o->loop_keys == 0)
        return bad("--loop-share needs --loop-keys");
    if (o->loop_share + o->one_hit_share > 1)
        return bad("--loop-share and --one-hit together are above 1");
    return OPTIONS_OK;
}

/* Whether some of the mix needs a letter of its own before the digits of a key. */
static bool
needs_letters(const struct options *o)
{
    for (int i = 0; i < QUERY_KIND_COUNT; i++) {
        if (o->weights[i] > 0 && query_has_own_names((enum query_kind)i))
            return true;
    }
    return false;
}

/* Where the server is, and who asks. */
static enum options_result
check_server(struct options *o)
{
    static char address[160];
    const char *why;

    if (o->server == NULL && o->port == NULL) {
        o->server = default_server();
    } else if (o->port != NULL) {
        const char *host = o->server != NULL ? o->server : "127.0.0.1";

        if (host[0] == '/' || strchr(host, ':') != NULL)
            return bad("--port is for a --server without one, not for '%s'", host);
        (void)snprintf(address, sizeof(address), "%.120s:%.30s", host, o->port);
        o->server = address;
    }
    if (strchr(o->server, ',') != NULL &&
        (o->compare != NULL || o->multiget > 1 || o->stats || o->server_pid != 0 ||
         o->idle + o->slow_readers + o->half_commands + o->churn > 0))
        return bad(
            "several servers together: no --compare, --multiget, --stats, --server-pid or "
            "clients in the background");
    if (strchr(o->server, ',') != NULL &&
        (times_given(&o->think) || times_given(&o->database) || o->session_requests > 0))
        return bad("several servers together: no --%s", times_given(&o->think) ? "think"
                                                        : times_given(&o->database)
                                                            ? "database"
                                                            : "session-requests");
    if (o->login_path == NULL)
        return OPTIONS_OK;
    if (o->idle + o->slow_readers + o->half_commands + o->churn > 0)
        return bad("clients in the background do not log in: no --auth with them");
    why = login_load(&o->login, o->login_path, strcmp(o->protocol, "binary") == 0);
    return why == NULL ? OPTIONS_OK : bad("--auth %s: %s", o->login_path, why);
}

static enum options_result
check_jobs(struct options *o)
{
    if (o->hitratio || o->find_max_ns > 0 || o->trace_path != NULL)
        return bad("--jobs is not possible with hitratio, --trace or --find-max");
    if (o->connections < o->jobs || (o->rate > 0 && o->rate < o->jobs))
        return bad("each of the --jobs needs a connection, and a part of the --rate");
    return OPTIONS_OK;
}

static enum options_result
check_sweep(struct options *o)
{
    if (o->hitratio || o->rate > 0 || o->find_max_ns > 0 || o->requests > 0 || o->rounds > 0 ||
        o->until_reach > 0)
        return bad("--sweep sets rates and rounds itself: no --rate, --rounds, --requests, "
                   "--until, --find-max or hitratio");
    o->rounds = o->sweep_steps;
    o->find_warmup = false; /* where a rate is not kept, latencies grow all the time */
    if (o->duration_ns == 0)
        o->duration_ns = UINT64_C(2000000000);
    return OPTIONS_OK;
}

static enum options_result
check_replay(struct options *o)
{
    if (o->trace_path == NULL)
        return bad("replay needs a --trace");
    if (o->jobs > 1 || o->find_max_ns > 0 || o->until_reach > 0 || o->sweep_steps > 0 ||
        o->phase_count > 0 || o->multiget > 1)
        return bad("replay does what the trace says: no --jobs, --find-max, --until, --sweep, "
                   "--phase or --multiget");
    if (o->rate > 0 && o->speed != 1) /* NOLINT: as given */
        return bad("--rate or --speed: with a rate the times of the trace do not count");
    o->find_warmup = false;
    return OPTIONS_OK;
}

static enum options_result
check_phases(struct options *o)
{
    if (o->hitratio || o->find_max_ns > 0 || o->requests > 0 || o->rounds > 0 ||
        o->duration_ns > 0 || o->until_reach > 0 || o->sweep_steps > 0)
        return bad(
            "each --phase has its own time: no --duration, --requests, --rounds, --until, "
            "--sweep, --find-max or hitratio");
    o->rounds = o->phase_count;
    o->find_warmup = false; /* what changes is the load */
    options_mix_phases(o);
    for (uint64_t i = 0; i < o->phase_count; i++)
        o->duration_ns += o->phases[i].duration_ns;
    return OPTIONS_OK;
}

/* Clients that pause, leave, or have a database. */
static enum options_result
check_clients(struct options *o)
{
    bool database = times_given(&o->database);

    if ((times_given(&o->think) || o->session_requests > 0) &&
        (options_is_open(o) || o->hitratio || o->trace_path != NULL))
        return bad(
            "--think and --session-requests are for clients that wait for their answers: "
            "no --rate, --find-max, --sweep, --trace or hitratio");
    if (o->session_gap_ns > 0 && o->session_requests == 0)
        return bad("--session-gap needs --session-requests");
    if (database &&
        (o->pipeline > 1 || o->multiget > 1 || o->hitratio || o->trace_path != NULL))
        return bad("--database is asked for one key at a time: no --pipeline, --multiget, "
                   "--trace or hitratio");
    if (!database && (o->database_slots > 0 || o->leases))
        return bad("--database-slots and --leases need a --database");
    if (o->leases && (strcmp(o->protocol, "meta") != 0 || o->value_size.min == 0))
        return bad("--leases need --protocol meta and values of a byte at least");
    if (database)
        o->find_warmup = false; /* what a cold cache costs is what is measured */
    if (o->recache_s > 0 && !o->leases)
        return bad("--recache needs --leases");
    return OPTIONS_OK;
}

/* What only shows when all options are known. */
static enum options_result
check(struct options *o)
{
    if (check_server(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    if (o->hitratio && check_hitratio(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    if (o->replay && check_replay(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    if (!o->hitratio && (o->loop_share > 0 || o->one_hit_share > 0))
        return bad("--loop-share and --one-hit are for 'lombard-bench hitratio'");
    if (o->simulate_count > 0 && (!o->hitratio || o->duration_ns > 0))
        return bad("--simulate is for 'lombard-bench hitratio', with --requests or --trace");
    if (o->find_max_ns > 0 && (o->compare != NULL || o->rate > 0 || o->requests > 0))
        return bad("--find-max sets the rate itself: no --rate, --requests or --compare");
    if (o->requests > 0 || o->hitratio)
        o->find_warmup = false;
    if (o->until_reach > 0 && (o->requests > 0 || o->hitratio || o->find_max_ns > 0))
        return bad(
            "--until measures for as long as it takes: no --requests, --find-max or hitratio");
    if (o->until_reach > 0 && o->duration_ns == 0)
        o->duration_ns = UINT64_C(300000000000);
    if (o->jobs > 1 && check_jobs(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    if (o->phase_count > 0 && check_phases(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    if (o->sweep_steps > 0 && check_sweep(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    if (check_clients(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    o->looks = o->html_path != NULL || o->svg_path != NULL || o->series_path != NULL;
    if (o->requests == 0 && o->duration_ns == 0 && !o->replay)
        o->duration_ns = o->find_max_ns > 0 ? UINT64_C(2000000000) : UINT64_C(10000000000);
    if (o->rounds == 0)
        o->rounds = o->compare != NULL && !o->hitratio ? 6 : 1;
    if (o->compare != NULL && o->rounds > 1 && o->sweep_steps == 0 && o->phase_count == 0)
        o->rounds += o->rounds % 2; /* AB, BA: drift must not favour one */
    if (o->compare != NULL && o->trace_path != NULL && strcmp(o->trace_path, "-") == 0 &&
        o->hitratio)
        return bad("--compare cannot replay standard input to several servers");
    if (o->noreply && (o->pipeline == 1 || options_is_open(o)))
        return bad(
            "--noreply needs a --pipeline of 2 or more, and no --rate or --find-max: the last "
            "request of a batch asks for its reply");
    if ((o->hitratio || o->trace_path != NULL) && o->key_size.min < 8)
        return bad("--key-size must be at least 8 for hitratio and traces");
    if (o->key_size.min < keys_digits(o->keys))
        return bad("--key-size is too small for the number of --keys");
    if (needs_letters(o) && o->key_size.min < 9)
        return bad("--key-size must be at least 9 for append, prepend, incr and decr");
    return OPTIONS_OK;
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
            return bad("option '--%s' takes no argument, but got '%s'", d->name, arg);
        if (d->kind != ARG_NONE && arg == NULL && ++i < argc)
            arg = argv[i];
        if (d->kind != ARG_NONE && arg == NULL)
            return bad("option '--%s' needs an argument", d->name);
        if (d->off == offsetof(struct options, help) && i + 1 < argc && argv[i + 1][0] != '-')
            o.help_topic = argv[++i];
        if (!apply(d, arg, &o))
            return cannot_be(d, arg);
    }
    o.argc = argc;
    o.argv = argv;
    result = check(&o);
    if (result == OPTIONS_OK)
        *out = o;
    return result;
}
