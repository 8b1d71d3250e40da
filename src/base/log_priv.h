/*
 * src/base/log_priv.h - between formatting a line and writing it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lombard/base/attr.h"

/* Write one line, whole and without waiting. False when that is not possible now. */
bool log_put(const char *line, size_t len) MUST_USE;
/* Whether a journal reads the lines: it knows when they came, and asks for their priority. */
bool log_is_journal(void);
