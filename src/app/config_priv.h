/*
 * src/app/config_priv.h - what the files of the command line share.
 */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "lombard/base/attr.h"

extern const char config_help[];

/* Say on standard error what is wrong with the command line; CONFIG_USAGE. */
enum config_result config_usage(const char *format, ...) PRINTF_LIKE(1, 2);

/* Remember that OPTION is ignored, and WHY, for the log. Both outlive CONFIG. */
void config_note(struct config *config, const char *option, const char *why);
/*
 * An option of memcached that tunes what does not exist here: noted, and true. False for
 * any other, and for a value that memcached would refuse.
 */
bool config_ignore_option(struct config *config, int option, const char *value) MUST_USE;
/* Likewise one setting of -o, "name" or "name=value". */
bool config_ignore_extended(struct config *config, const char *word) MUST_USE;
