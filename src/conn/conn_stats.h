/*
 * src/conn/conn_stats.h - what is known of each connection.
 */
#pragma once

#include "lombard/base/stats.h"

/* `stats conns`; the context is the server. */
extern const struct stat_section conn_stats;
