/*
 * tests/sim/sim.c - whole worlds at random, one seed each.
 *
 *     sim                    some seeds
 *     sim SEED               this one, and say what happens
 *     sim FROM COUNT         these
 *
 * A world is a server with limits, a number of clients with habits, and a way in
 * which kernel and network misbehave: all of that is drawn for each world
 * (swarm.h). After every iteration the server's invariants are checked, and
 * every byte of every reply; at the end all that was asked must have been
 * answered, and nothing may be left.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "swarm.h"

enum { DEFAULT_SEEDS = 120 };

static void
run_world(uint64_t seed, bool verbose, struct play_totals *totals)
{
    char text[512];
    struct play plan;
    struct client_world world;

    (void)snprintf(text, sizeof(text), "sim %" PRIu64, seed);
    sim_set_replay(text);
    sim_begin(seed);
    swarm_plan(&plan, &world);
    if (verbose) {
        swarm_describe(&plan, &world, text, sizeof(text));
        fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, text);
    }
    play_world(&plan, &world, totals);
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

    printf("%" PRIu64 " worlds, %" PRIu64 " iterations, %.1f s\n", t->worlds, t->iterations,
           seconds);
    printf("connections: %" PRIu64 " served, %" PRIu64 " rejected, %" PRIu64
           " without an answer; of those served, %" PRIu64 " were broken off\n",
           c->served, c->rejected, c->unheard, c->broken);
    printf("commands: %" PRIu64 " (classic %" PRIu64 ", meta %" PRIu64 ", binary %" PRIu64
           "), %" PRIu64 " bytes of replies compared\n",
           t->commands[WIRE_CLASSIC] + t->commands[WIRE_META] + t->commands[WIRE_BINARY],
           t->commands[WIRE_CLASSIC], t->commands[WIRE_META], t->commands[WIRE_BINARY],
           t->reply_bytes);
    play_print_worst();
    printf("handed over: %" PRIu64 ", refused and kept %" PRIu64 "\n", t->handed_over, t->kept);
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
