/* `stats settings`: every option as it is in force. */
#include <stdio.h>
#include <string.h>

#include "config.h"

/* --- Getters, by kind of option; the argument is the field's offset in the config --- */

static bool
flag_at(const struct stat_entry *entry, const void *record)
{
    bool flag;

    memcpy(&flag, (const char *)record + entry->arg, sizeof(flag));
    return flag;
}

static void
get_yes_no(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    stat_put_text(value, flag_at(entry, record) ? "yes" : "no");
}

static void
get_on_off(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    stat_put_text(value, flag_at(entry, record) ? "on" : "off");
}

static void
get_auto_off(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    stat_put_text(value, flag_at(entry, record) ? "auto" : "off");
}

static void
get_int(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    int number;

    memcpy(&number, (const char *)record + entry->arg, sizeof(number));
    stat_printf(value, "%d", number);
}

/* A pointer's string, as memcached shows one that is not set. */
static void
get_text(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    const char *text;

    memcpy(&text, (const char *)record + entry->arg, sizeof(text));
    stat_put_text(value, text != NULL ? text : "NULL");
}

static void
get_file(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    get_text(entry, record, value);
    if (strcmp(value->text, "NULL") == 0)
        stat_put_text(value, "no");
}

/* In memcached's words. */
static void
get_protocol(const struct stat_entry *entry UNUSED, const void *record,
             struct stat_value *value)
{
    const struct config *config = record;

    switch (config->protocol) {
    case PROTOCOL_AUTO: stat_put_text(value, "auto-negotiate"); return;
    case PROTOCOL_ASCII: stat_put_text(value, "ascii"); return;
    case PROTOCOL_BINARY: stat_put_text(value, "binary"); return;
    }
}

static void
get_favor(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct config *config = record;

    switch (config->store.favor) {
    case STORE_FAVOR_OBJECTS: stat_put_text(value, "objects"); return;
    case STORE_FAVOR_BALANCED: stat_put_text(value, "balanced"); return;
    case STORE_FAVOR_BYTES: stat_put_text(value, "bytes"); return;
    }
}

static void
get_char(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    stat_printf(value, "%c", *((const char *)record + entry->arg));
}

/* All addresses of -l, as they could have been given in one. */
static void
get_hosts(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct config *c = record;
    size_t used = 0;

    stat_put_text(value, "NULL");
    for (int i = 0; i < c->host_count && used < sizeof(value->text); i++)
        used += (size_t)snprintf(value->text + used, sizeof(value->text) - used, "%s%s",
                                 i > 0 ? "," : "", c->hosts[i]);
}

/* --- How an option of each kind is shown: STAT_ kind, UNIT_, getter --- */

#define SHOWN_ALLOW         TEXT, NONE, get_yes_no
#define SHOWN_FORBID        TEXT, NONE, get_yes_no
#define SHOWN_TURN_OFF      TEXT, NONE, get_on_off
#define SHOWN_ON_OFF        TEXT, NONE, get_on_off
#define SHOWN_AUTO_OFF      TEXT, NONE, get_auto_off
#define SHOWN_TEXT          TEXT, NONE, get_text
#define SHOWN_FILE          TEXT, NONE, get_file
#define SHOWN_PROTOCOL      TEXT, NONE, get_protocol
#define SHOWN_FAVOR         TEXT, NONE, get_favor
#define SHOWN_DELIMITER     TEXT, NONE, get_char
#define SHOWN_HOSTS         TEXT, NONE, get_hosts
#define SHOWN_COUNT         GAUGE, NUMBER, get_int
#define SHOWN_PORT          GAUGE, NUMBER, get_int
#define SHOWN_NUMBER        GAUGE, NUMBER, stat_get_u32
#define SHOWN_UDP           GAUGE, NUMBER, stat_get_u32
#define SHOWN_THREADS       GAUGE, THREADS, stat_get_u32
#define SHOWN_MILLISECONDS  GAUGE, MILLISECONDS, stat_get_u32
#define SHOWN_SECONDS       GAUGE, SECONDS, stat_get_u32
#define SHOWN_SECONDS_IN_MS GAUGE, MILLISECONDS, stat_get_u32
#define SHOWN_BYTES         GAUGE, BYTES, stat_get_u64
#define SHOWN_MEGABYTES     GAUGE, BYTES, stat_get_u64

#define ENTRY(setting, name, shown, field) ENTRY_OF(setting, name, shown, field)
#define ENTRY_OF(setting, name, kind, unit, get, field)                                        \
    {setting,     STAT_##kind,                                                                 \
     UNIT_##unit, "As set by --" name ".",                                                     \
     get,         offsetof(struct config, field)},

static const struct stat_entry entries[] = {
#define SETTING(setting, letter, name, value, group, kind, field, ...)                         \
    ENTRY(setting, name, SHOWN_##kind, field)
#include "options.def"
};

/* A size_t is read as a uint64_t. */
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "the widths of fields are those of kinds");

const struct stat_section config_settings = {entries, ARRAY_LEN(entries), NULL, "setting_",
                                             NULL};
