/* What options do not go together, and what follows from all of them. */
#include "options/options_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/keys.h"

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

static enum options_result
check_hitratio(struct options *o)
{
    if (o->multiget > 1)
        return options_bad("hitratio reads one key at a time: --multiget is not possible");
    if (o->trace_path != NULL) {
        if (o->requests == 0 && o->duration_ns == 0)
            o->requests = UINT64_MAX;
        return OPTIONS_OK;
    }
    if (o->requests == 0 && o->duration_ns == 0)
        o->requests = 1000000;
    if (o->loop_share > 0 && o->loop_keys == 0)
        return options_bad("--loop-share needs --loop-keys");
    if (o->loop_share + o->one_hit_share > 1)
        return options_bad("--loop-share and --one-hit together are above 1");
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

/* Several servers that share the keys: what is possible with one only, and what to do instead. */
static enum options_result
check_several(const struct options *o)
{
    const struct {
        const char *name;
        bool given;
        const char *instead;
    } list[] = {
        {"compare", o->compare != NULL, "run once with each group of servers"},
        {"multiget", o->multiget > 1, "--pipeline has as many gets in flight over all of them"},
        {"stats", o->stats, "start one lombard-bench for each server"},
        {"server-pid", o->server_pid != 0, "start one lombard-bench for each server"},
        {"idle", o->idle > 0, "start another lombard-bench for these clients"},
        {"slow-readers", o->slow_readers > 0, "start another lombard-bench for these clients"},
        {"half-commands", o->half_commands > 0,
         "start another lombard-bench for these clients"},
        {"churn", o->churn > 0, "start another lombard-bench for these clients"},
        {"think", times_given(&o->think),
         "use --rate for clients that do not ask all the time"},
        {"database", times_given(&o->database), "use one server"},
        {"session-requests", o->session_requests > 0, "use one server"},
    };

    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        if (list[i].given)
            return options_bad("several servers together: no --%s: %s", list[i].name,
                               list[i].instead);
    }
    return OPTIONS_OK;
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
            return options_bad("--port is for a --server without one, not for '%s'", host);
        (void)snprintf(address, sizeof(address), "%.120s:%.30s", host, o->port);
        o->server = address;
    }
    if (strchr(o->server, ',') != NULL && check_several(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    if (o->login_path == NULL)
        return OPTIONS_OK;
    if (o->idle + o->slow_readers + o->half_commands + o->churn > 0)
        return options_bad("clients in the background do not log in: no --auth with them");
    why = login_load(&o->login, o->login_path, strcmp(o->protocol, "binary") == 0);
    return why == NULL ? OPTIONS_OK : options_bad("--auth %s: %s", o->login_path, why);
}

static enum options_result
check_jobs(struct options *o)
{
    if (o->hitratio)
        return options_bad(
            "no --jobs with hitratio: a cache's hit ratio depends on the order of requests, "
            "which is one client's");
    if (o->connections < o->jobs || (o->rate > 0 && o->rate < o->jobs))
        return options_bad("each of the --jobs needs a connection, and a part of the --rate");
    return OPTIONS_OK;
}

static enum options_result
check_sweep(struct options *o)
{
    if (o->hitratio || o->rate > 0 || o->find_max_ns > 0 || o->requests > 0 || o->rounds > 0 ||
        o->until_reach > 0)
        return options_bad(
            "--sweep sets rates and rounds itself: no --rate, --rounds, --requests, "
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
        return options_bad("replay needs a --trace");
    if (o->find_max_ns > 0 || o->until_reach > 0 || o->sweep_steps > 0 || o->phase_count > 0 ||
        o->multiget > 1)
        return options_bad("replay does what the trace says: no --find-max, --until, --sweep, "
                           "--phase or --multiget");
    if (o->rate > 0 && o->speed != 1) /* NOLINT: as given */
        return options_bad(
            "--rate or --speed: with a rate the times of the trace do not count");
    o->find_warmup = false;
    return OPTIONS_OK;
}

static enum options_result
check_phases(struct options *o)
{
    if (o->hitratio || o->find_max_ns > 0 || o->requests > 0 || o->rounds > 0 ||
        o->duration_ns > 0 || o->until_reach > 0 || o->sweep_steps > 0)
        return options_bad(
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
        return options_bad(
            "--think and --session-requests are for clients that wait for their answers: "
            "no --rate, --find-max, --sweep, --trace or hitratio");
    if (o->session_gap_ns > 0 && o->session_requests == 0)
        return options_bad("--session-gap needs --session-requests");
    if (database &&
        (o->pipeline > 1 || o->multiget > 1 || o->hitratio || o->trace_path != NULL))
        return options_bad(
            "--database is asked for one key at a time: no --pipeline, --multiget, "
            "--trace or hitratio");
    if (!database && (o->database_slots > 0 || o->leases))
        return options_bad("--database-slots and --leases need a --database");
    if (o->leases && (strcmp(o->protocol, "meta") != 0 || o->value_size.min == 0))
        return options_bad("--leases need --protocol meta and values of a byte at least");
    if (database)
        o->find_warmup = false; /* what a cold cache costs is what is measured */
    if (o->recache_s > 0 && !o->leases)
        return options_bad("--recache needs --leases");
    return OPTIONS_OK;
}

enum options_result
options_check_each(struct options *o, const struct placement *servers)
{
    if (o->jobs > 1)
        return options_bad("--placement each has a process for each server: no --jobs");
    o->jobs = servers->count;
    o->each = servers;
    return check_jobs(o);
}

/* --self-test, whole or a part. */
static enum options_result
check_self_test(const struct options *o)
{
    static const char *const parts[] = {"faults", "stalls", "rates"};

    if (!o->self_test || o->topic == NULL)
        return OPTIONS_OK;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (strcmp(o->topic, parts[i]) == 0)
            return OPTIONS_OK;
    }
    return options_bad("--self-test has the parts faults, stalls and rates, not '%s'",
                       o->topic);
}

/* An open loop must not wait for a connection, unless it was said how many requests each may have. */
static void
set_pipeline(struct options *o)
{
    if (o->pipeline > 0)
        return;
    o->pipeline = 1;
    if (!times_given(&o->database))
        o->open_pipeline = OPTIONS_OPEN_PIPELINE;
}

enum options_result
options_check(struct options *o)
{
    set_pipeline(o);
    if (check_self_test(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    if (check_server(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    if (o->hitratio && check_hitratio(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    if (o->replay && check_replay(o) == OPTIONS_BAD)
        return OPTIONS_BAD;
    if (!o->hitratio && (o->loop_share > 0 || o->one_hit_share > 0))
        return options_bad("--loop-share and --one-hit are for 'lombard-bench hitratio'");
    if (o->simulate_count > 0 && (!o->hitratio || o->duration_ns > 0))
        return options_bad(
            "--simulate is for 'lombard-bench hitratio', with --requests or --trace");
    if (o->find_max_ns > 0 && (o->compare != NULL || o->rate > 0 || o->requests > 0))
        return options_bad(
            "--find-max sets the rate itself: no --rate, --requests or --compare");
    if (o->requests > 0 || o->hitratio)
        o->find_warmup = false;
    if (o->until_reach > 0 && (o->requests > 0 || o->hitratio || o->find_max_ns > 0))
        return options_bad(
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
        return options_bad("--compare cannot replay standard input to several servers");
    if (o->noreply && (o->pipeline == 1 || options_is_open(o)))
        return options_bad(
            "--noreply needs a --pipeline of 2 or more, and no --rate or --find-max: the last "
            "request of a batch asks for its reply");
    if ((o->hitratio || o->trace_path != NULL) && o->key_size.min < 8)
        return options_bad("--key-size must be at least 8 for hitratio and traces");
    if (o->key_size.min < keys_digits(o->keys))
        return options_bad("--key-size is too small for the number of --keys");
    if (needs_letters(o) && o->key_size.min < 9)
        return options_bad("--key-size must be at least 9 for append, prepend, incr and decr");
    return OPTIONS_OK;
}
