/*
 * tests/sim/operators.h - an operator who looks at the connections of a world, and kills some.
 */
#pragma once

#include <stdint.h>

/* Once an iteration, one in ONE_IN times a command (0: never); what is answered is read. */
void operators_act(int listen_fd, uint32_t one_in);
/* Hang up. */
void operators_leave(void);
