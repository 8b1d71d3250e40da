/* The table of options: names, limits, and the text of --help. */
#include "options/options_priv.h"

#define FIELD(f) offsetof(struct options, f)
#define MANY     UINT32_MAX

/* Order is that of the help; a line without a name is a heading there. */
const struct option_desc option_descs[] = {
    {.help = "The server and the load"},
    {"server", 's', ARG_TEXT, FIELD(server), 0, 0, NULL, "ADDR",
     "host:port, [v6]:port or the path of a unix socket (127.0.0.1:11211); several, separated\n"
     "                           by commas, share the keys: each client is connected to all"},
    {"placement", 0, ARG_CUSTOM, 0, 0, 0, option_placement, "P",
     "which of several servers has a key: as libmemcached places it (ketama, ketama-weighted\n"
     "                           with addr=weight, modula), or pymemcache (rendezvous);\n"
     "                           each: all of them, each server is loaded by a process of its "
     "own (ketama)"},
    {"auth", 0, ARG_TEXT, FIELD(login_path), 0, 0, NULL, "FILE",
     "log in as the first user of FILE, which has lines user:password: SASL PLAIN in binary,\n"
     "                           else as memcached's text protocol does it"},
    {"connections", 'c', ARG_COUNT, FIELD(connections), 1, 1000000, NULL, "N",
     "active connections (50)"},
    {"jobs", 0, ARG_COUNT, FIELD(jobs), 1, JOBS_MAX, NULL, "N",
     "processes that make the load together, for a server that is faster than one core can\n"
     "                           ask (1)"},
    {"duration", 'd', ARG_DURATION, FIELD(duration_ns), 1, 0, NULL, "TIME",
     "how long to measure: 10s, 500ms, 2m (10s; 2s for each trial of --find-max)"},
    {"timeout", 0, ARG_DURATION, FIELD(timeout_ns), 1, 0, NULL, "TIME",
     "give up a request that is not answered within TIME, and its connection; it counts with\n"
     "                           that age (when no byte has moved on a connection for 10s)"},
    {"requests", 'n', ARG_COUNT, FIELD(requests), 1, UINT64_MAX, NULL, "N",
     "measure N requests instead of a duration"},
    {"ratio", 'r', ARG_CUSTOM, 0, 0, 0, option_ratio, "G:S", "gets to sets (10:1)"},
    {"mix", 0, ARG_CUSTOM, 0, 0, 0, option_mix, "LIST",
     "all requests by weight, instead of --ratio: get=90,set=9,delete=1; also gat, add,\n"
     "                           replace, cas, append, prepend, touch, incr, decr, noop"},
    {"protocol", 0, ARG_CUSTOM, 0, 0, 0, option_protocol, "P", "text, meta or binary (text)"},
    {"pipeline", 'P', ARG_COUNT, FIELD(pipeline), 1, 65536, NULL, "N",
     "requests in flight on each connection (1; with --rate one, and up to 16 where all have "
     "one)"},
    {"stream", 0, ARG_NONE, FIELD(stream), 0, 0, NULL, NULL,
     "send a request as soon as one is answered, instead of whole batches"},
    {"multiget", 0, ARG_COUNT, FIELD(multiget), 1, 65536, NULL, "N", "keys of each get (1)"},
    {"noreply", 0, ARG_NONE, FIELD(noreply), 0, 0, NULL, NULL,
     "stores and deletes ask for no reply (except the last of a batch)"},
    {"refill", 0, ARG_NONE, FIELD(refill), 0, 0, NULL, NULL, "store a value after each miss"},
    {"ttl", 0, ARG_CUSTOM, 0, 0, 0, option_ttl, "S",
     "time to live of stored values in seconds, up to 30 days; 0: they never expire (0);\n"
     "                           or several with weights, by key: 60:3,300-600:1"},
    {"item-flags", 0, ARG_NONE, FIELD(item_flags), 0, 0, NULL, NULL,
     "store each item with flags of its own, and check them (all have 0, which is checked "
     "too)"},
    {"rate", 0, ARG_COUNT, FIELD(rate), 1, 100000000, NULL, "N",
     "open loop: begin N requests a second, whether or not earlier ones are answered"},
    {"arrivals", 0, ARG_CUSTOM, 0, 0, 0, option_arrivals, "A",
     "how the requests of --rate are spaced: constant, poisson or pareto (poisson)"},
    {"spin", 0, ARG_CUSTOM, 0, 0, 0, option_spin, "TIME",
     "with --rate: for the last TIME before a request is due, ask instead of sleeping, which\n"
     "                           ends late; auto: 100us where lombard-bench has a core of its "
     "own, else 0 (auto)"},
    {"sweep", 0, ARG_CUSTOM, 0, 0, 0, option_sweep, "RATES",
     "measure at 'rates=1k:100k:10': ten rates from 1,000 to 100,000/s, each for the\n"
     "                           duration (2s); the curve is in --html, --svg and the text"},
    {.help = "Keys and values"},
    {"keys", 'k', ARG_COUNT, FIELD(keys), 1, DIST_KEYS_MAX, NULL, "N",
     "number of different keys (1000000)"},
    {"key-size", 0, ARG_CUSTOM, 0, 0, 0, option_key_size, "SIZES", "length of the keys (16)"},
    {"value-size", 0, ARG_CUSTOM, 0, 0, 0, option_value_size, "SIZES",
     "length of the values (32): 100, 100-1000, 100:70,1k-4k:30 or @FILE"},
    {"preset", 0, ARG_CUSTOM, 0, 0, 0, preset_apply, "NAME",
     "mix, keys, values and times to live as published of a cache: meta-etc, twitter:52, ...;\n"
     "                           list shows all, and their sources"},
    {"distribution", 0, ARG_CUSTOM, 0, 0, 0, option_distribution, "D",
     "uniform, zipf[:ALPHA], hotspot[:KEYS:SHARE], sequential (uniform)"},
    {"seed", 0, ARG_COUNT, FIELD(seed), 0, UINT64_MAX, NULL, "N",
     "the same seed draws the same keys (1)"},
    {.help = "Phases"},
    {"fill", 'f', ARG_NONE, FIELD(fill), 0, 0, NULL, NULL,
     "store every key once before measuring"},
    {"warmup", 'w', ARG_CUSTOM, 0, 0, 0, option_warmup, "TIME",
     "first load for TIME without measuring; auto: begin anew while latencies still change, "
     "at\n"
     "                           most for half the duration (auto; 0 with --requests or "
     "hitratio)"},
    {"phase", 0, ARG_CUSTOM, 0, 0, 0, option_phase, "PHASE",
     "'30s:get=90,set=10' or '10s:get=1,rate=20k'; given repeatedly: one phase after the\n"
     "                           other, each reported by itself, and all together"},
    {"until", 0, ARG_CUSTOM, 0, 0, 0, option_until, "GOAL",
     "measure until 'ci<2%': the 95 % intervals of p50, p99 and the rate reach no farther; or\n"
     "                           until 'p99.9 ci<5%'. --duration is the limit then (5m)"},
    {"rounds", 0, ARG_COUNT, FIELD(rounds), 1, OPTIONS_ROUNDS_MAX, NULL, "N",
     "measure N times, each for the duration; report median and spread (1; with\n"
     "                           --compare an even number, so that each order is as frequent)"},
    {"compare", 0, ARG_TEXT, FIELD(compare), 0, 0, NULL, "ADDRS",
     "measure other servers alternately with the first; report ratios (6 rounds). Also:\n"
     "                           floor, a built-in baseline that only counts and sends canned "
     "replies"},
    {"find-max", 0, ARG_CUSTOM, 0, 0, 0, option_find_max, "LIMIT",
     "search the highest rate that keeps a limit of the response time, such as p99<1ms"},
    {.help = "Clients, and a database behind the cache (lombard-bench herd ...: many ask for "
             "one key\n"
             "that expires)"},
    {"think", 0, ARG_CUSTOM, 0, 0, 0, option_think, "TIMES",
     "each connection pauses between its requests: 5ms, 1ms-20ms, exp:5ms or\n"
     "                           lognormal:5ms:0.5 (median, sigma) (no pause)"},
    {"session-requests", 0, ARG_COUNT, FIELD(session_requests), 1, UINT32_MAX, NULL, "N",
     "after N requests a client leaves, and another one connects (they stay)"},
    {"session-gap", 0, ARG_DURATION, FIELD(session_gap_ns), 0, 0, NULL, "TIME",
     "until it does (0)"},
    {"database", 0, ARG_CUSTOM, 0, 0, 0, option_database, "TIMES",
     "what a get misses is fetched from a simulated database, which takes so long, and stored"},
    {"database-slots", 0, ARG_COUNT, FIELD(database_slots), 1, OPTIONS_SLOTS_MAX, NULL, "N",
     "queries that it serves at a time; others wait (any number)"},
    {"leases", 0, ARG_NONE, FIELD(leases), 0, 0, NULL, NULL,
     "meta: the server says which client fills a missing key (win), the others wait; a\n"
     "                           delete only marks as stale"},
    {"lease-wait", 0, ARG_DURATION, FIELD(lease_wait_ns), 1, 0, NULL, "TIME",
     "until a client asks again for a key that another one fills (5ms)"},
    {"recache", 0, ARG_COUNT, FIELD(recache_s), 1, OPTIONS_TTL_MAX_S, NULL, "S",
     "with --leases: one client refreshes a value that expires within S seconds, the others\n"
     "                           use it meanwhile"},
    {.help = "Background clients"},
    {"idle", 0, ARG_COUNT, FIELD(idle), 0, 10000000, NULL, "N",
     "connections that store and read 1 KB each, then stay idle (0)"},
    {"slow-readers", 0, ARG_COUNT, FIELD(slow_readers), 0, 100000, NULL, "N",
     "connections that ask for 64 values of 100 KB and do not read them until the end (0)"},
    {"slow-rate", 0, ARG_COUNT, FIELD(slow_rate), 0, MANY, NULL, "B",
     "bytes a second that each slow reader reads (0)"},
    {"half-commands", 0, ARG_COUNT, FIELD(half_commands), 0, 10000000, NULL, "N",
     "connections that send a partial command, then stay idle (0)"},
    {"churn", 0, ARG_COUNT, FIELD(churn), 0, 1000, NULL, "N",
     "clients that connect, store, read and disconnect, each as fast as it can (0)"},
    {"beside-first", 0, ARG_NONE, FIELD(beside_first), 0, 0, NULL, NULL,
     "all of these at the first server only: --compare it with one that has none"},
    {.help = "Traces and hit ratio (lombard-bench replay ...: at its times; lombard-bench "
             "hitratio ...: get,\n"
             "then set on a miss; see --requests)"},
    {"trace", 0, ARG_TEXT, FIELD(trace_path), 0, 0, NULL, "FILE",
     "the requests of FILE: lines \"key [size [ttl [op [seconds]]]]\"; - is standard input.\n"
     "                           Without hitratio or replay only its keys are used, in order, "
     "for the mix"},
    {"trace-format", 0, ARG_CUSTOM, 0, 0, 0, option_trace_format, "F",
     "text, twitter and meta (their published traces, unpacked), oracle (libCacheSim's\n"
     "                           oracleGeneral), or the cache2k benchmarks' cache2k and "
     "cache2k-long (text)"},
    {"speed", 0, ARG_CUSTOM, 0, 0, 0, option_speed, "FACTOR",
     "replay so many times as fast as it was recorded: 2, 0.5 (1)"},
    {"one-hit", 0, ARG_SHARE, FIELD(one_hit_share), 0, 0, NULL, "SHARE",
     "share of the requests for keys that are requested only once (0)"},
    {"loop-keys", 0, ARG_COUNT, FIELD(loop_keys), 1, DIST_KEYS_MAX / 2, NULL, "N",
     "further keys that are scanned in order, repeatedly"},
    {"loop-share", 0, ARG_SHARE, FIELD(loop_share), 0, 0, NULL, "SHARE",
     "share of the requests that scan (0)"},
    {"shift-every", 0, ARG_COUNT, FIELD(shift_every), 0, UINT64_MAX, NULL, "N",
     "after N requests other keys become popular (0: never)"},
    {"shift-by", 0, ARG_SHARE, FIELD(shift_by), 0, 0, NULL, "SHARE",
     "share of the keys by which popularity moves each time (0.1)"},
    {"simulate", 0, ARG_CUSTOM, 0, 0, 0, option_simulate, "SIZES",
     "no server, but caches simulated in this process, each with so much memory: 16m,64m.\n"
     "                           LRU, SIEVE, S3-FIFO, GDSF, Lombard's policy, and the optimum"},
    {"item-overhead", 0, ARG_COUNT, FIELD(item_overhead), 0, 1000, NULL, "N",
     "bytes that a simulated item takes besides key and value (24)"},
    {.help = "Reports"},
    {"json", 'j', ARG_TEXT, FIELD(json_path), 0, 0, NULL, "FILE",
     "write the results as JSON; - is standard output"},
    {"csv", 0, ARG_TEXT, FIELD(csv_path), 0, 0, NULL, "FILE",
     "append a line for each round and server; - is standard output"},
    {"html", 0, ARG_TEXT, FIELD(html_path), 0, 0, NULL, "FILE",
     "write one page with figures and pictures, which needs nothing else"},
    {"svg", 0, ARG_TEXT, FIELD(svg_path), 0, 0, NULL, "DIR",
     "write the pictures into DIR, which is made if need be"},
    {"series", 0, ARG_TEXT, FIELD(series_path), 0, 0, NULL, "FILE",
     "write what happened in each second as CSV; - is standard output"},
    {"hgrm", 0, ARG_TEXT, FIELD(hgrm_path), 0, 0, NULL, "FILE",
     "write percentiles as HdrHistogram's plotter reads them (.hgrm)"},
    {"hdr-log", 0, ARG_TEXT, FIELD(hdr_path), 0, 0, NULL, "FILE",
     "write each second's latencies as an HdrHistogram log (V2)"},
    {"server-pid", 0, ARG_COUNT, FIELD(server_pid), 1, INT32_MAX, NULL, "PID",
     "process whose CPU and memory to report (found if the server runs on this machine)"},
    {"quiet", 'q', ARG_NONE, FIELD(quiet), 0, 0, NULL, NULL, "no progress, no table"},
    {"progress", 0, ARG_NONE, FIELD(progress), 0, 0, NULL, NULL,
     "show the progress line even if standard error is no terminal"},
    {"histogram", 0, ARG_NONE, FIELD(histogram), 0, 0, NULL, NULL,
     "also print latencies as bars, and in\n"
     "                           JSON every bucket, so that several runs can be added up"},
    {"kernel-timestamps", 0, ARG_NONE, FIELD(kernel_stamps), 0, 0, NULL, NULL,
     "also report how long replies lay in this machine's sockets until they were read (TCP)"},
    {"stats", 0, ARG_NONE, FIELD(stats), 0, 0, NULL, NULL,
     "also report how the server's own counters changed while it was measured"},
    {"strict", 0, ARG_NONE, FIELD(strict), 0, 0, NULL, NULL,
     "any error makes the result not valid, errors of --fill included"},
    {"self-test", 0, ARG_NONE, FIELD(self_test), 0, 0, NULL, NULL,
     "measure a built-in server with known faults, stalls and capacity, and check what is "
     "reported; one part\n"
     "                           only: --self-test faults, stalls or rates"},
    {.help = "Names that memtier and redis-benchmark use"},
    {"port", 'p', ARG_TEXT, FIELD(port), 0, 0, NULL, "N",
     "the server's port, as in -s HOST -p N"},
    {"unix-socket", 'S', ARG_TEXT, FIELD(server), 0, 0, NULL, "PATH", "--server PATH"},
    {"clients", 0, ARG_COUNT, FIELD(connections), 1, 1000000, NULL, "N", "--connections N"},
    {"test-time", 0, ARG_CUSTOM, 0, 0, 0, option_seconds, "SECONDS", "--duration SECONDS"},
    {"data-size", 0, ARG_CUSTOM, 0, 0, 0, option_value_size, "SIZES", "--value-size SIZES"},
    {"key-maximum", 0, ARG_COUNT, FIELD(keys), 1, DIST_KEYS_MAX, NULL, "N", "--keys N"},
    {"threads", 0, ARG_COUNT, FIELD(jobs), 1, JOBS_MAX, NULL, "N", "--jobs N"},
    {"data-size-range", 0, ARG_CUSTOM, 0, 0, 0, option_value_size, "SIZES",
     "--value-size SIZES"},
    {"data-size-list", 0, ARG_CUSTOM, 0, 0, 0, option_value_size, "SIZES",
     "--value-size SIZES"},
    {"expiry-range", 0, ARG_CUSTOM, 0, 0, 0, option_ttl, "S", "--ttl S"},
    {"multi-key-get", 0, ARG_COUNT, FIELD(multiget), 1, 65536, NULL, "N", "--multiget N"},
    {"reconnect-interval", 0, ARG_COUNT, FIELD(session_requests), 1, UINT32_MAX, NULL, "N",
     "--session-requests N"},
    {"run-count", 0, ARG_COUNT, FIELD(rounds), 1, OPTIONS_ROUNDS_MAX, NULL, "N", "--rounds N"},
    {"json-out-file", 0, ARG_TEXT, FIELD(json_path), 0, 0, NULL, "FILE", "--json FILE"},
    {.help = "About lombard-bench"},
    {"help", 'h', ARG_NONE, FIELD(help), 0, 0, NULL, NULL,
     "this text; followed by a word, the topics with that word"},
    {"version", 'V', ARG_NONE, FIELD(version), 0, 0, NULL, NULL, "the version"},
};

const size_t option_count = ARRAY_LEN(option_descs);
