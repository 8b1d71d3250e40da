/* The table of options, made of options.def, and how it is searched. */
#include "config_options.h"

#include <stdio.h>
#include <string.h>

#define NO_FIELD 0, 0, NULL, 0, 0, NULL

static const struct option_info options[] = {
#define OPTION(letter, name, value, group, kind, field, initial, min, max, unit, help)         \
    {letter,                                                                                   \
     name,                                                                                     \
     value,                                                                                    \
     GROUP_##group,                                                                            \
     OPTION_##kind,                                                                            \
     offsetof(struct config, field),                                                           \
     sizeof(((struct config *)0)->field),                                                      \
     initial,                                                                                  \
     min,                                                                                      \
     max,                                                                                      \
     unit,                                                                                     \
     help},
#define ACTION(letter, name, value, group, kind, help)                                         \
    {letter, name, value, GROUP_##group, OPTION_##kind, NO_FIELD, help},
#define IGNORED(letter, name, value, why)                                                      \
    {letter, name, value, GROUP_NONE, OPTION_IGNORED, NO_FIELD, why},
#define REFUSED(letter, name, value, why)                                                      \
    {letter, name, value, GROUP_NONE, OPTION_REFUSED, NO_FIELD, why},
#include "options.def"
};

enum { LONG_ONLY = 256 }; /* above every letter */

const struct option_info *
option_at(size_t i)
{
    return i < ARRAY_LEN(options) ? options + i : NULL;
}

/* What getopt_long() returns for it. */
static int
getopt_value(const struct option_info *option)
{
    return option->letter != 0 ? option->letter : LONG_ONLY + (int)(option - options);
}

const struct option_info *
option_of(int value)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (getopt_value(options + i) == value)
            return options + i;
    return NULL;
}

const struct option_info *
option_of_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (options[i].name != NULL && strcmp(options[i].name, name) == 0)
            return options + i;
    BUG("no such option");
}

const char *
option_letters(void)
{
    static char letters[2 * ARRAY_LEN(options) + 2];
    char *p = letters;

    *p++ = ':'; /* a missing value is told from an unknown option */
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (options[i].letter == 0)
            continue;
        *p++ = (char)options[i].letter;
        if (options[i].value != NULL)
            *p++ = ':';
    }
    *p = '\0';
    return letters;
}

/* A value of --verbose means nothing, as in memcached. */
static int
argument_of(const struct option_info *option)
{
    if (option->kind == OPTION_COUNT)
        return optional_argument;
    return option->value != NULL ? required_argument : no_argument;
}

const struct option *
option_names(void)
{
    static struct option names[ARRAY_LEN(options) + 1];
    struct option *p = names;

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct option_info *o = options + i;

        if (o->name != NULL)
            *p++ = (struct option){
                .name = o->name,
                .has_arg = argument_of(o),
                .val = getopt_value(o),
            };
    }
    *p = (struct option){.name = NULL};
    return names;
}

void
option_name(const struct option_info *option, char *dst, size_t bytes)
{
    if (option->name == NULL)
        (void)snprintf(dst, bytes, "-%c", option->letter);
    else if (option->letter == 0)
        (void)snprintf(dst, bytes, "--%s", option->name);
    else
        (void)snprintf(dst, bytes, "-%c (--%s)", option->letter, option->name);
}
