/*
 * tools/bench/load/mismatch.h - telling the user exactly what was wrong.
 *
 * The first few of a run are described on standard error; all are counted.
 */
#pragma once

#include "load/load.h"

/* c->reader holds a value for QUERY with which something is wrong. Counts it. */
void mismatch_report(struct load *l, const struct caller *c, const struct query *query,
                     const char *what);
/* [P, END) is no answer to QUERY (or to nothing). */
void mismatch_garbled(struct load *l, const struct caller *c, const struct query *query,
                      const unsigned char *p, const unsigned char *end);
