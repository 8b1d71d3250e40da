/* Changes options of a server that runs, and lists which can be changed. */
#include "config_live.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config_options.h"
#include "config_total.h"
#include "lombard/base/log.h"
#include "lombard/base/num.h"
#include "lombard/store/store.h"

enum { TEXT_BYTES = 64, NAME_BYTES = 64, RANGE_BYTES = 128, VERBOSITY_MAX = 2 };

/* By their long names; all others are needed at the start only, or what they make is fixed then. */
static const char *const live_names[] = {
    "conn-limit",   "max-reqs-per-event", "idle-timeout", "send-timeout",  "peer-timeout",
    "auth-timeout", "operator-timeout",   "drain-time",   "buffer-memory", "admin-conns",
    "http-conns",   "http-timeout",       "client-names", "verbose",       "memory-limit",
    "stall-ms",     "busy-poll",
};

static bool
is_live(const struct option_info *option)
{
    for (size_t i = 0; i < ARRAY_LEN(live_names); i++)
        if (option->name != NULL && strcmp(option->name, live_names[i]) == 0)
            return true;
    return false;
}

/* What is set by it can be shown. */
static bool
has_value(const struct option_info *option)
{
    return option->name != NULL && option->bytes > 0;
}

/* With or without the dashes that it has on the command line. */
static const struct option_info *
find(const char *name)
{
    const struct option_info *option;

    for (int i = 0; i < 2 && *name == '-'; i++)
        name++;
    for (size_t i = 0; (option = option_at(i)) != NULL; i++)
        if (has_value(option) &&
            (strcmp(option->name, name) == 0 ||
             (option->letter != 0 && name[0] == option->letter && name[1] == '\0')))
            return option;
    return NULL;
}

/* --- Setting --- */

static bool
refuse(char *why, const char *name, const char *text)
{
    (void)snprintf(why, SERVER_WHY_BYTES, "%s: %s", name, text);
    return false;
}

/* As often as -v would be given. */
static bool
set_verbosity(struct config *config, struct slice value)
{
    uint32_t level;

    if (!num_parse_u32(value, &level) || level > VERBOSITY_MAX)
        return false;
    config->verbosity = (int)level;
    return true;
}

/* Whether NEXT, in which OPTION was set, can be in force; else why not. */
static bool
check(const struct config *next, const struct option_info *option, char *why)
{
    char text[128];

    if (next->server.max_conns > next->conns_most)
        (void)snprintf(text, sizeof(text),
                       "at most %u: this process may open no more descriptors (LimitNOFILE=)",
                       next->conns_most);
    else if (next->total_bytes > 0 && config_bytes_for_store(next) < next->store.limit_bytes)
        (void)snprintf(text, sizeof(text),
                       "--total-memory %" PRIu64 " leaves %" PRIu64 " megabytes for -m",
                       next->total_bytes >> 20, config_bytes_for_store(next) >> 20);
    else
        return true;
    return refuse(why, option->name, text);
}

/* The command cache_memlimit sets it as well. */
static void
take_limit(const struct config_live *live)
{
    live->config->store.limit_bytes = store_limit_bytes(live->store);
}

/* Which values OPTION can be given now: the store's limit depends on what it was started with. */
static void
show_range(const struct config_live *live, const struct option_info *option, char *dst,
           size_t bytes)
{
    if (option->off == offsetof(struct config, store.limit_bytes))
        (void)snprintf(dst, bytes, "%" PRIu64 " to %" PRIu64 " (megabytes), as it was started",
                       (store_limit_bytes_min(live->store) + (1 << 20) - 1) >> 20,
                       store_limit_bytes_max(live->store) >> 20);
    else if (option->kind == OPTION_COUNT)
        (void)snprintf(dst, bytes, "0 to %d", VERBOSITY_MAX);
    else
        option_range(option, dst, bytes);
}

static bool
set_memory(struct config_live *live, uint64_t bytes)
{
    return bytes == store_limit_bytes(live->store) || store_set_limit(live->store, bytes);
}

void
config_live_cap(const struct config_live *live)
{
    if (live->config->total_bytes > 0)
        store_cap_limit(live->store, config_bytes_for_store(live->config));
}

