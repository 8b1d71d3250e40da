/*
 * tests/sim/policy_main.c - does the server do to its clients what its policies say?
 *
 *     policy                  all of them, some seeds each
 *     policy NAME SEED        this one, and say what happens
 *     policy NAME FROM COUNT  these
 *
 * The random worlds (sim.c) say whether an answer can be. Here each kind of world is
 * made so that it is known, and judged, what must happen to which client:
 *
 *     refusal    a request that is refused closes no connection, neither then nor later;
 *                one that is served closes no more than it needs
 *     light      a client that asks for little waits for a bounded number of iterations,
 *                and of bytes that go to others, however many ask for much
 *     closing    a connection that is closed is counted, and one line of the log says why
 *     waiting    connections that wait for a buffer get it, without another event
 *     stall      where the thread stands still for 20 ms, `stats latency` says so, and of whom
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

static const struct {
    const char *name;
    void (*world)(void);
    uint64_t seeds;
} policies[] = {
    {"refusal", policy_refusal, 60}, {"light", policy_light, 12},
    {"closing", policy_closing, 40}, {"waiting", policy_waiting, 40},
    {"stall", policy_stall, 20},
};

static void
run_world(const char *name, void (*world)(void), uint64_t seed)
{
    char replay[64];

    (void)snprintf(replay, sizeof(replay), "policy %s %" PRIu64, name, seed);
    sim_set_replay(replay);
    sim_begin(seed);
    world();
}

int
main(int argc, char **argv)
{
    uint64_t from = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t passed = 0;

    sim_set_verbose(argc == 3);
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        uint64_t count = argc > 3    ? strtoull(argv[3], NULL, 10)
                         : argc == 3 ? 1
                                     : policies[i].seeds;

        if (argc > 1 && strcmp(argv[1], policies[i].name) != 0)
            continue;
        for (uint64_t seed = from; seed < from + count; seed++, passed++)
            run_world(policies[i].name, policies[i].world, seed);
        printf("%s: %" PRIu64 " worlds\n", policies[i].name, count);
    }
    printf("%" PRIu64 " passed, 0 failed\n", passed);
    return passed > 0 ? 0 : 1;
}
