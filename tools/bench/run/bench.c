/* Runs a whole benchmark, from connecting to the last round. */
#include "run/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/cores.h"
#include "host/stop.h"
#include "lombard/base/sys.h"
#include "run/round.h"

enum { SPARE_FILES = 64 };

/* Whether another server has the address of number I: then each writes what the other reads. */
static bool
is_shared(const struct net_addr *addrs, unsigned count, unsigned i)
{
    for (unsigned k = 0; k < count; k++) {
        if (k != i && addrs[i].len > 0 && addrs[k].len == addrs[i].len &&
            memcmp(&addrs[k].addr, &addrs[i].addr, addrs[i].len) == 0)
            return true;
    }
    return false;
}

struct bench *
bench_create(const struct options *options, const struct net_addr *addrs, unsigned count)
{
    struct bench *b = calloc(1, sizeof(*b) + count * sizeof(b->targets[0]));

    if (b == NULL)
        return NULL;
    b->options = options;
    b->target_count = count;
    b->by_turns =
        count > 1 && options->connections * count + SPARE_FILES > net_raise_file_limit();
    for (unsigned i = 0; i < count; i++) {
        struct target *t = &b->targets[i];

        t->addr = addrs[i];
        t->result = DRIVER_OK;
        tally_reset(&t->fill);
        jobs_divide(options, 0, &t->options);
        t->options.shared |= is_shared(addrs, count, i);
        if (i > 0 && options->beside_first)
            options_without_roles(&t->options);
        if (t->addr.len == 0)
            floor_adapt(&t->options);
        tally_reset(&t->total);
    }
    return b;
}

/* Whether it went well; if not, a message says so and the result is kept. */
static bool
note_result(struct target *t, enum driver_result result)
{
    const char *name = driver_result_name(result);
    int error = errno;
    const struct driver *d = t->driver;
    const char *server =
        d != NULL && d->unreachable != NULL ? d->unreachable->text : t->addr.text;

    if (result == DRIVER_OK)
        return true;
    t->result = result;
    if (result == DRIVER_CANNOT_CONNECT && error == EACCES && t->options.login.bytes > 0)
        (void)fprintf(stderr, "lombard-bench: %s: it refuses the user or the password of %s\n",
                      server, t->options.login_path);
    else if (result == DRIVER_CANNOT_CONNECT)
        (void)fprintf(stderr, "lombard-bench: %s: %s: %s\n", server, name, strerror(error));
    else if (result == DRIVER_NO_TRACE)
        (void)fprintf(stderr, "lombard-bench: %s %s: %s\n", name, t->options.trace_path,
                      strerror(error));
    else
        (void)fprintf(stderr, "lombard-bench: %s: %s\n", t->addr.text, name);
    return false;
}

/* Read CPU and memory of the server's process, as long as it can be read. */
static void
look(struct target *t, struct process_sample *out)
{
    if (t->pid != 0 && !process_look(t->pid, out))
        t->pid = 0;
}

static void
look_closely(struct target *t, struct process_sample *out)
{
    if (t->pid != 0 && !process_look_closely(t->pid, out))
        t->pid = 0;
}

/* Find the server's process; the floor is started first. */
static bool
find_server(const struct bench *b, struct target *t)
{
    const struct options *o = &t->options;

    if (b->options->servers != NULL)
        return true; /* they are several processes */
    if (t->addr.len > 0) {
        t->pid = t == &b->targets[0] && o->server_pid != 0 ? (pid_t)o->server_pid
                                                           : process_find(&t->addr);
        return true;
    }
    if (!floor_start(&t->floor, o, b->targets[0].pid)) {
        (void)fprintf(stderr,
                      "lombard-bench: the baseline server (floor) could not be started\n");
        return false;
    }
    t->addr = t->floor.addr;
    t->pid = t->floor.pid;
    return true;
}

