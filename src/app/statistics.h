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

/* The number that plain `stats` shows as NAME; 0 where there is none. */
uint64_t statistics_number(const struct stat_registry *registry, const char *name) MUST_USE;
/* How the server is, in one line, at DST: "12 connections, 3456 items, hit ratio 98.7 %". */
void statistics_summary(const struct stat_registry *registry, char *dst, size_t bytes);
