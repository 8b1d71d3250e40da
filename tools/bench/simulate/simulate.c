/* Reads accesses, plays them to every simulated cache, and reports what was hit. */
#include "simulate/simulate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/stop.h"
#include "load/workload.h"

static const struct sim_policy *const policies[] = {&sim_lru,  &sim_sieve, &sim_s3fifo,
                                                    &sim_gdsf, &sim_own,   NULL};

/* --- The accesses --- */

/* Room for one more. */
static bool
reserve(struct sim_trace *trace, size_t *size)
{
    size_t more = *size == 0 ? 4096 : 2 * *size;
    struct sim_access *accesses;

    if (trace->count < *size)
        return true;
    accesses = realloc(trace->accesses, more * sizeof(*accesses));
    if (accesses == NULL)
        return false;
    trace->accesses = accesses;
    *size = more;
    return true;
}

static const char *
load_all(struct sim_trace *trace, const struct options *o, struct workload *w)
{
    uint64_t salt = rng_mix(o->seed); /* as load.c has it */
    size_t size = 0;
    struct access a;

    while (trace->count < o->requests && workload_next(w, &a)) {
        uint64_t value = a.value_bytes;

        if (!reserve(trace, &size))
            return "out of memory for its accesses";
        if (value == SIZE_OF_KEY)
            value = sizes_pick(&o->value_size, rng_mix(a.key ^ salt));
        if (value > OPTIONS_VALUE_MAX_BYTES)
            return "a value is too large";
        trace->accesses[trace->count++] =
            (struct sim_access){a.key, (uint32_t)value + trace->fixed, a.kind};
        if ((trace->count & 0xffff) == 0 && stop_signal() != 0)
            return "interrupted";
    }
    if (w->error != NULL)
        return w->error;
    if (w->ids_needed > UINT32_MAX)
        return "too many keys";
    trace->keys = (uint32_t)w->ids_needed;
    return trace->count > 0 ? NULL : "it is empty";
}

const char *
sim_trace_load(struct sim_trace *trace, const struct options *o)
{
    static char words[TRACE_WORDS_BYTES];
    struct workload w;
    const char *why;

    memset(trace, 0, sizeof(*trace));
    if (!workload_init(&w, o))
        return strerror(errno);
    trace->fixed = (uint32_t)(sizes_mean(&o->key_size) + (double)o->item_overhead);
    why = load_all(trace, o, &w);
    if (why != NULL) {
        (void)snprintf(words, sizeof(words), "%s", why);
        why = words;
        sim_trace_free(trace);
    }
    workload_fini(&w);
    return why;
}

void
sim_trace_free(struct sim_trace *trace)
{
    free(trace->accesses);
    memset(trace, 0, sizeof(*trace));
}

/* --- Playing them --- */

static void
play(const struct sim_trace *trace, struct simcache *cache, struct sim_result *r)
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct sim_access *a = trace->accesses + i;
        bool late = i >= trace->count / 2, hit;
        uint32_t bytes = a->bytes;

        hit = simcache_access(cache, a, &bytes);
        if (a->kind != QUERY_GET)
            continue;
        r->gets++;
        r->bytes += bytes - trace->fixed;
        r->late_gets += late;
        if (!hit)
            continue;
        r->hits++;
        r->hit_bytes += bytes - trace->fixed;
        r->late_hits += late;
    }
}

static bool
find_optimum(const struct sim_trace *trace, uint64_t memory, struct sim_result *out)
{
    struct optimum optimum;

    if (!optimum_find(trace, memory, &optimum))
        return false;
    for (size_t i = 0; i < trace->count; i++) {
        if (trace->accesses[i].kind != QUERY_GET)
            continue;
        out->gets++;
        out->bytes += trace->accesses[i].bytes - trace->fixed;
    }
    out->hits = optimum.hits;
    out->hit_bytes = optimum.hit_bytes < out->bytes ? optimum.hit_bytes : out->bytes;
    out->bound = !optimum.exact;
    out->name = optimum.exact ? "optimum" : "optimum, at most";
    return true;
}

