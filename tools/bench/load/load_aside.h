/*
 * tools/bench/load/load_aside.h - a cache in front of a simulated database (database.h).
 *
 * A client that finds its key missing asks the database, has its value, stores it, and only then goes on.
 * With --leases the server names one client that does so (win), and the others ask again.
 */
#pragma once

#include "load/load.h"

/* A get of one key is answered. False: it is not over, its client will ask again. */
bool aside_got(struct load *l, struct caller *c, const struct query *query) MUST_USE;
/* A store is acknowledged. */
void aside_stored(struct load *l, const struct query *query);
