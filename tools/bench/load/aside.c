/* Adds up what happened between caches, clients and databases. */
#include "load/aside.h"

#include <string.h>

void
aside_reset(struct aside *a)
{
    memset(a, 0, sizeof(*a));
    hist_reset(&a->value);
    hist_reset(&a->database);
    hist_reset(&a->fill);
    hist_reset(&a->connect);
    hist_reset(&a->session);
}

void
aside_merge(struct aside *into, const struct aside *from)
{
    into->loads += from->loads;
    into->duplicates += from->duplicates;
    into->refreshes += from->refreshes;
    into->herds += from->herds;
    if (from->herd_max > into->herd_max)
        into->herd_max = from->herd_max;
    into->waits += from->waits;
    into->stale += from->stale;
    into->busy_ns += from->busy_ns;
    into->sessions += from->sessions;
    hist_merge(&into->value, &from->value);
    hist_merge(&into->database, &from->database);
    hist_merge(&into->fill, &from->fill);
    hist_merge(&into->connect, &from->connect);
    hist_merge(&into->session, &from->session);
}
