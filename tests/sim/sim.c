/*
 * tests/sim/sim.c - whole worlds at random, one seed each.
 *
 *     sim                    some seeds
 *     sim SEED               this one, and say what happens
 *     sim FROM COUNT         these
 *
 * A world is a server, a number of clients, and a way in which kernel, network
 * and clients misbehave. After every turn the server's invariants are checked,
 * and every byte of every reply; at the end all that was asked must have been
 * answered, and nothing may be left.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "play.h"

enum {
    DEFAULT_SEEDS = 120,
    MB = 1024 * 1024,
};

/* What goes wrong in a world, besides cut and delayed bytes. */
enum mood {
    MOOD_FAIR,     /* nothing: everything must be exact, and no connection is lost */
    MOOD_CROWDED,  /* buffers, connections and patience are scarce */
    MOOD_BROKEN,   /* connections break */
    MOOD_POOR,     /* memory is refused */
    MOOD_REFUSING, /* accept, epoll_ctl and setsockopt fail */
    MOOD_SMALL,    /* the store is: items are evicted all the time */
    MOOD_ALL,      /* all of the above */
};

static const char *const mood_names[] = {"fair",     "crowded", "broken", "poor",
                                         "refusing", "small",   "all"};

static uint32_t
rarely(uint32_t most)
{
    return most / 4 + sim_below(most);
}

static void
plan_faults(enum mood mood, struct play *plan, struct arena *arena)
{
    bool all = mood == MOOD_ALL;
    uint32_t *refuse = plan->faults.refuse;

    if (mood == MOOD_CROWDED || all) {
        plan->rig.max_conns = (uint32_t)plan->clients - (uint32_t)plan->clients / 5;
        plan->rig.buffer_bytes = MB;
        plan->rig.idle_timeout_s = sim_below(2) == 0 ? 0 : 5 + sim_below(20);
        plan->rig.send_timeout_s = sim_below(2) == 0 ? 0 : 2 + sim_below(10);
        arena->may_close = true;
        arena->may_reject = true;
    }
    if (mood == MOOD_BROKEN || all) {
        refuse[SIM_RECV] = refuse[SIM_READV] = rarely(400);
        refuse[SIM_SEND] = refuse[SIM_SENDMSG] = rarely(400);
        refuse[SIM_SHUTDOWN] = rarely(4);
        arena->kill_one_in = rarely(300);
        arena->may_close = true;
    }
    if (mood == MOOD_POOR || all) {
        refuse[SIM_MAP] = rarely(20);
        refuse[SIM_MALLOC] = rarely(20);
        arena->facts.memory_faults = true;
        arena->may_close = true;
    }
    if (mood == MOOD_REFUSING || all) {
        refuse[SIM_ACCEPT] = rarely(6);
        refuse[SIM_EPOLL_CTL] = rarely(100);
        refuse[SIM_SET_OPTION] = rarely(10);
        arena->may_close = true;
    }
    if (mood == MOOD_SMALL || all) {
        plan->rig.limit_bytes = (1 + sim_below(6)) * MB;
        arena->facts.evictable = true;
        /* Who stalls on an item while others need its memory has to give way. */
        arena->may_close = true;
    }
}

