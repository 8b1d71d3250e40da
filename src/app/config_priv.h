/*
 * src/app/config_priv.h - what the files of the command line share.
 */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "lombard/base/attr.h"

/* --help, on standard output. */
void config_print_help(void);

/* Remember that OPTION is ignored, and WHY, which outlives CONFIG, for the log. */
void config_note(struct config *config, const char *option, const char *why);
/*
 * One setting of memcached's -o, "name" or "name=value", that tunes what does not exist here:
 * noted, and true. False for any other.
 */
bool config_ignore_extended(struct config *config, const char *word) MUST_USE;
