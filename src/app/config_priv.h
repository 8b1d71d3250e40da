/*
 * src/app/config_priv.h - what the files of the command line share.
 *
 *     config.c             the command line, option by option
 *     config_extended.c        of these, the settings of -o
 *     config_help.c        --help and --license
 *     config_options.c     the table of options
 *     config_values.c      values, as users write them
 *     config_settings.c    `stats settings`
 *     config_say.c         what is said of options
 *     config_total.c       --total-memory, divided
 *     environment.c        options in the environment, as container images have them
 */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "config_options.h"
#include "lombard/base/attr.h"

/* --help and --license, on standard output. */
void config_print_help(void);
void config_print_license(void);

/* Say on standard error what is wrong with the command line: CONFIG_USAGE. */
enum config_result config_usage(const char *format, ...) PRINTF_LIKE(1, 2);
/* Set the option's field to TEXT, or say which values it can have. */
enum config_result config_set(struct config *config, const struct option_info *option,
                              char *text) MUST_USE;
/* Remember for the log what is said of OPTION, once; WHY outlives CONFIG. */
void config_note(struct config *config, enum note_kind kind, const char *option,
                 const char *why);
/* Options that were given: their values are not to be chosen. */
struct config_named {
    bool tcp;
    bool memory;
    bool buffers;
    bool item_size;
};

/* Choose what --total-memory leaves to choose, or say why it does not suffice. */
enum config_result config_divide_total(struct config *config,
                                       const struct config_named *named) MUST_USE;
/* The settings of an -o; TEXT is cut into pieces. */
enum config_result config_take_extended(struct config *config, char *text) MUST_USE;

/*
 * The command line with the options of the environment in front of it, so that those of the
 * command line count: *ARGC becomes larger. NULL, after a message: one of them cannot be.
 * The words live until the next call.
 */
char **config_with_environment(struct config *config, int *argc, char **argv) MUST_USE;