static void
apply(struct config_live *live, const struct config *next)
{
    static const enum log_level levels[] = {LOG_INFO, LOG_DEBUG, LOG_TRACE};

    if (next->verbosity != live->config->verbosity && next->verbosity <= VERBOSITY_MAX)
        log_set_level(levels[next->verbosity]);
    *live->config = *next;
    config_live_cap(live);
    server_reconfigure(live->server, &next->server);
}

bool
config_live_set(void *ctx, struct slice name, struct slice value, char *why)
{
    struct config_live *live = ctx;
    struct config next;
    const struct option_info *option;
    char text[TEXT_BYTES], shown[NAME_BYTES], range[RANGE_BYTES];
    bool ok;

    take_limit(live);
    next = *live->config;
    (void)log_escape(shown, sizeof(shown), name);
    option = find(shown);
    if (option == NULL)
        return refuse(why, shown, "there is no such setting; config lists them");
    if (!is_live(option))
        return refuse(why, option->name, "can be set at the start only");
    (void)snprintf(text, sizeof(text), "%.*s", (int)value.len, value.ptr);
    if (option->kind == OPTION_COUNT)
        ok = set_verbosity(&next, value);
    else
        ok = value.len < sizeof(text) && option_set(&next, option, text);
    if (ok && !check(&next, option, why))
        return false;
    if (!ok || !set_memory(live, next.store.limit_bytes)) {
        show_range(live, option, range, sizeof(range));
        return refuse(why, option->name, range);
    }
    apply(live, &next);
    (void)snprintf(why, SERVER_WHY_BYTES, "%s", option->name);
    return true;
}

/* --- Listing --- */

/* The record of a line. */
struct listed {
    const struct config_live *live;
    const struct option_info *option;
};

/* The number of BYTES bytes at the option's place. */
static uint64_t
number_at(const struct config *config, const struct option_info *option)
{
    uint64_t number = 0;

    memcpy(&number, (const char *)config + option->off, option->bytes);
    return number;
}

/*
 * As it would be written on the command line: mostly as `stats settings` shows it. What has no line
 * there is not shown here either.
 */
static void
show_value(const struct config *config, const struct option_info *option,
           struct stat_value *value)
{
    if (option->kind == OPTION_FORBID || option->kind == OPTION_TURN_OFF) {
        stat_put_text(value, number_at(config, option) != 0 ? "no" : "yes");
        return;
    }
    if (option->kind == OPTION_MEGABYTES || option->kind == OPTION_SECONDS_IN_MS) {
        stat_put_u64(value, option->kind == OPTION_MEGABYTES
                                ? number_at(config, option) >> 20
                                : number_at(config, option) / 1000);
        return;
    }
    for (size_t i = 0; i < config_settings.entry_count; i++) {
        const struct stat_entry *entry = &config_settings.entries[i];

        if (entry->arg == option->off) {
            entry->get(entry, config, value);
            return;
        }
    }
    stat_put_text(value, "-");
}

static void
get_option(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    const struct listed *listed = record;
    struct stat_value now;
    char range[RANGE_BYTES];

    take_limit(listed->live);
    show_value(listed->live->config, listed->option, &now);
    show_range(listed->live, listed->option, range, sizeof(range));
    if (!is_live(listed->option))
        stat_printf(value, "%.100s at the start only", now.text);
    else
        stat_printf(value, "%.100s live %s", now.text, range);
}

static enum stat_step
next_option(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    static struct listed listed; /* until the next one is asked for */
    const struct option_info *option;

    while ((option = option_at(*position)) != NULL && !has_value(option))
        (*position)++;
    if (option == NULL)
        return STAT_END;
    listed = (struct listed){ctx, option};
    instance->record = &listed;
    (void)snprintf(instance->label, sizeof(instance->label), "%s", option->name);
    return STAT_FOUND;
}

static const struct stat_entry entries[] = {
    {"setting", STAT_TEXT, UNIT_NONE, "Its value, and which it can be given.", get_option, 0},
};
static const struct stat_family family = {"name", "%l", next_option};

const struct stat_section config_live_stats = {entries, ARRAY_LEN(entries), &family, "", NULL};
