/* `stats settings`: every option as it is in force. */
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "config_options.h"

static const struct {
    const char *setting;
    const char *option;
} settings[] = {
#define SETTING(setting, letter, name, ...) {setting, name},
#include "options.def"
};

/* All addresses of -l, as they could have been given in one. */
static void
join_hosts(const struct config *c, char *dst, size_t bytes)
{
    size_t used = 0;

    (void)snprintf(dst, bytes, "NULL");
    for (int i = 0; i < c->host_count && used < bytes; i++)
        used +=
            (size_t)snprintf(dst + used, bytes - used, "%s%s", i > 0 ? "," : "", c->hosts[i]);
}

static uint64_t
load_number(const void *field, size_t bytes)
{
    uint64_t value;
    uint32_t half;

    if (bytes == sizeof(value)) {
        memcpy(&value, field, sizeof(value));
        return value;
    }
    memcpy(&half, field, sizeof(half));
    return half;
}

static bool
load_flag(const void *field)
{
    bool flag;

    memcpy(&flag, field, sizeof(flag));
    return flag;
}

/* A pointer's string, as memcached shows one that is not set. */
static const char *
load_text(const void *field)
{
    const char *text;

    memcpy(&text, field, sizeof(text));
    return text != NULL ? text : "NULL";
}

static void
show(const struct config *c, const char *name, const struct option_info *o,
     struct stat_line *line)
{
    const void *field = (const char *)c + o->off;
    char hosts[STAT_VALUE_BYTES];

    switch (o->kind) {
    case OPTION_ALLOW:
    case OPTION_FORBID: stat_line_text(line, name, load_flag(field) ? "yes" : "no"); return;
    case OPTION_TURN_OFF:
    case OPTION_ON_OFF: stat_line_text(line, name, load_flag(field) ? "on" : "off"); return;
    case OPTION_TEXT: stat_line_text(line, name, load_text(field)); return;
    case OPTION_HOSTS:
        join_hosts(c, hosts, sizeof(hosts));
        stat_line_text(line, name, hosts);
        return;
    case OPTION_PORT: stat_line_printf(line, name, "%d", c->port); return;
    case OPTION_COUNT:
    case OPTION_NUMBER:
    case OPTION_SECONDS:
    case OPTION_SECONDS_IN_MS:
    case OPTION_MEGABYTES:
    case OPTION_BYTES:
    case OPTION_MODE:
    case OPTION_THREADS:
    case OPTION_UDP: stat_line_u64(line, name, load_number(field, o->bytes)); return;
    case OPTION_EXTENDED:
    case OPTION_HELP:
    case OPTION_VERSION:
    case OPTION_IGNORED:
    case OPTION_PROTOCOL:
    case OPTION_REFUSED: break;
    }
    BUG("an option without a field is no setting");
}

bool
config_stat_next(void *ctx, uint64_t *cursor, struct stat_line *line)
{
    if (*cursor >= ARRAY_LEN(settings))
        return false;
    show(ctx, settings[*cursor].setting, option_of_name(settings[*cursor].option), line);
    ++*cursor;
    return true;
}
