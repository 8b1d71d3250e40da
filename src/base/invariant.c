/* Counts broken invariants, or aborts. */
#include "lombard/base/invariant.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef NDEBUG
static bool survives = true;
#else
static bool survives = false;
#endif
static struct invariants state;

struct invariants *
invariants(void)
{
    return &state;
}

void
invariants_survive(bool survive)
{
    survives = survive;
}

bool
invariant_broken(const char *file, int line, const char *what)
{
    if (!survives) {
        (void)fprintf(stderr, "BUG: %s:%d: %s\n", file, line, what);
        abort();
    }
    state.broken++;
    state.file = file;
    state.line = line;
    state.what = what;
    return true;
}
