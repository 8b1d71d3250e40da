/*
 * tests/sim/swarm.h - the plan of one world: its limits, its faults, its clients' habits.
 */
#pragma once

#include "play.h"

/* Draw it; sim_begin() came before. All follows from the seed. */
void swarm_plan(struct play *play, struct client_world *world);
/* In one line, for people. */
void swarm_describe(const struct play *play, const struct client_world *world, char *dst,
                    size_t bytes);
