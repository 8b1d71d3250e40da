/* memcached's -o: each of its settings, and what becomes of it here. */
#include <stdio.h>
#include <string.h>

#include "config_options.h"
#include "config_priv.h"

enum value_of { VALUE_REQUIRED, VALUE_OPTIONAL };
enum fate_of { FATE_ACTS, FATE_SILENT, FATE_IGNORED, FATE_REFUSED };

struct extended {
    const char *name;
    enum value_of value;
    enum fate_of fate;
    const char *why;
};

static const struct extended settings[] = {
#define EXTENDED(name, value, fate, why) {name, VALUE_##value, FATE_##fate, why},
#include "extended.def"
};

/* One that is NAME; NULL: memcached has none, either. */
static const struct extended *
find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (strcmp(settings[i].name, name) == 0)
            return settings + i;
    return NULL;
}

/* VALUE is NULL where there was no "=". */
static enum config_result
take(struct config *config, const char *name, char *value)
{
    const struct extended *setting = find(name);
    char shown[CONFIG_NOTE_BYTES];

    (void)snprintf(shown, sizeof(shown), "-o %s", name);
    if (setting == NULL)
        return config_usage("-o: there is no setting '%s', nor has memcached one", name);
    if (setting->fate == FATE_REFUSED)
        return config_usage("%s: %s", shown, setting->why);
    if (setting->value == VALUE_REQUIRED && value == NULL)
        return config_usage("%s: it needs a value, '%s=...'", shown, name);
    if (setting->fate == FATE_ACTS)
        return config_set(config, option_of_name(setting->why), value);
    if (setting->fate == FATE_IGNORED)
        config_note(config, NOTE_IGNORED, shown, setting->why);
    return CONFIG_RUN;
}

enum config_result
config_take_extended(struct config *config, char *text)
{
    enum config_result result = CONFIG_RUN;
    char *rest = text;
    char *value;

    while (result == CONFIG_RUN && (value = strsep(&rest, ",")) != NULL) {
        const char *name = option_trim(strsep(&value, "="));

        if (*name != '\0')
            result = take(config, name, value == NULL ? NULL : option_trim(value));
    }
    return result;
}