/* Spinning pays where nobody else needs the processor: where there is one for each of the jobs, and
 * another one for a server on this machine, and for clients in the background. Where there is only one,
 * a closed loop interrupts no server, as little as a client on another machine would: else the server has to
 * stop for each few replies that it has sent. */
static void
share_cores(struct target *t)
{
    struct options *o = &t->options;
    unsigned cores = cores_of(t->pid);
    bool here = t->pid != 0 || net_leads_home(&t->addr);
    bool others = o->idle + o->slow_readers + o->half_commands + o->churn > 0;

    if (o->spin_ns == OPTIONS_SPIN_AUTO)
        o->spin_ns = cores >= o->jobs + here + others ? OPTIONS_SPIN_NS : 0;
    if (cores == 1 && here && !options_is_open(o))
        cores_give_way();
}

static bool
open_target(const struct bench *b, struct target *t)
{
    const struct options *o = &t->options;
    enum driver_result result;

    if (!find_server(b, t))
        return false;
    share_cores(t);
    look(t, &t->before_open);
    t->driver = calloc(1, sizeof(*t->driver));
    if (t->driver == NULL)
        return note_result(t, DRIVER_NO_MEMORY);
    result = driver_open(t->driver, o, &t->addr);
    if (!note_result(t, result))
        return false;
    look(t, &t->after_open);
    return true;
}

/* Store every key, and print how many could not be stored. */
static bool
fill_target(struct target *t)
{
    struct tally *tally = &t->driver->load.tally;
    const struct fill_plan *f = &t->driver->load.fill;
    enum driver_result result = driver_fill(t->driver);

    t->fill = *tally;
    t->fill_missing = fill_missing(f);
    t->fill_again = f->again;
    t->wrong |= tally_is_wrong(tally);
    if (t->fill_missing > 0 && result != DRIVER_INTERRUPTED)
        (void)fprintf(
            stderr,
            "lombard-bench: %s: %llu of %llu keys could not be stored: %llu errors%s%s, "
            "%llu lost connections\n",
            t->addr.text, (unsigned long long)t->fill_missing, (unsigned long long)f->count,
            (unsigned long long)tally->errors, tally->errors > 0 ? " such as " : "",
            tally->error_kinds[0].text, (unsigned long long)tally->lost_connections);
    return note_result(t, result);
}

/* Of what happens before the measurement only wrong data and a failed fill are kept. */
static bool
prepare(struct target *t)
{
    const struct options *o = &t->options;

    if (o->fill && !fill_target(t))
        return false;
    if (o->warmup_ns > 0) {
        if (!note_result(t, driver_warm_up(t->driver, o->warmup_ns)))
            return false;
        t->wrong |= tally_is_wrong(&t->driver->load.tally);
    }
    return true;
}

