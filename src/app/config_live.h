/*
 * src/app/config_live.h - options that an operator changes while the server runs: `config`.
 */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "lombard/base/attr.h"
#include "lombard/base/slice.h"
#include "lombard/base/stats.h"
#include "lombard/conn/server.h"

struct config_live {
    struct config *config; /* as `stats settings` shows it */
    struct server *server;
    struct store *store;
};

/*
 * Set the option with this long NAME, or letter, to VALUE, as it would be written on the command
 * line: struct server_settings's set; CTX is the struct config_live.
 */
bool config_live_set(void *ctx, struct slice name, struct slice value, char *why) MUST_USE;
/* Put --total-memory in force for what sets the store's limit otherwise: the command cache_memlimit. */
void config_live_cap(const struct config_live *live);
/* All options with their values, and which of them can be set; the context is the same. */
extern const struct stat_section config_live_stats;
