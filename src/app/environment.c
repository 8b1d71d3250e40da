/* Options in the environment, as the Bitnami image of memcached takes them. */
#include <stdlib.h>
#include <string.h>

#include "config_priv.h"

enum { WORDS_MAX = 256, EXTRA_BYTES = 4096 };

/* Of that image: its start script turns them into options. */
static const struct {
    const char *name;
    const char *option;
} variables[] = {
    {"MEMCACHED_CACHE_SIZE", "-m"},    {"MEMCACHED_MAX_CONNECTIONS", "-c"},
    {"MEMCACHED_MAX_ITEM_SIZE", "-I"}, {"MEMCACHED_THREADS", "-t"},
    {"MEMCACHED_PORT_NUMBER", "-p"},   {"MEMCACHED_LISTEN_ADDRESS", "-l"},
};

struct words {
    char *at[WORDS_MAX + 1];
    char extra[EXTRA_BYTES]; /* what MEMCACHED_EXTRA_FLAGS says, in pieces */
    int count;
};

/* What NAME says; NULL where that is nothing. */
static char *
value_of(const char *name)
{
    char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

static bool
add(struct words *words, char *word)
{
    if (words->count == WORDS_MAX)
        return false;
    words->at[words->count++] = word;
    words->at[words->count] = NULL;
    return true;
}

static bool
add_option(struct config *config, struct words *words, size_t i)
{
    char *value = value_of(variables[i].name);

    if (value == NULL)
        return true;
    config_note(config, NOTE_TAKEN, variables[i].name, variables[i].option);
    /* Words of an argv are not const, and these are not written to. */
    return add(words, (char *)(uintptr_t)variables[i].option) && add(words, value);
}

static bool
add_extra(struct config *config, struct words *words)
{
    static const char name[] = "MEMCACHED_EXTRA_FLAGS";
    const char *value = value_of(name);
    char *rest = words->extra;
    char *word;

    if (value == NULL)
        return true;
    if (strlen(value) >= sizeof(words->extra))
        return false;
    memcpy(words->extra, value, strlen(value) + 1);
    config_note(config, NOTE_TAKEN, name, "options");
    while ((word = strsep(&rest, " \t\n")) != NULL)
        if (*word != '\0' && !add(words, word))
            return false;
    return true;
}

static bool
add_all(struct config *config, struct words *words, int argc, char **argv)
{
    words->count = 0;
    if (argc > 0 && !add(words, argv[0]))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        if (!add_option(config, words, i))
            return false;
    if (!add_extra(config, words))
        return false;
    for (int i = 1; i < argc; i++)
        if (!add(words, argv[i]))
            return false;
    return true;
}

char **
config_with_environment(struct config *config, int *argc, char **argv)
{
    static struct words words;

    /* Without a word, whoever set it would take the server for a protected one. */
    if (value_of("MEMCACHED_PASSWORD") != NULL || value_of("MEMCACHED_PASSWORD_FILE") != NULL) {
        (void)config_usage("MEMCACHED_PASSWORD: passwords are read from a file: write "
                           "'user:password' into one, and name it with -Y");
        return NULL;
    }
    if (!add_all(config, &words, *argc, argv)) {
        (void)config_usage("there are too many options, or too long ones");
        return NULL;
    }
    *argc = words.count;
    return words.at;
}