bool
simulate_one(const struct sim_trace *trace, const struct sim_policy *policy, uint64_t memory,
             struct sim_result *out)
{
    struct simcache cache;

    memset(out, 0, sizeof(*out));
    out->memory = memory;
    if (policy == NULL)
        return find_optimum(trace, memory, out);
    out->name = policy->name;
    if (!simcache_create(&cache, policy, memory, trace->keys))
        return false;
    play(trace, &cache, out);
    simcache_destroy(&cache);
    return true;
}

/* --- Reports --- */

static double
percent(uint64_t part, uint64_t all)
{
    return all == 0 ? 0 : 100.0 * (double)part / (double)all;
}

static void
print_row(const struct sim_result *r)
{
    char late[16] = "";

    if (r->late_gets > 0)
        (void)snprintf(late, sizeof(late), "%.2f", percent(r->late_hits, r->late_gets));
    (void)printf("%14" PRIu64 "  %-16s  %9.2f  %9.2f  %11s\n", r->memory, r->name,
                 percent(r->hits, r->gets), percent(r->hit_bytes, r->bytes), late);
    (void)fflush(stdout);
}

static void
write_json(FILE *f, const struct sim_result *r, bool first)
{
    if (f == NULL)
        return;
    (void)fprintf(
        f,
        "%s\n  {\"memory\": %" PRIu64 ", \"policy\": \"%s\", \"bound\": %s, \"gets\": %" PRIu64
        ", \"hits\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"hit_bytes\": %" PRIu64
        ", \"hit_percent\": %.4f, \"byte_percent\": %.4f",
        first ? "[" : ",", r->memory, r->name, r->bound ? "true" : "false", r->gets, r->hits,
        r->bytes, r->hit_bytes, percent(r->hits, r->gets), percent(r->hit_bytes, r->bytes));
    if (r->late_gets > 0)
        (void)fprintf(f, ", \"second_half_percent\": %.4f",
                      percent(r->late_hits, r->late_gets));
    (void)fputs("}", f);
}

static const char *
simulate_all(const struct options *o, const struct sim_trace *trace, FILE *json)
{
    struct sim_result result;

    for (unsigned m = 0; m < o->simulate_count; m++) {
        for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
            if (stop_signal() != 0)
                return "interrupted";
            if (!simulate_one(trace, policies[i], o->simulate[m], &result))
                return "out of memory";
            if (!o->quiet)
                print_row(&result);
            write_json(json, &result, m == 0 && i == 0);
        }
    }
    return NULL;
}

bool
simulate_run(const struct options *o)
{
    bool to_stdout = o->json_path != NULL && strcmp(o->json_path, "-") == 0;
    FILE *json = to_stdout ? stdout : NULL;
    struct sim_trace trace;
    const char *why = sim_trace_load(&trace, o);

    if (why != NULL) {
        (void)fprintf(stderr, "lombard-bench: %s %s: %s\n",
                      o->trace_path != NULL ? "trace" : "load",
                      o->trace_path != NULL ? o->trace_path : "simulated", why);
        return false;
    }
    if (o->json_path != NULL && !to_stdout && (json = fopen(o->json_path, "w")) == NULL) {
        why = strerror(errno);
    } else {
        if (!o->quiet)
            (void)printf(
                "%zu accesses, %" PRIu32 " keys, %" PRIu32 " bytes an item besides its value\n"
                "        memory  policy            objects, %%   bytes, %%  second half\n",
                trace.count, trace.keys, trace.fixed);
        why = simulate_all(o, &trace, json);
    }
    if (json != NULL && fputs("\n]\n", json) == EOF)
        why = "the report cannot be written";
    if (json != NULL && !to_stdout && fclose(json) != 0)
        why = "the report cannot be written";
    sim_trace_free(&trace);
    if (why != NULL)
        (void)fprintf(stderr, "lombard-bench: --simulate: %s\n", why);
    return why == NULL;
}