static enum mood
plan_world(struct play *plan, struct arena *arena)
{
    uint32_t dice = sim_below(16);
    enum mood mood = dice < 6 ? MOOD_FAIR : dice < 12 ? (enum mood)(dice - 5) : MOOD_ALL;

    memset(plan, 0, sizeof(*plan));
    memset(arena, 0, sizeof(*arena));
    if (dice >= 14)
        mood = MOOD_CROWDED;
    plan->clients = 2 + (int)sim_below(mood == MOOD_CROWDED ? PLAY_CLIENTS_MAX - 2 : 40);
    plan->turns = 100 + (int)sim_below(600);
    plan->hurry = 1 + sim_below(20);
    plan->faults.cut = sim_below(3) == 0 ? 0 : 1 + sim_below(20);
    plan->faults.again = sim_below(2) == 0 ? 0 : 2 + sim_below(50);
    plan->faults.interrupt = sim_below(2) == 0 ? 0 : 2 + sim_below(50);
    plan->faults.hold_events = sim_below(2) == 0 ? 0 : 2 + sim_below(10);
    plan->rig.limit_bytes = 64 * MB;
    plan->rig.requests_a_turn = sim_below(3) == 0 ? 1 + sim_below(30) : 0;
    plan->rig.keep_buffers = sim_below(10) == 0;
    plan->rig.latency = sim_below(4) == 0;
    plan->rig.no_eviction = sim_below(10) == 0;
    plan->shutdown = sim_below(8) == 0;
    arena->facts.memory_faults = plan->rig.no_eviction;
    arena->item_bytes_max = sim_below(4) == 0 ? 2000 + sim_below(200000) : MB;
    arena->value_bytes = sim_below(4) == 0 ? 20000 : 1200;
    if (arena->value_bytes > arena->item_bytes_max / 2)
        arena->value_bytes = arena->item_bytes_max / 2;
    plan_faults(mood, plan, arena);
    /* Buffers that are kept are not there for others: nobody else is then sure to be served. */
    if (plan->rig.keep_buffers && plan->rig.buffer_bytes != 0)
        plan->shutdown = true;
    plan->rig.item_bytes_max = arena->item_bytes_max;
    if (plan->rig.item_bytes_max > plan->rig.limit_bytes / 2)
        plan->rig.item_bytes_max = plan->rig.limit_bytes / 2;
    arena->item_bytes_max = (uint32_t)plan->rig.item_bytes_max;
    arena->facts.evictable_above = plan->rig.limit_bytes / 4;
    return mood;
}

static void
run_world(uint64_t seed, bool verbose, struct play_totals *totals)
{
    char replay[64];
    struct play plan;
    struct arena arena;
    enum mood mood;

    (void)snprintf(replay, sizeof(replay), "sim %" PRIu64, seed);
    sim_set_replay(replay);
    sim_begin(seed);
    mood = plan_world(&plan, &arena);
    if (verbose)
        fprintf(stderr, "seed %" PRIu64 ": %s, %d clients, %d turns, items up to %u%s%s%s\n",
                seed, mood_names[mood], plan.clients, plan.turns, arena.item_bytes_max,
                plan.rig.keep_buffers ? ", no loans" : "", plan.rig.no_eviction ? ", -M" : "",
                plan.shutdown ? ", shut down" : "");
    play_world(&plan, &arena, totals);
}

static double
seconds_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
print_totals(const struct play_totals *t, double seconds)
{
    const struct connection_counts *c = &t->connections;

    printf("%" PRIu64 " worlds, %" PRIu64 " turns, %.1f s\n", t->worlds, t->turns, seconds);
    printf("connections: %" PRIu64 " served, %" PRIu64 " rejected, %" PRIu64
           " without an answer; of those served, %" PRIu64 " were broken off\n",
           c->served, c->rejected, c->unheard, c->broken);
    printf("commands: %" PRIu64 " (classic %" PRIu64 ", meta %" PRIu64 ", binary %" PRIu64
           "), %" PRIu64 " bytes of replies compared\n",
           t->commands[WIRE_CLASSIC] + t->commands[WIRE_META] + t->commands[WIRE_BINARY],
           t->commands[WIRE_CLASSIC], t->commands[WIRE_META], t->commands[WIRE_BINARY],
           t->reply_bytes);
    printf("calls: %" PRIu64 ", refused %" PRIu64 "\n", t->calls, t->refused);
}

int
main(int argc, char **argv)
{
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? 1 : DEFAULT_SEEDS;
    double started = seconds_now();
    struct play_totals t;

    memset(&t, 0, sizeof(t));
    sim_set_verbose(argc == 2);
    for (uint64_t seed = from; seed < from + seeds; seed++)
        run_world(seed, argc == 2, &t);
    print_totals(&t, seconds_now() - started);
    printf("%" PRIu64 " passed, 0 failed\n", t.worlds);
    return 0;
}
