#include "bench.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SPARE_FILES = 64 };

struct bench *
bench_create(const struct options *options, const struct net_addr *addrs, unsigned count)
{
    struct bench *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return NULL;
    b->options = options;
    b->target_count = count;
    b->by_turns =
        count > 1 && options->connections * count + SPARE_FILES > net_raise_file_limit();
    for (unsigned i = 0; i < count; i++) {
        struct target *t = &b->targets[i];

        t->addr = addrs[i];
        t->options = *options;
        if (i > 0 && options->beside_first)
            options_without_roles(&t->options);
        if (t->addr.len == 0)
            floor_adapt(&t->options);
        tally_reset(&t->total);
    }
    return b;
}

static bool
say(const struct target *t, enum session_result result)
{
    int error = errno;

    if (result == SESSION_OK)
        return true;
    (void)fprintf(stderr, "lombard-bench: %s: %s%s%s\n", t->addr.text,
                  session_result_name(result), result == SESSION_CANNOT_CONNECT ? ": " : "",
                  result == SESSION_CANNOT_CONNECT ? strerror(error) : "");
    return false;
}

/* Look at the server's process, as long as it can be seen. */
static void
look(struct target *t, struct server_sample *out)
{
    if (t->pid != 0 && !server_look(t->pid, out))
        t->pid = 0;
}

static void
look_closely(struct target *t, struct server_sample *out)
{
    if (t->pid != 0 && !server_look_closely(t->pid, out))
        t->pid = 0;
}

/* Know the server's process; the floor's is started first. */
static bool
find_server(const struct bench *b, struct target *t)
{
    const struct options *o = &t->options;

    if (t->addr.len > 0) {
        t->pid = t == &b->targets[0] && o->server_pid != 0 ? (pid_t)o->server_pid
                                                           : server_find(&t->addr);
        return true;
    }
    if (!floor_start(&t->floor, o, b->targets[0].pid)) {
        (void)fprintf(stderr, "lombard-bench: the floor could not be started\n");
        return false;
    }
    t->addr = t->floor.addr;
    t->pid = t->floor.pid;
    return true;
}

static bool
open_target(const struct bench *b, struct target *t)
{
    const struct options *o = &t->options;
    enum session_result result;

    if (!find_server(b, t))
        return false;
    look(t, &t->before_open);
    t->session = calloc(1, sizeof(*t->session));
    if (t->session == NULL)
        return say(t, SESSION_NO_MEMORY);
    result = session_open(t->session, o, &t->addr);
    if (!say(t, result))
        return false;
    look(t, &t->after_open);
    return true;
}

/* What happened before the measurement is forgotten, but for wrong data. */
static bool
prepare(struct target *t)
{
    const struct options *o = &t->options;
    struct tally *tally = &t->session->load.tally;

    if (o->fill) {
        if (!say(t, session_fill(t->session)))
            return false;
        t->wrong |= tally_is_wrong(tally);
        if (tally->errors > 0 && !o->quiet)
            (void)fprintf(stderr, "lombard-bench: %s: %llu errors while filling: %s\n",
                          t->addr.text, (unsigned long long)tally->errors,
                          tally->error_kinds[0].text);
    }
    if (o->warmup_ns > 0) {
        if (!say(t, session_run(t->session, o->warmup_ns, 0)))
            return false;
        t->wrong |= tally_is_wrong(tally);
    }
    return true;
}

/* Bring on the clients that are there beside the load. */
static bool
start_roles(struct target *t)
{
    look_closely(t, &t->before_roles);
    if (!roles_start(&t->roles, &t->options, &t->addr)) {
        (void)fprintf(stderr,
                      "lombard-bench: %s: the clients beside the load could not be started\n",
                      t->addr.text);
        return false;
    }
    look_closely(t, &t->after_roles);
    return true;
}

/* Search the rate, if asked to: the measurement that follows is then made at it. */
static bool
find_max(struct target *t)
{
    const struct options *o = &t->options;
    bool say_trials = !o->quiet && o->json_path == NULL && o->csv_path == NULL;

    if (o->find_max_ns == 0)
        return true;
    return say(t, findmax_search(t->session, o, say_trials, &t->findmax));
}

