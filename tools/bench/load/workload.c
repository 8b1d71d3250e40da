/* Produces the accesses of a cache's client: from a trace, or mixed from three streams. */
#include "load/workload.h"

#include <string.h>

static uint64_t
share_to_cut(double share)
{
    return share >= 1 ? UINT64_MAX : (uint64_t)(share * 0x1p64);
}

bool
workload_init(struct workload *w, const struct options *options)
{
    memset(w, 0, sizeof(*w));
    w->options = options;
    if (options->trace_path != NULL)
        return trace_open(&w->trace, options->trace_path, options->trace_format);
    dist_init(&w->dist, &options->dist, options->keys);
    dist_seed(&w->dist, options->seed);
    rng_init(&w->rng, options->seed);
    w->loop_cut = share_to_cut(options->loop_share);
    w->one_hit_cut = share_to_cut(options->loop_share + options->one_hit_share);
    w->next_one_hit = options->keys + options->loop_keys;
    return true;
}

void
workload_fini(struct workload *w)
{
    trace_close(&w->trace);
}

/* For a hit ratio what stores is a set, and what needs an item a get. */
static void
simplify(struct access *a)
{
    switch (a->kind) {
    case QUERY_GET:
    case QUERY_SET:
    case QUERY_DELETE: return;
    case QUERY_ADD:
    case QUERY_REPLACE:
    case QUERY_CAS:
    case QUERY_APPEND:
    case QUERY_PREPEND: a->kind = QUERY_SET; return;
    case QUERY_GAT:
    case QUERY_TOUCH:
    case QUERY_INCR:
    case QUERY_DECR:
    case QUERY_NOOP: a->kind = QUERY_GET; return;
    }
}

static bool
next_traced(struct workload *w, struct access *out)
{
    enum trace_result result = trace_next(&w->trace, out);

    switch (result) {
    case TRACE_ACCESS: simplify(out); return true;
    case TRACE_END: return false;
    case TRACE_MALFORMED:
    case TRACE_UNREADABLE:
    case TRACE_NO_MEMORY:
        trace_describe(&w->trace, result, w->words);
        w->error = w->words;
        return false;
    }
    BUG("trace_result out of range");
}

/* Every `shift_every` requests other keys become popular. */
static void
shift_popularity(struct workload *w)
{
    const struct options *o = w->options;

    if (o->shift_every == 0 || w->count == 0 || w->count % o->shift_every != 0)
        return;
    w->dist.shift = (w->dist.shift + (uint64_t)((double)o->keys * o->shift_by)) % o->keys;
}

static void
make_up(struct workload *w, struct access *out)
{
    const struct options *o = w->options;
    uint64_t word = rng_next(&w->rng);

    shift_popularity(w);
    *out = (struct access){.kind = QUERY_GET, .value_bytes = SIZE_OF_KEY};
    if (word < w->loop_cut) {
        out->key = (uint32_t)(o->keys + w->next_loop);
        w->next_loop = w->next_loop + 1 < o->loop_keys ? w->next_loop + 1 : 0;
    } else if (word < w->one_hit_cut) {
        out->key = (uint32_t)w->next_one_hit++;
    } else {
        out->key = (uint32_t)dist_next(&w->dist, &w->rng);
    }
}

bool
workload_next(struct workload *w, struct access *out)
{
    if (w->options->trace_path == NULL)
        make_up(w, out);
    else if (w->ended || !next_traced(w, out)) {
        w->ended = true;
        return false;
    }
    if (out->ttl_s > OPTIONS_TTL_MAX_S) /* it would be taken for a date */
        out->ttl_s = OPTIONS_TTL_MAX_S;
    w->count++;
    if (out->key >= w->ids_needed)
        w->ids_needed = (uint64_t)out->key + 1;
    return true;
}
