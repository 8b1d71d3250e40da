/*
 * src/app/host.h - what options ask of the host beyond memory and descriptors: -k, -r and -L.
 *
 * What it does not grant is a line in the log, and no reason not to serve.
 */
#pragma once

#include "config.h"

/* While root's rights are there, and before the store's memory is mapped. */
void host_prepare(struct config *config);
/* -L: the store has so much of the host's explicit huge pages. */
void host_report_huge_pages(const struct config *config, uint64_t explicit_bytes);
/* After becoming the user of -u, which has turned core files off. */
void host_keep_core_dumps(const struct config *config);
