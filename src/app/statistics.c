/* The order in which `stats` shows the layers; within a layer it is that of its *_add_stats(). */
#include "statistics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compat_stats.h"
#include "lombard/base/eventlog.h"
#include "lombard/base/invariant.h"
#include "lombard/base/log.h"
#include "lombard/base/num.h"

void
statistics_register(struct stat_registry *registry, struct config *config,
                    struct server *server, struct cmd *cmd)
{
    server_add_stats(server, registry);
    log_add_stats(registry);
    invariants_add_stats(registry);
    event_add_stats(registry);
    stats_add(registry, "settings", &config_settings, config);
    server_add_settings(server, registry);
    cmd_add_stats(cmd, registry);
    compat_add_stats(registry, config);
}

uint64_t
statistics_number(const struct stat_registry *registry, const char *name)
{
    struct stat_cursor cursor;
    struct stat_line line;
    uint64_t number;

    if (!stats_begin(registry, slice_make("", 0), &cursor))
        return 0;
    while (stats_next(registry, &cursor, &line) == STAT_FOUND)
        if (strcmp(line.name, name) == 0 &&
            num_parse_u64(slice_make(line.value.text, strlen(line.value.text)), &number))
            return number;
    return 0;
}

void
statistics_summary(const struct stat_registry *registry, char *dst, size_t bytes)
{
    uint64_t hits = statistics_number(registry, "get_hits");
    uint64_t asked = hits + statistics_number(registry, "get_misses");
    int used = snprintf(dst, bytes, "%" PRIu64 " connections, %" PRIu64 " items",
                        statistics_number(registry, "curr_connections"),
                        statistics_number(registry, "curr_items"));

    if (asked > 0 && used > 0 && (size_t)used < bytes)
        (void)snprintf(dst + used, bytes - (size_t)used, ", hit ratio %.1f %%",
                       100.0 * (double)hits / (double)asked);
}