/* Start the background clients. */
static bool
start_roles(struct target *t)
{
    look_closely(t, &t->before_roles);
    if (!roles_start(&t->roles, &t->options, &t->addr)) {
        (void)fprintf(stderr,
                      "lombard-bench: %s: the background clients could not be started\n",
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
    return note_result(t, findmax_search(t->driver, &t->jobs, say_trials, &t->findmax));
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
        if (b->targets[i].driver != NULL)
            driver_close(b->targets[i].driver);
        free(b->targets[i].driver);
        certain_fini(&b->targets[i].certain);
        jobs_stop(&b->targets[i].jobs);
        stop_roles(&b->targets[i]);
        floor_stop(&b->targets[i].floor);
    }
    free(b);
}

/* The measurement of a round begins now. */
static void
restart_round(void *context)
{
    struct target *t = context;

    look(t, &t->round_start);
}

/* Of all jobs, in the round that comes. */
static uint64_t
planned_rate(const struct options *all, const struct target *t)
{
    if (all->find_max_ns == 0)
        return options_plan(all, t->rounds_done).rate;
    return t->findmax.rate > 0 ? t->findmax.rate : FINDMAX_RATE_MIN;
}

static bool
measure(const struct bench *b, struct target *t)
{
    const struct options *o = &t->options;
    struct job_order order = {0};
    enum driver_result result = DRIVER_OK;

    if (b->by_turns)
        result = driver_connect(t->driver);
    if (result == DRIVER_OK && b->by_turns && o->warmup_ns > 0)
        result = driver_warm_up(t->driver, o->warmup_ns);
    if (!note_result(t, result))
        return false;
    order.round = t->driver->round = t->rounds_done;
    order.rate = t->rate = planned_rate(b->options, t);
    t->driver->load.rate = jobs_part(order.rate, 0, o->jobs);
    t->driver->on_restart = restart_round;
    t->driver->restart_context = t;
    t->driver->look_pid = o->looks ? t->pid : 0;
    restart_round(t);
    jobs_go(&t->jobs, &order);
    result = driver_measure(t->driver);
    if (t->jobs.count > 0) {
        enum driver_result others = jobs_collect(&t->jobs, t->driver);

        result = result == DRIVER_OK ? others : result;
    }
    look(t, &t->end);
    if (t->driver->load.workload.error != NULL)
        (void)fprintf(stderr, "lombard-bench: trace %s: %s\n",
                      o->trace_path != NULL ? o->trace_path : "",
                      t->driver->load.workload.error);
    round_note(t, result, t->end.cpu_ns - t->round_start.cpu_ns);
    certain_note_round(&t->certain, t->driver, o->rounds);
    if (b->by_turns)
        driver_disconnect(t->driver);
    return note_result(t, result);
}

static void
fetch_counters(struct bench *b, bool before)
{
    for (unsigned i = 0; b->options->stats && i < b->target_count; i++) {
        struct target *t = &b->targets[i];

        if (t->floor.pid != 0 || t->result != DRIVER_OK)
            continue;
        if (!counters_fetch(&t->addr, before ? &t->counters_before : &t->counters))
            (void)fprintf(stderr, "lombard-bench: %s does not answer stats\n", t->addr.text);
        else if (!before)
            counters_subtract(&t->counters, &t->counters_before);
    }
}

static bool
start_jobs(const struct bench *b, struct target *t)
{
    struct options all = *b->options;

    if (t->floor.pid != 0)
        floor_adapt(&all);
    all.spin_ns = t->options.spin_ns;
    if (jobs_start(&t->jobs, &all, &t->addr, t->driver))
        return true;
    (void)fprintf(stderr, "lombard-bench: %s: not all of the --jobs could connect\n",
                  t->addr.text);
    return note_result(t, DRIVER_NO_MEMORY);
}

static bool
open_all(struct bench *b)
{
    for (unsigned i = 0; i < b->target_count; i++) {
        struct target *t = &b->targets[i];

        if (stop_signal() != 0 && t->driver == NULL)
            return note_result(t, DRIVER_INTERRUPTED);
        if (!open_target(b, t) || !prepare(t) || !start_roles(t))
            return false;
        if ((b->options->jobs > 1 && !start_jobs(b, t)) || !find_max(t))
            return false;
        if (b->by_turns)
            driver_disconnect(t->driver);
    }
    return true;
}

/* All rounds, every second one in reverse order. */
static bool
measure_all(struct bench *b)
{
    for (uint64_t round = 0; round < b->options->rounds; round++) {
        for (unsigned i = 0; i < b->target_count; i++) {
            if (!measure(b, &b->targets[round % 2 == 0 ? i : b->target_count - 1 - i]))
                return false;
        }
    }
    return true;
}

bool
bench_run(struct bench *b)
{
    bool done;

    b->began_s = sys_realtime_s();
    if (!open_all(b))
        return false;
    fetch_counters(b, true);
    done = measure_all(b);
    fetch_counters(b, false);
    for (unsigned i = 0; i < b->target_count; i++)
        stop_roles(&b->targets[i]);
    return done;
}
