/*
 * tools/bench/load/mismatch.h - describes exactly what was wrong.
 *
 * The first few of a run are described on standard error; all are counted.
 */
#pragma once

#include "load/load.h"

/* c->reader holds a wrong value for QUERY; WHAT says what is wrong with it. It is counted, too. */
void mismatch_report(struct load *l, const struct caller *c, const struct query *query,
                     const char *what);
/* c->reader holds a value with other flags than this run stores it with. It is counted, too. */
void mismatch_flags(struct load *l, const struct caller *c, const struct query *query);
/* c->reader has a number where WANT was expected. It is counted, too. */
void mismatch_number(struct load *l, const struct caller *c, const struct query *query,
                     uint64_t want);
/* c->reader has a value that should be made of as many pieces. It is counted, too. */
void mismatch_pieces(struct load *l, const struct caller *c, const struct query *query,
                     uint32_t appended, uint32_t prepended);
/* [P, END) is no answer to QUERY (NULL: nothing was asked). */
void mismatch_garbled(struct load *l, const struct caller *c, const struct query *query,
                      const unsigned char *p, const unsigned char *end);