static void
stop_roles(struct target *t)
{
    const struct timespec a_moment = {.tv_nsec = 500000000};

    if (t->roles.count == 0)
        return;
    roles_stop(&t->roles);
    (void)nanosleep(&a_moment, NULL); /* for the server to notice */
    look_closely(t, &t->without_roles);
    for (int i = 0; i < ROLE_KIND_COUNT; i++)
        t->wrong |= t->roles.final[i].mismatches > 0;
}

void
bench_destroy(struct bench *b)
{
    if (b == NULL)
        return;
    for (unsigned i = 0; i < b->target_count; i++) {
        if (b->targets[i].session != NULL)
            session_close(b->targets[i].session);
        free(b->targets[i].session);
        stop_roles(&b->targets[i]);
        floor_stop(&b->targets[i].floor);
    }
    free(b);
}

static void
note_round(struct target *t, const struct tally *tally, uint64_t server_cpu_ns)
{
    struct round *r = &t->rounds[t->rounds_done++];
    double requests = (double)tally->requests;
    struct hist all;

    if (t->options.rate > 0 || t->options.find_max_ns > 0)
        all = tally->response;
    else
        tally_service(tally, &all);
    r->per_s = requests / tally_seconds(tally);
    r->server_us = t->pid != 0 ? (double)server_cpu_ns / 1e3 / requests : NAN;
    r->client_us = (double)tally->cpu_ns / 1e3 / requests;
    r->mean_us = hist_mean(&all) / 1e3;
    r->p50_us = (double)hist_quantile(&all, 0.5) / 1e3;
    r->p99_us = (double)hist_quantile(&all, 0.99) / 1e3;
    r->p999_us = (double)hist_quantile(&all, 0.999) / 1e3;
    r->hit_percent = tally->hits + tally->misses > 0 ? tally_hit_percent(tally) : NAN;
    t->server_cpu_ns += server_cpu_ns;
    tally_merge(&t->total, tally);
}

static bool
measure(const struct bench *b, struct target *t)
{
    const struct options *o = &t->options;
    struct server_sample start = {0};
    enum session_result result = SESSION_OK;

    if (b->by_turns)
        result = session_connect(t->session);
    if (result == SESSION_OK && b->by_turns && o->warmup_ns > 0)
        result = session_run(t->session, o->warmup_ns, 0);
    if (!say(t, result))
        return false;
    look(t, &start);
    result = session_run(t->session, o->duration_ns, o->requests);
    look(t, &t->end);
    if (t->session->load.workload.error != NULL) {
        (void)fprintf(stderr, "lombard-bench: %s\n", t->session->load.workload.error);
        t->wrong = true;
    }
    note_round(t, &t->session->load.tally, t->end.cpu_ns - start.cpu_ns);
    if (b->by_turns)
        session_disconnect(t->session);
    return say(t, result);
}

static void
fetch_counters(struct bench *b, bool before)
{
    for (unsigned i = 0; b->options->stats && i < b->target_count; i++) {
        struct target *t = &b->targets[i];

        if (t->floor.pid != 0)
            continue;
        if (!counters_fetch(&t->addr, before ? &t->counters_before : &t->counters))
            (void)fprintf(stderr, "lombard-bench: %s does not answer stats\n", t->addr.text);
        else if (!before)
            counters_subtract(&t->counters, &t->counters_before);
    }
}

bool
bench_run(struct bench *b)
{
    for (unsigned i = 0; i < b->target_count; i++) {
        struct target *t = &b->targets[i];

        if (!open_target(b, t) || !prepare(t) || !start_roles(t) || !find_max(t))
            return false;
        if (b->by_turns)
            session_disconnect(t->session);
    }
    fetch_counters(b, true);
    for (uint64_t round = 0; round < b->options->rounds; round++) {
        for (unsigned i = 0; i < b->target_count; i++) {
            /* The order alternates. */
            if (!measure(b, &b->targets[(i + round) % b->target_count]))
                return false;
        }
    }
    fetch_counters(b, false);
    for (unsigned i = 0; i < b->target_count; i++)
        stop_roles(&b->targets[i]);
    return true;
}
