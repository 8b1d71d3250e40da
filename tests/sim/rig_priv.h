/*
 * tests/sim/rig_priv.h - the parts that a server under test is made of.
 */
#pragma once

#include "rig.h"

struct store_config rig_store_config(const struct rig *rig);
/* NULL when memory was refused. */
struct cmd *rig_make_cmd(struct rig *rig, struct store *store, struct stat_registry *stats);
/* Likewise; *STATS is empty, or has its statistics. */
struct server *rig_make_server(struct rig *rig, struct cmd *cmd, struct stat_registry *stats);
