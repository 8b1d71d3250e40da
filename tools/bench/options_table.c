#include "options_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "proto.h"

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
        return sizes_load(arg + 1, OPTIONS_VALUE_MAX_BYTES, &o->value_size);
    return sizes_parse(arg, OPTIONS_VALUE_MAX_BYTES, &o->value_size);
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

static bool
parse_protocol(struct options *o, const char *arg)
{
    if (proto_find(arg) == NULL)
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
    for (int i = 0; i < OP_KIND_COUNT; i++) {
        const char *name = op_kind_name((enum op_kind)i);

        if (strlen(name) == (size_t)(equals - *text) &&
            memcmp(name, *text, strlen(name)) == 0) {
            o->weights[i] = weight;
            *text = end;
            return true;
        }
    }
    return false;
}

static bool
parse_mix(struct options *o, const char *arg)
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
    for (int i = 0; i < OP_KIND_COUNT; i++)
        total += draft.weights[i];
    if (total <= 0)
        return false;
    *o = draft;
    return true;
}

static bool
parse_trace_format(struct options *o, const char *arg)
{
    static const char *const names[] = {
        [TRACE_TEXT] = "text",
        [TRACE_ORACLE] = "oracle",
        [TRACE_CACHE2K] = "cache2k",
        [TRACE_CACHE2K_LONG] = "cache2k-long",
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
static bool
parse_find_max(struct options *o, const char *arg)
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

#define MANY UINT32_MAX

/* Order is that of the help; a line without a name is a heading there. */
const struct option_desc option_descs[] = {
    {.help = "The server and the load"},
    {"server", 's', ARG_TEXT, FIELD(server), 0, 0, NULL, "ADDR",
     "host:port, [v6]:port or the path of a unix socket (127.0.0.1:11211)"},
    {"connections", 'c', ARG_COUNT, FIELD(connections), 1, 1000000, NULL, "N",
     "active connections (50)"},
    {"duration", 'd', ARG_DURATION, FIELD(duration_ns), 1, 0, NULL, "TIME",
     "measure for so long: 10s, 500ms, 2m (10s; 2s a trial of --find-max)"},
    {"timeout", 0, ARG_DURATION, FIELD(timeout_ns), 1, 0, NULL, "TIME",
     "give up a request that is not answered for so long, and its connection; it counts with\n"
     "                           that age (when no byte has moved on a connection for 10s)"},
    {"requests", 'n', ARG_COUNT, FIELD(requests), 1, UINT64_MAX, NULL, "N",
     "measure so many requests, instead of a duration"},
    {"ratio", 'r', ARG_CUSTOM, 0, 0, 0, parse_ratio, "G:S", "gets to sets (10:1)"},
    {"mix", 0, ARG_CUSTOM, 0, 0, 0, parse_mix, "LIST",
     "all requests by weight, instead of --ratio: get=90,set=9,delete=1; also gat, add,\n"
     "                           replace, cas, append, prepend, touch, incr, decr, noop"},
    {"protocol", 0, ARG_CUSTOM, 0, 0, 0, parse_protocol, "P", "text, meta or binary (text)"},
    {"pipeline", 0, ARG_COUNT, FIELD(pipeline), 1, 65536, NULL, "N",
     "requests in flight on each connection (1)"},
    {"stream", 0, ARG_NONE, FIELD(stream), 0, 0, NULL, NULL,
     "send as soon as one is answered, instead of whole batches"},
    {"multiget", 0, ARG_COUNT, FIELD(multiget), 1, 65536, NULL, "N", "keys of each get (1)"},
    {"noreply", 0, ARG_NONE, FIELD(noreply), 0, 0, NULL, NULL,
     "stores and deletes ask for no answer (the last of a batch does)"},
    {"refill", 0, ARG_NONE, FIELD(refill), 0, 0, NULL, NULL, "store what a get has missed"},
    {"ttl", 0, ARG_COUNT, FIELD(ttl_s), 0, OPTIONS_TTL_MAX_S, NULL, "S",
     "time to live of what is stored, in seconds, up to 30 days; 0: for ever (0)"},
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
    {"preset", 0, ARG_CUSTOM, 0, 0, 0, preset_apply, "NAME",
     "mix, keys and values modelled on published statistics; listed below"},
    {"distribution", 0, ARG_CUSTOM, 0, 0, 0, parse_distribution, "D",
     "uniform, zipf[:ALPHA], hotspot[:KEYS:SHARE], sequential (uniform)"},
    {"seed", 0, ARG_COUNT, FIELD(seed), 0, UINT64_MAX, NULL, "N",
     "the same seed asks for the same keys (1)"},
    {.help = "Phases"},
    {"fill", 'f', ARG_NONE, FIELD(fill), 0, 0, NULL, NULL, "first store every key once"},
    {"warmup", 'w', ARG_DURATION, FIELD(warmup_ns), 0, 0, NULL, "TIME",
     "load without measuring for so long (0)"},
    {"rounds", 0, ARG_COUNT, FIELD(rounds), 1, OPTIONS_ROUNDS_MAX, NULL, "N",
     "measure so many times, each for the duration; reports median and spread (1; with\n"
     "                           --compare an even number, for each order as often)"},
    {"compare", 0, ARG_TEXT, FIELD(compare), 0, 0, NULL, "ADDRS",
     "measure other servers in turns with the first; reports ratios (6 rounds).\n"
     "                           Also: floor, a built-in server that only counts and answers"},
    {"find-max", 0, ARG_CUSTOM, 0, 0, 0, parse_find_max, "LIMIT",
     "search the highest rate that keeps a latency, such as p99<1ms (response time)"},
    {.help = "Beside the load"},
    {"idle", 0, ARG_COUNT, FIELD(idle), 0, 10000000, NULL, "N",
     "connections that have stored and read 1 KB each, and then sleep (0)"},
    {"slow-readers", 0, ARG_COUNT, FIELD(slow_readers), 0, 100000, NULL, "N",
     "connections that ask for 64 values of 100 KB and do not read them until the end (0)"},
    {"slow-rate", 0, ARG_COUNT, FIELD(slow_rate), 0, MANY, NULL, "B",
     "bytes a second that each slow reader reads (0)"},
    {"half-commands", 0, ARG_COUNT, FIELD(half_commands), 0, 10000000, NULL, "N",
     "connections that have sent half a command, and then sleep (0)"},
    {"churn", 0, ARG_COUNT, FIELD(churn), 0, 1000, NULL, "N",
     "clients that connect, store, read, and go away, each as fast as it can (0)"},
    {"beside-first", 0, ARG_NONE, FIELD(beside_first), 0, 0, NULL, NULL,
     "all these at the first server only: --compare it with one that has none"},
    {.help = "Hit ratio (lombard-bench hitratio ...: get, then set on a miss; see --requests)"},
    {"trace", 0, ARG_TEXT, FIELD(trace_path), 0, 0, NULL, "FILE",
     "replay: lines \"key [size [ttl [op]]]\"; - is standard input. Without hitratio\n"
     "                           only its keys, in order and over and over, for the mix"},
    {"trace-format", 0, ARG_CUSTOM, 0, 0, 0, parse_trace_format, "F",
     "text, oracle (libCacheSim's oracleGeneral, unpacked), or the cache2k benchmarks'\n"
     "                           cache2k and cache2k-long (keys of 4 and 8 bytes) (text)"},
    {"one-hit", 0, ARG_SHARE, FIELD(one_hit_share), 0, 0, NULL, "SHARE",
     "of the requests, for keys that are asked for only once (0)"},
    {"loop-keys", 0, ARG_COUNT, FIELD(loop_keys), 1, DIST_KEYS_MAX / 2, NULL, "N",
     "further keys that are scanned in order, over and over"},
    {"loop-share", 0, ARG_SHARE, FIELD(loop_share), 0, 0, NULL, "SHARE",
     "of the requests, for the scan (0)"},
    {"shift-every", 0, ARG_COUNT, FIELD(shift_every), 0, UINT64_MAX, NULL, "N",
     "after so many requests other keys become popular (0: never)"},
    {"shift-by", 0, ARG_SHARE, FIELD(shift_by), 0, 0, NULL, "SHARE",
     "of the keys, by which popularity moves on each time (0.1)"},
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
    {"histogram", 0, ARG_NONE, FIELD(histogram), 0, 0, NULL, NULL,
     "latencies as bars, too, and\n"
     "                           in JSON every bucket, to be added to those of other runs"},
    {"stats", 0, ARG_NONE, FIELD(stats), 0, 0, NULL, NULL,
     "what the server's own counters did while it was measured"},
    {"strict", 0, ARG_NONE, FIELD(strict), 0, 0, NULL, NULL,
     "any error makes the result not valid, also while filling"},
    {"self-test", 0, ARG_NONE, FIELD(self_test), 0, 0, NULL, NULL,
     "measure a built-in server with known faults and stalls, and say how well that went"},
    {"help", 'h', ARG_NONE, FIELD(help), 0, 0, NULL, NULL, "this text"},
    {"version", 'V', ARG_NONE, FIELD(version), 0, 0, NULL, NULL, "the version"},
};

const size_t option_count = ARRAY_LEN(option_descs);
