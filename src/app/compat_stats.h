/*
 * src/app/compat_stats.h - names that memcached's own tools look for, and that mean something
 * else here, or nothing.
 */
#pragma once

#include "config.h"
#include "lombard/base/stats.h"

/* Add them to plain `stats` and to `stats settings`, as repetitions; REGISTRY has all others. */
void compat_add_stats(struct stat_registry *registry, struct config *config);
