/*
 * tools/bench/mismatch.h - telling the user exactly what was wrong.
 *
 * The first few of a run are described on standard error; all are counted.
 */
#pragma once

#include "load.h"

/* c->reader holds a value for OP with which something is wrong. Counts it. */
void mismatch_report(struct load *l, const struct conn *c, const struct op *op,
                     const char *what);
/* [P, END) is no answer to OP (or to nothing). */
void mismatch_garbled(struct load *l, const struct conn *c, const struct op *op,
                      const unsigned char *p, const unsigned char *end);
