/*
 * tests/sim/cuts.h - one script, stuck at some byte of it.
 *
 * While it is stuck, another connection stores and reads with the same buffers;
 * in the end every byte must be right, and nothing may be left. All of these die
 * on a violation.
 */
#pragma once

#include "script.h"
#include "sim_sys.h"

/* The output is sent up to byte FIRST, then up to SECOND, then all of it. */
void cut_output(const struct script *s, size_t first, size_t second);
/* The input likewise. */
void cut_input(const struct script *s, size_t first, size_t second);
/* The same, and in every iteration the server is handed over, as to another process. */
void hand_over_output(const struct script *s, size_t first, size_t second);
void hand_over_input(const struct script *s, size_t first, size_t second);
/*
 * Likewise; and in one handover, while the output is stuck at byte AT, the Nth CALL fails: the server that was
 * there goes on. False: there are not so many.
 */
bool fail_hand_over(const struct script *s, size_t at, enum sim_call call, uint64_t nth);
/* The connection breaks when this many bytes have come: what it held must be free again. */
void break_output(const struct script *s, size_t first, size_t second);
void break_input(const struct script *s, size_t first, size_t second);
