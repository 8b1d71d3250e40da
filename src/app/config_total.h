/*
 * src/app/config_total.h - what the parts of a process may need at most, for --total-memory.
 */
#pragma once

#include <stdint.h>

#include "config.h"

/* Bytes that everything but the store may come to. */
uint64_t config_bytes_besides_store(const struct config *config);
/* What --total-memory, which is set, leaves to the store; 0: nothing. */
uint64_t config_bytes_for_store(const struct config *config);
