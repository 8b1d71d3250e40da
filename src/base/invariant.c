/* Counts broken invariants, or aborts. */
#include "lombard/base/invariant.h"

#include <stdio.h>
#include <stdlib.h>

#include "lombard/base/stats.h"

#ifdef NDEBUG
static bool survives = true;
#else
static bool survives = false;
#endif
static struct invariants state;

const struct invariants *
invariants(void)
{
    return &state;
}

/* Of its own, so that another process's are not taken for this one's: see stats_read_written(). */
static void
get_broken(const struct stat_entry *entry UNUSED, const void *record UNUSED,
           struct stat_value *value)
{
    stat_put_u64(value, state.broken);
}

void
invariants_add_stats(struct stat_registry *registry)
{
    static const struct stat_entry entry = {
        "internal_errors", STAT_COUNTER,
        UNIT_EVENTS,       "Times that an invariant did not hold: please report it.",
        get_broken,        0};
    static const struct stat_section section = {&entry, 1, NULL, "", NULL};

    stats_add(registry, "", &section, &state);
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
