/* Reads a trace into memory, and says when each of its requests is due. */
#include "data/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/stop.h"

#define SECOND_NS UINT64_C(1000000000)

/* What is known while a trace is read. */
struct reading {
    struct replay *replay;
    const struct replay_config *config;
    uint64_t first_ns; /* the time of the first access */
    uint64_t last_ns;  /* of the latest so far, since then */
    uint64_t group;    /* the first step of those with the same time */
    bool whole_seconds;
    bool has_times; /* any two differ */
};

static bool
reserve_steps(struct replay *r)
{
    uint64_t more = r->size == 0 ? 4096 : 2 * r->size;
    struct replay_step *steps;

    if (r->count < r->size)
        return true;
    steps = realloc(r->steps, more * sizeof(*steps));
    if (steps == NULL)
        return false;
    r->steps = steps;
    r->size = more;
    return true;
}

static bool
reserve_ids(struct replay *r, uint32_t id)
{
    uint64_t more = r->id_room == 0 ? 4096 : 2 * r->id_room;
    uint32_t *bytes;
    uint8_t *key_bytes;

    if (id < r->id_room)
        return true;
    bytes = realloc(r->bytes, more * sizeof(*bytes));
    if (bytes == NULL)
        return false;
    r->bytes = bytes;
    key_bytes = realloc(r->key_bytes, more);
    if (key_bytes == NULL)
        return false;
    r->key_bytes = key_bytes;
    r->id_room = more;
    return true;
}

/* A time of the trace, since its begin, as time of the replay. */
static uint64_t
scale(const struct reading *in, uint64_t ns)
{
    return (uint64_t)((double)ns / in->config->speed);
}

/* The steps from the group's first on are all that have its time: spread them. */
static void
end_group(struct reading *in)
{
    struct replay *r = in->replay;
    uint64_t n = r->count - in->group;
    uint64_t width = in->whole_seconds ? scale(in, SECOND_NS) : 0;

    for (uint64_t i = 0; i < n; i++)
        r->steps[in->group + i].due_ns += (uint64_t)((double)width * (double)i / (double)n);
    in->group = r->count;
}

/* How long the name of a key is here that was so long there. */
static uint8_t
name_bytes(uint8_t bytes)
{
    if (bytes == 0)
        return REPLAY_KEY_DEFAULT;
    return bytes < REPLAY_KEY_MIN ? REPLAY_KEY_MIN
           : bytes > KEY_TEXT_MAX ? KEY_TEXT_MAX
                                  : bytes;
}

static void
note_size(struct replay *r, const struct access *a)
{
    bool is_new = a->key >= r->keys;

    if (is_new) {
        r->keys = (uint64_t)a->key + 1;
        r->bytes[a->key] = SIZE_OF_KEY;
        r->key_bytes[a->key] = name_bytes(a->key_bytes);
    }
    if (r->bytes[a->key] == SIZE_OF_KEY && a->value_bytes != SIZE_OF_KEY && a->value_bytes > 0)
        r->bytes[a->key] = a->value_bytes;
}

/* False when memory is short. */
static bool
add(struct reading *in, const struct access *a)
{
    struct replay *r = in->replay;
    const struct replay_config *config = in->config;
    uint64_t at = a->at_ns > in->first_ns ? a->at_ns - in->first_ns : 0;

    if (!reserve_steps(r) || !reserve_ids(r, a->key))
        return false;
    if (a->at_ns < in->first_ns + in->last_ns) {
        r->backwards++;
        at = in->last_ns;
    }
    if (at > in->last_ns) {
        in->has_times = true;
        end_group(in);
    }
    in->last_ns = at;
    note_size(r, a);
    r->kinds[a->kind]++;
    r->steps[r->count++] = (struct replay_step){
        .due_ns = scale(in, at),
        .key = a->key,
        .value_bytes = a->value_bytes,
        .ttl_s = a->ttl_s < config->ttl_max_s ? a->ttl_s : config->ttl_max_s,
        .kind = (uint8_t)a->kind};
    return true;
}

/* Whether A is beyond what is to be replayed. */
static bool
is_beyond(const struct reading *in, const struct access *a)
{
    const struct replay_config *c = in->config;

    if (c->requests_max > 0 && in->replay->count >= c->requests_max)
        return true;
    return c->duration_ns > 0 && !c->timeless && in->replay->count > 0 &&
           a->at_ns > in->first_ns && scale(in, a->at_ns - in->first_ns) >= c->duration_ns;
}

static enum trace_result
read_all(struct reading *in, struct trace *trace)
{
    enum trace_result result = TRACE_ACCESS;
    struct access a;

    while (stop_signal() == 0) {
        result = trace_next(trace, &a);
        if (result != TRACE_ACCESS)
            break;
        if (in->replay->count == 0)
            in->first_ns = a.at_ns;
        if (is_beyond(in, &a)) {
            result = TRACE_END;
            break;
        }
        if (!add(in, &a)) {
            result = TRACE_NO_MEMORY;
            break;
        }
    }
    end_group(in);
    return result;
}

static void
find_busiest(struct replay *r)
{
    for (uint64_t i = 0, from = 0; i < r->count; i++) {
        while (r->steps[i].due_ns - r->steps[from].due_ns >= SECOND_NS)
            from++;
        if (i - from + 1 > r->busiest)
            r->busiest = i - from + 1;
    }
}

const char *
replay_load(struct replay *r, const struct replay_config *config)
{
    struct reading in = {.replay = r,
                         .config = config,
                         .whole_seconds = trace_has_whole_seconds(config->format)};
    static char words[TRACE_WORDS_BYTES];
    enum trace_result result;
    const char *why = NULL;
    struct trace trace;

    memset(r, 0, sizeof(*r));
    if (!trace_open(&trace, config->path, config->format))
        return strerror(errno);
    result = read_all(&in, &trace);
    if (stop_signal() != 0) {
        why = "interrupted";
    } else if (result != TRACE_END) {
        trace_describe(&trace, result, words);
        why = words;
    } else if (r->count == 0) {
        why = "it is empty";
    } else if (!in.has_times && !config->timeless &&
               (!in.whole_seconds ||
                (config->format == TRACE_META && trace.columns[TRACE_COLUMN_TIME] == 0))) {
        why = r->backwards > 0
                  ? "its times go back: it is to be sorted by time, or give a --rate"
                  : "its requests have no times: give a --rate";
    }
    trace_close(&trace);
    r->span_ns = scale(&in, in.last_ns + (in.whole_seconds ? SECOND_NS : 0));
    if (why != NULL)
        replay_free(r);
    else
        find_busiest(r);
    return why;
}

void
replay_free(struct replay *r)
{
    free(r->steps);
    free(r->bytes);
    free(r->key_bytes);
    memset(r, 0, sizeof(*r));
}
