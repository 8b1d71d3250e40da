/* All statistics, in the order in which `stats` shows them. */
#include "statistics.h"

#include "lombard/base/invariant.h"
#include "lombard/base/log.h"

void
statistics_register(struct stat_registry *registry, struct config *config,
                    struct server *server, struct cmd *cmd)
{
    server_add_stats(server, registry);
    log_add_stats(registry);
    invariants_add_stats(registry);
    cmd_add_stats(cmd, registry);
    stats_add(registry, "settings", &config_settings, config);
}
