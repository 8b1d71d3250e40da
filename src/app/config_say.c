/* What is said of options: to the user who gave a wrong one, and to the log. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config_priv.h"

enum { NAME_BYTES = 64, RANGE_BYTES = 128 };

enum config_result
config_usage(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("lombard: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputs("\nTry 'lombard --help'.\n", stderr);
    va_end(args);
    return CONFIG_USAGE;
}

enum config_result
config_set(struct config *config, const struct option_info *option, char *text)
{
    char name[NAME_BYTES], range[RANGE_BYTES];

    if (option_set(config, option, text))
        return CONFIG_RUN;
    option_name(option, name, sizeof(name));
    option_range(option, range, sizeof(range));
    return config_usage("%s: '%s' is not %s", name, text, range);
}

void
config_note(struct config *config, enum note_kind kind, const char *option, const char *why)
{
    struct config_note *note = config->notes + config->note_count;

    for (int i = 0; i < config->note_count; i++)
        if (strcmp(config->notes[i].option, option) == 0)
            return;
    if (config->note_count == CONFIG_NOTES_MAX)
        return;
    config->note_count++;
    note->kind = kind;
    note->why = why;
    (void)snprintf(note->option, sizeof(note->option), "%s", option);
}
