/*
 * src/app/statistics.h - the statistics of the whole program.
 */
#pragma once

#include "config.h"
#include "lombard/cmd/cmd.h"
#include "lombard/conn/server.h"

/* Fill an empty REGISTRY, which all of these outlive, with every statistic that there is. */
void statistics_register(struct stat_registry *registry, struct config *config,
                         struct server *server, struct cmd *cmd);
