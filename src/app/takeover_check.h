/*
 * src/app/takeover_check.h - which options of the new process of a takeover do not fit the old one's.
 *
 * All says what is wrong in one line: a constant, or TEXT, which has room for BYTES.
 */
#pragma once

#include <stddef.h>

#include "lombard/base/attr.h"
#include "lombard/store/store.h"

struct process;

/* What the offer says is known, and its descriptors are there: NULL when PROCESS may go on with them. */
const char *takeover_check_options(const struct process *process, char *text,
                                   size_t bytes) MUST_USE;
/* Of what the store of PROCESS, which is to be adopted, says to that. NULL: it can be. */
const char *takeover_why_no_store(const struct process *process, enum attach_result result,
                                  char *text, size_t bytes) MUST_USE;
