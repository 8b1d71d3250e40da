/*
 * tools/bench/run/round.h - the figures of a round, kept when it is over.
 */
#pragma once

#include "run/bench.h"

/* However it ended; the server used so much CPU in it. */
void round_note(struct target *t, enum driver_result result, uint64_t server_cpu_ns);
